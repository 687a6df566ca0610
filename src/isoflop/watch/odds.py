"""The odds that a run ends inside the interval of its forecast, from the forecast and from what is seen of the run."""

from __future__ import annotations

import math

from isoflop.distributions import student_grid, student_quantile
from isoflop.watch.combination import Combined

_NODES = 4001
"""Equally likely ends of the run by what is seen of it: the odds are right to about 3e-4."""
_FORECAST_DEGREES = 4.0
"""Student's degrees of a forecast's error (an assumption): of its three misses in a hundred runs some are by far."""


def inside_probability(seen: Combined, interval: tuple[float, float], level: float) -> float:
    """The probability that the final loss lies in the `interval` of a forecast that holds with probability `level`.

    By Bayes' rule: the density of the end by what is `seen` of the run, times that by its forecast. Early in a run the
    forecast knows more than what is seen, and an interval that is narrower than what is seen would otherwise be given
    up on: bench/watch/odds.md has how often stated odds came true.

    >>> early = Combined(predicted_final=2.0, sd=0.05, degrees=8.0, interval=(1.8, 2.2), methods={}, weights={})
    >>> round(inside_probability(early, (1.98, 2.02), 0.9), 2)
    0.9
    """
    low, high = (math.log(end) for end in interval)
    ends = math.log(seen.predicted_final) + seen.sd * student_grid(_NODES, seen.degrees)
    sd = (high - low) / 2 / student_quantile(0.5 + level / 2, _FORECAST_DEGREES)
    if sd <= 0:
        return 0.0
    off = (ends - (low + high) / 2) / sd
    density = (1 + off**2 / _FORECAST_DEGREES) ** (-(_FORECAST_DEGREES + 1) / 2)
    return float(density[(low <= ends) & (ends <= high)].sum() / density.sum())
