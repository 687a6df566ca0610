"""Which finished runs a run is held against: the next smaller ones of its tokens per parameter and schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import KNOTS, TRAINING, Curve
from isoflop.watch.stretches import Stretches, end_noise, stretches

SAME_SIZE = 1.03
"""Ratio of parameters below which two runs are of one size."""
SAME_LENGTH = 1.15
"""Ratio of tokens per parameter below which courses agree to better than the noise of runs."""
LONGEST_APART = 2.5
"""Ratio of tokens per parameter beyond which the course of one run says nothing about the other."""
_MISMATCH = 0.006
"""Standard deviation of the drift of the ratio per factor of e between the tokens per parameter, in both of its shapes
(`ratio.py`): .0045 per factor of two at 10 tokens per parameter in published ladders, .001 at 100."""
_BETWEEN = 0.0005
"""The same where the lengths of the references lie on both sides, of the course between them being no straight line."""
_SAME_SHAPE = 0.05
"""Mean difference of two schedules, in shares of their peaks: a cosine to 0 and one to a tenth differ by .05."""
_SAME_END = 0.1
"""Difference over the last tenth, which decides by how much the loss falls there."""
_LAST_KNOT = int(np.searchsorted(KNOTS, 0.9, side="right"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """A finished run with its part in the course that a run is held against."""

    curve: Curve
    weight: float
    """The weights of all references sum to 1."""
    stretches: Stretches
    above_end: Array
    """ln(loss / final loss) in each stretch."""
    log_size_apart: float
    """ln(parameters of the run / its own); 0 where either is unknown."""
    end_variance: float
    """Of ln(final loss) by the scatter of single points, where it is one of them."""
    mismatch: float
    """Standard deviation of the drift that comes from other tokens per parameter than the run has."""


def references(run: Curve, like: Sequence[Curve]) -> list[Curve]:
    """Finished curves of one size, the largest that is not larger than the run's, as like it in length as there are.

    Several are seeds of one run. Where all have other tokens per parameter, those on the other side of the run's are
    added, so that the course between them is the run's. Empty where none has its schedule, or is near enough in length.
    """
    similar = [other for other in like if other.final is not None and other.name != run.name and same_shape(run, other)]
    if run.params is None or any(other.params is None for other in similar):
        return [other for other in similar if _apart(other.total_tokens, run.total_tokens) <= SAME_SIZE]
    near = [
        other
        for other in similar
        if other.params is not None
        and other.params <= SAME_SIZE * run.params
        and length_apart(run, other) <= LONGEST_APART
    ]
    matched = [other for other in near if length_apart(run, other) <= SAME_LENGTH]
    if matched:
        return _best_rate(_nearest_length(run, _largest(matched)))
    sides = [[other for other in near if _longer(run, other) == side] for side in (True, False)]
    return [other for side in sides if side for other in _best_rate(_closest(run, side))]


def weighted_references(run: Curve, like: Sequence[Curve], share: float) -> list[Reference]:
    """The references with points before `share`, weighted so that together they have the run's tokens per parameter."""
    found = [
        (other, known)
        for other in references(run, like)
        if (known := stretches(other, share)) is not None and other.final is not None
    ]
    if not found:
        return []
    logs = np.array([_log_length_apart(run, other) for other, _ in found])
    weights = _weights(logs)
    return [
        Reference(
            curve=other,
            weight=float(weight),
            stretches=known,
            above_end=known.log_loss - math.log(other.final or math.nan),
            end_variance=end_noise(other) ** 2 if other.final_measured == other.measured != TRAINING else 0.0,
            log_size_apart=math.log(run.params / other.params) if run.params and other.params else 0.0,
            mismatch=_MISMATCH * abs(float(weights @ logs)) + _BETWEEN * abs(float(log)),
        )
        for (other, known), weight, log in zip(found, weights, logs, strict=True)
    ]


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
    known = int(np.searchsorted(KNOTS, float(run.schedule_tokens[-1]) / run.total_tokens, side="right"))
    # sums and not means: this is asked of every pair of runs, many times over
    apart = np.abs(run.rate_shape[:known] - other.rate_shape[:known])
    at_end = apart[_LAST_KNOT:]
    return float(apart.sum()) <= _SAME_SHAPE * len(apart) and float(at_end.sum()) <= _SAME_END * len(at_end)


def _largest(curves: Sequence[Curve]) -> list[Curve]:
    largest = max(other.params or 0.0 for other in curves)
    return [other for other in curves if _apart(other.params or 1.0, largest) <= SAME_SIZE]


def _nearest_length(run: Curve, curves: Sequence[Curve]) -> list[Curve]:
    nearest = min(length_apart(run, other) for other in curves)
    return [other for other in curves if length_apart(run, other) <= nearest * SAME_SIZE]


def _closest(run: Curve, curves: Sequence[Curve]) -> list[Curve]:
    """Of runs of other lengths those that are nearest in length and size together, a length counting three times."""

    def distance(other: Curve) -> float:
        return 3 * math.log(length_apart(run, other)) + math.log((run.params or 1.0) / (other.params or 1.0))

    best = min(curves, key=distance)
    return [
        other
        for other in curves
        if _apart(other.params or 1.0, best.params or 1.0) <= SAME_SIZE and length_apart(best, other) <= SAME_SIZE
    ]


def _best_rate(curves: Sequence[Curve]) -> list[Curve]:
    """Of runs that differ in the learning rate those with the one that ended lowest: the others were tried."""

    def final(curve: Curve) -> float:
        return curve.final or math.inf

    best = min(curves, key=final)
    if best.peak_rate is None:
        return list(curves)
    return [other for other in curves if other.peak_rate and _apart(other.peak_rate, best.peak_rate) <= SAME_SIZE]


def _weights(logs: Array) -> Array:
    """Equal weights where all lengths are the run's; else those on a straight line through its length, ln(ratio) 0."""
    if np.all(np.abs(logs) <= math.log(SAME_LENGTH)) or np.all(logs > 0) or np.all(logs < 0):
        return np.full(len(logs), 1 / len(logs))
    above, below = logs > 0, logs <= 0
    high, low = float(logs[above].mean()), float(-logs[below].mean())
    return np.asarray(np.where(above, low / (high + low) / above.sum(), high / (high + low) / below.sum()))


def _longer(run: Curve, other: Curve) -> bool:
    return _log_length_apart(run, other) > 0


def _log_length_apart(run: Curve, other: Curve) -> float:
    if run.tokens_per_param is None or other.tokens_per_param is None:
        return math.log(other.total_tokens / run.total_tokens)
    return math.log(other.tokens_per_param / run.tokens_per_param)


def _apart(first: float, second: float) -> float:
    return max(first, second) / min(first, second)
