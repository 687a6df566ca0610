"""The band of a run before it starts: what its forecast and the courses of finished runs expect at every share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isoflop.distributions import student_quantile
from isoflop.plan.expected_course import ExpectedCourse
from isoflop.plan.sealed_forecast import Forecast
from isoflop.watch.curve import Curve
from isoflop.watch.errors import past_errors
from isoflop.watch.ratio import EARLIEST, RatioMethod, course_at
from isoflop.watch.references import references, weighted_references

SHARES = tuple(round(0.05 * k, 2) for k in range(2, 21))
"""Shares of the schedule at which a band is made, from EARLIEST on."""
NEAR = 2**-0.25
"""A loss at a share is the mean from this part of the way on, as in `stretches.py`: one batch decides nothing."""


def expected_course(forecast: Forecast, run: Curve, like: Sequence[Curve], level: float) -> ExpectedCourse | None:
    """The band of a run that `forecast` is about, whose plan is the schedule of `run`; its losses are not looked at.

    The course is that of the finished runs that it will be held against; its width adds the forecast's own error to
    what the ratio to these runs was off by on finished runs at that share. None without such runs or an interval.
    """
    if not references(run, like) or forecast.interval is None or forecast.level is None:
        return None
    low, high = np.log(forecast.interval)
    of_forecast = (high - low) / 2 / student_quantile(0.5 + forecast.level / 2, float("inf"))
    rows = []
    degrees = 0.0
    for share in SHARES:
        used = weighted_references(run, like, share)
        if not used:
            continue
        past = past_errors(RatioMethod(), run, like, share)
        degrees = past.degrees
        course = course_at(used, share)
        sd = past.scale * course.sd
        middle = np.log(forecast.loss) + course.log_final
        half = student_quantile(0.5 + level / 2, degrees) * np.hypot(of_forecast, sd)
        rows.append((share, np.exp(middle), np.exp(middle - half), np.exp(middle + half), sd))
    if not rows:
        return None
    shares, loss, lows, highs, sds = (tuple(map(float, column)) for column in zip(*rows, strict=True))
    return ExpectedCourse(
        shares=shares,
        loss=loss,
        low=lows,
        high=highs,
        level=level,
        course_sd=sds,
        degrees=degrees,
        measured=run.measured,
        made_from=tuple(other.name for other in references(run, like)),
        peak_rate=run.peak_rate,
    )


assert SHARES[0] >= EARLIEST
