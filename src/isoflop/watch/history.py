"""The words of a verdict, and what was said at each moment of a run from what was known then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.arrays import Array
from isoflop.units import format_number
from isoflop.watch.excursions import PATIENCE, Spike
from isoflop.watch.looks import Looks
from isoflop.watch.rates import OtherRates
from isoflop.watch.sequential import RETURNED, Test

Verdict = Literal[
    "too_early", "cannot_tell", "on_course", "above", "below", "off_shape", "diverging", "spiking", "data_repeated"
]
"""Above and below: off the band. off_shape: the deviation from the course changes along the run. cannot_tell: nothing
is known of right runs."""

MANY_SPIKES, MANY_WITHIN = 3, 0.1
"""So many spikes within this share of the schedule are a run that spikes, though each has come back."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A verdict, from the share on at which it was first given."""

    share: float
    verdict: Verdict
    reason: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """Everything that the log up to now shows, each part with the share at which it was known."""

    last_share: float
    looks: Looks
    first: int
    """Index of the first look that carries something."""
    test: Test | None
    """None where nothing is known of right runs."""
    diverging: Array
    """1 at looks after which the run diverges; shape (looks,)."""
    spikes: tuple[Spike, ...]
    repeated: tuple[Array, Array] | None
    """Shares, and 1 where data have been repeated by then; None without both losses."""
    not_finite_at: float | None
    rates: OtherRates | None = None
    """None where the learning rates are those of the plan, or not known."""


def history_of(evidence: Evidence) -> tuple[Change, ...]:
    """Returns every change of the verdict, in order; never empty. A longer log alters none of them."""
    changes = [Change(share=0.0, verdict="too_early", reason=reason_at(evidence, "too_early", 0.0))]
    for share in _moments(evidence):
        verdict = verdict_at(evidence, share)
        if verdict != changes[-1].verdict:
            changes.append(Change(share=share, verdict=verdict, reason=reason_at(evidence, verdict, share)))
    return tuple(changes)


def verdict_at(evidence: Evidence, share: float) -> Verdict:
    """Returns the word at `share` of the schedule: of all that hold, the one that asks for action first."""
    look = _look(evidence, share)
    if _stopped(evidence, share) or (look >= 0 and evidence.diverging[look]):
        return "diverging"
    if _repeated(evidence, share):
        return "data_repeated"
    test = evidence.test
    if test is not None and look >= evidence.first and test.level_off[look]:
        return "above" if test.level_off[look] > 0 else "below"
    if _at_other_rates(evidence, share):
        return "off_shape"
    if test is not None and look >= evidence.first and test.change_off[look]:
        # Of a run that has changed, two looks off the level on that side are enough to name it by the level.
        beyond = test.change_off[look] * test.level[look - 1 : look + 1]
        return "off_shape" if not beyond.min() > RETURNED else "above" if test.change_off[look] > 0 else "below"
    if _spikes_now(evidence, share):
        return "spiking"
    if look <= evidence.first:
        return "too_early"
    return "cannot_tell" if test is None else "on_course"


def reason_at(evidence: Evidence, verdict: Verdict, share: float) -> str:
    """Returns what the verdict rests on, in a clause with its numbers."""
    look = _look(evidence, share)
    at = f"at {share:.1%} of the schedule"
    if verdict == "diverging":
        if _stopped(evidence, share):
            return f"the loss is not a finite number from {evidence.not_finite_at:.1%} of the schedule on"
        best = float(evidence.looks.log_loss[: look + 1].min())
        above = np.expm1(evidence.looks.log_loss[look] - best)
        return f"the loss lies {above:.1%} above its best and has not come back {at}"
    if verdict == "data_repeated":
        return f"the training loss has fallen away from the evaluation loss {at}, as it does when data come again"
    if verdict == "spiking":
        # the verdict is of the last moment at which anything happened: a spike may have fallen out of the count since
        now = _spikes_now(evidence, share) or evidence.spikes[-1:]
        return (
            f"{len(now)} {'spike' if len(now) == 1 else 'spikes'} of the loss, "
            f"the last by {np.expm1(now[-1].rise):.1%} at {now[-1].share:.1%} of the schedule"
        )
    if verdict == "off_shape" and evidence.rates is not None and _at_other_rates(evidence, share):
        return f"its learning rate is {format_number(evidence.rates.factor)} times the planned one {at}"
    if verdict == "too_early" or look < evidence.first:
        return "too few looks after the warm-up and the first tenth of the schedule"
    test = evidence.test
    if test is None:
        return "no finished run and no forecast to hold it against"
    if verdict == "off_shape":
        return f"the deviation from the course has changed by {test.change[look]:+.1f} standard deviations {at}"
    if not test.level_known:
        return f"the deviation from the course of smaller runs has kept within the noise, {at}"
    moved = f"{np.expm1(test.deviation[look]):+.2%}, {test.level[look]:+.1f} standard deviations, from its course {at}"
    return f"{moved}, and the deviation is changing" if verdict != "on_course" and test.change_off[look] else moved


def _moments(evidence: Evidence) -> list[float]:
    """The shares at which a verdict may change."""
    moments = [float(share) for share in evidence.looks.known_at]
    for spike in evidence.spikes:
        moments.append(spike.share)
        moments.append(spike.share + PATIENCE if spike.until is None else spike.until)
    if evidence.repeated is not None:
        moments.extend(float(share) for share in evidence.repeated[0])
    if evidence.rates is not None:
        moments.append(evidence.rates.since)
    if evidence.not_finite_at is not None:
        moments.append(evidence.not_finite_at)
    return sorted({share for share in moments if share <= evidence.last_share or share == evidence.not_finite_at})


def _at_other_rates(evidence: Evidence, share: float) -> bool:
    return evidence.rates is not None and share >= evidence.rates.since


def _look(evidence: Evidence, share: float) -> int:
    """Index of the last look that was complete at `share`; -1 before the first."""
    return int(np.searchsorted(evidence.looks.known_at, share, side="right")) - 1


def _stopped(evidence: Evidence, share: float) -> bool:
    return evidence.not_finite_at is not None and share >= evidence.not_finite_at


def _repeated(evidence: Evidence, share: float) -> bool:
    if evidence.repeated is None:
        return False
    known, state = evidence.repeated
    at = int(np.searchsorted(known, share, side="right")) - 1
    return at >= 0 and bool(state[at])


def _spikes_now(evidence: Evidence, share: float) -> tuple[Spike, ...]:
    """The spike that has not come back at `share`, or all of the last stretch where they are many; else none."""
    before = [spike for spike in evidence.spikes if spike.share <= share]
    recent = tuple(spike for spike in before if spike.share > share - MANY_WITHIN)
    if len(recent) >= MANY_SPIKES:
        return recent
    if before and share < (before[-1].share + PATIENCE if before[-1].until is None else before[-1].until):
        return (before[-1],)
    return ()
