"""The verdict on a run that is under way, in a word with its reason, and the time of every change of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.course import Course
from isoflop.watch.curve import Curve
from isoflop.watch.excursions import Spike, diverging_after, in_spikes, spikes_of
from isoflop.watch.history import Change, Evidence, Verdict, history_of, reason_at
from isoflop.watch.looks import looks_of
from isoflop.watch.rates import OtherRates
from isoflop.watch.repeated import repeated_after
from isoflop.watch.sequential import sequential_test

FIRST_SHARE = 0.1
"""Share of the schedule before which a loss carries nothing about its end."""
_AFTER_WARMUP = 0.02


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the log up to now says about the run, and what it said before."""

    verdict: Verdict
    reason: str
    since: float
    """Share of the schedule at which this verdict was first given."""
    history: tuple[Change, ...]
    """Every change of the verdict, in order; the last is the present one. A longer log never alters it."""
    spikes: tuple[Spike, ...]
    looks: int
    """Looks at which the run was judged."""
    level_known: bool
    """Whether its level was tested, and not the shape of its curve alone; True where nothing was tested."""
    deviations: float | None
    """Standard deviations of the last look from its course; None where there was none."""


def judge(
    run: Curve,
    course_at: Callable[[Array], Course] | None,
    *,
    training: Curve | None = None,
    not_finite_at: float | None = None,
    rates: OtherRates | None = None,
) -> Judgement:
    """Returns the verdict on `run` up to now.

    `course_at` returns the course at the shares of looks; None where nothing is known of right runs. `training` is the
    training loss where `run` is an evaluation loss, `not_finite_at` the share from which on the log holds no number.
    `rates` are learning rates that are not those of the plan.
    """
    looks = looks_of(run)
    course = course_at(looks.share) if course_at is not None and len(looks.share) else None
    centre = np.full(len(looks.share), np.nan) if course is None else course.centre
    first_share = max(FIRST_SHARE, warmup_share(run) + _AFTER_WARMUP)
    first = int(np.searchsorted(looks.known_at, first_share))
    spikes = spikes_of(run, looks, centre)
    spiky = in_spikes(spikes, looks.known_at)
    test = None if course is None else sequential_test(looks.log_loss, course, first=first, spiky=spiky)
    repeated = None if training is None else repeated_after(training, run, from_share=first_share)
    evidence = Evidence(
        last_share=float(run.share[-1]) if len(run.share) else 0.0,
        looks=looks,
        first=first,
        test=test,
        diverging=diverging_after(looks, centre),
        spikes=spikes,
        repeated=repeated,
        not_finite_at=not_finite_at,
        rates=rates,
    )
    history = history_of(evidence)
    now = history[-1]
    levels = np.zeros(0) if test is None else test.level[np.isfinite(test.level)]
    return Judgement(
        verdict=now.verdict,
        reason=reason_at(evidence, now.verdict, evidence.last_share),
        since=now.share,
        history=history,
        spikes=spikes,
        looks=len(levels),
        level_known=test is None or test.level_known,
        deviations=float(levels[-1]) if len(levels) else None,
    )


def warmup_share(run: Curve) -> float:
    """Returns the share of the schedule at which the rate is first highest; 0 where it is unknown or never rises."""
    if not len(run.schedule_rates):
        return 0.0
    peak = int(np.argmax(run.schedule_rates >= 0.999 * run.schedule_rates.max()))
    return float(run.schedule_tokens[peak] / run.total_tokens) if peak else 0.0
