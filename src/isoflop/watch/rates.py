"""Whether a run trains at the learning rates that were planned: a wrong rate is seen before its loss is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.logs.run import LoggedRun
from isoflop.plan.expected_course import ExpectedCourse
from isoflop.watch.curve import Curve
from isoflop.watch.schedule import logged_rates

OFF = 1.25
"""Ratio of rates beyond which a run is another one than was planned; a steeper schedule alone moves a rate by less over
its constant part, and three-point checks of rates are a factor of two apart (sweep/designs.py)."""
_LINES = 3
"""Logged rates in a row that must be off: one line may be torn or of a restart."""
_AFTER_WARMUP = 0.02
_COMPARED = 0.3
"""Share of the peak below which planned rates are not compared: near the end of a decay a ratio says little."""


@dataclass(frozen=True, kw_only=True)
class OtherRates:
    """Learning rates that are not those of the plan."""

    since: float
    """Share of the schedule at which it was seen."""
    factor: float
    """Logged over planned rate there."""


def other_rates(
    logged: LoggedRun, seen: Curve, used: Sequence[Curve], band: ExpectedCourse | None, *, warmup: float
) -> OtherRates | None:
    """Returns where the rates that a run logged left those that its sealed band was made for; None where they did not.

    The shape of the schedule by its share is that of the finished runs `used`, its peak that of the band; `warmup` is
    the share of the schedule before which rates rise. None without a sealed peak or logged rates, too.
    """
    if band is None or band.peak_rate is None or not used or used[0].peak_rate is None or seen.counts != "tokens":
        return None
    rates = logged_rates(logged, seen.counts)
    share = rates.tokens / seen.total_tokens
    until = float(seen.share[-1]) if len(seen.share) else 0.0
    judged = (share >= warmup + _AFTER_WARMUP) & (share <= until * (1 + 1e-9))
    shape = used[0].rate_at(share[judged] * used[0].total_tokens) / used[0].peak_rate
    known = shape >= _COMPARED
    at, ratio = share[judged][known], rates.rates[judged][known] / (band.peak_rate * shape[known])
    off = (ratio > OFF) | (ratio < 1 / OFF)
    for last in range(_LINES - 1, len(at)):
        if off[last - _LINES + 1 : last + 1].all():
            return OtherRates(since=float(at[last]), factor=float(np.median(ratio[last - _LINES + 1 : last + 1])))
    return None
