"""Which finished runs a run is held against: the next smaller ones of its tokens per parameter and schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from isoflop.watch.curve import Curve

SAME_SIZE = 1.03
"""Ratio of parameters below which two runs are of one size."""
SAME_LENGTH = 1.15
"""Ratio of tokens per parameter below which courses are alike to better than the noise of runs."""
LONGEST_APART = 2.5
"""Ratio of tokens per parameter beyond which the course of one run says nothing about the other."""
_SAME_SHAPE = 0.1
"""Mean difference of two schedules, in shares of their peaks: a cosine to 0 and one to a tenth differ by .05."""
_KNOTS = np.linspace(0.05, 1.0, 39)


def references(run: Curve, like: Sequence[Curve]) -> list[Curve]:
    """Finished curves of one size, the largest that is not larger than the run's, as like it in length as there are.

    Several are seeds of one run. Empty where none has its schedule, or a length that is near enough.
    """
    alike = [other for other in like if other.final is not None and other.name != run.name and same_shape(run, other)]
    if run.params is None or any(other.params is None for other in alike):
        return [other for other in alike if _apart(other.total_tokens, run.total_tokens) <= SAME_SIZE]
    near = [other for other in alike if other.params is not None and other.params <= SAME_SIZE * run.params]
    apart = {other.name: length_apart(run, other) for other in near}
    for most in (SAME_LENGTH, LONGEST_APART):
        found = [other for other in near if apart[other.name] <= most]
        if found:
            largest = max(other.params or 0.0 for other in found)
            same = [other for other in found if _apart(other.params or 1.0, largest) <= SAME_SIZE]
            nearest = min(apart[other.name] for other in same)
            return [other for other in same if apart[other.name] <= nearest * SAME_SIZE]
    return []


def length_apart(run: Curve, other: Curve) -> float:
    """Ratio of the tokens per parameter of two runs, at least 1; infinite where they cannot be compared."""
    if run.tokens_per_param is None or other.tokens_per_param is None:
        return math.inf
    return _apart(run.tokens_per_param, other.tokens_per_param)


def same_shape(run: Curve, other: Curve) -> bool:
    """Whether the learning rates of two runs have one shape by the share of the schedule, as far as both are known.

    Warm-ups are left out: their share falls with the size of a run. Unknown rates are taken for the same.
    """
    if not len(run.schedule_rates) or not len(other.schedule_rates):
        return True
    known = min(1.0, float(run.schedule_tokens[-1]) / run.total_tokens)
    at = _KNOTS[known >= _KNOTS]
    if not len(at):
        return True
    first, second = (curve.rate_at(at * curve.total_tokens) / (curve.peak_rate or 1.0) for curve in (run, other))
    return float(np.mean(np.abs(first - second))) <= _SAME_SHAPE


def _apart(first: float, second: float) -> float:
    return max(first, second) / min(first, second)
