"""How far each method was off on finished runs, had they been watched at this share: each predicted from the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import Curve
from isoflop.watch.method import Estimate, Method, estimate_by
from isoflop.watch.references import SAME_SIZE, length_apart, references

_USUAL_DEGREES = 2.0
"""What the error that a method states of itself counts for: as much as its errors on so many finished runs."""
_NO_BIAS = 6.0
"""Finished runs whose mean error is taken for half: a method that always errs one way is corrected as runs show it."""
_MOST_RUNS = 16
"""Finished runs, the most similar first, on which a method is tried: more change its error by less than it is known."""
_OTHER_KIND = 0.25
"""What the error on a run counts for whose references are of its own size where those of the other run are not."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PastErrors:
    """ln(predicted / final) of one method at one share of the schedule, over the errors that it stated."""

    scaled: Array
    """One for each finished run that was tried, NaN where the method says nothing about it; shape (runs,)."""
    bias: float
    """Their mean, shrunk to 0 where they are few."""
    scale: float
    """Error of the method on such runs, without the bias, over the error that it states."""
    degrees: float
    """Degrees of freedom of `scale`."""

    def corrected(self, stated: Estimate) -> Estimate:
        """The estimate of a run as these errors correct it."""
        return Estimate(log_final=stated.log_final - self.bias * stated.sd, sd=self.scale * stated.sd)


def past_errors(method: Method, run: Curve, like: Sequence[Curve], share: float) -> PastErrors:
    """The errors of `method` on each of the finished runs `like`, left out in turn, at `share` of its schedule.

    They are for a forecast of `run`: those on runs that have a reference of their own size say less about one that has
    smaller references only, and the other way round.
    """
    tried = sorted(like, key=lambda other: _distance(run, other))[:_MOST_RUNS]
    scaled = np.array([_scaled_error(method, other, like, share) for other in tried], dtype=np.float64)
    kind = _has_own_size(run, like)
    weights = np.array([1.0 if _has_own_size(other, like) is kind else _OTHER_KIND for other in tried])
    known = np.isfinite(scaled)
    errors, weights = scaled[known], weights[known]
    count = float(weights.sum())
    bias = float(weights @ errors) / (count + _NO_BIAS)
    degrees = _USUAL_DEGREES + count
    variance = (_USUAL_DEGREES + float(weights @ (errors - bias) ** 2)) / degrees
    return PastErrors(
        scaled=scaled, bias=bias, scale=float(np.sqrt(variance * (1 + 1 / (count + _NO_BIAS)))), degrees=degrees
    )


def _distance(run: Curve, other: Curve) -> float:
    """How far apart two runs are in size and length; 0 where neither is known."""
    if run.params is None or other.params is None:
        return abs(math.log(other.total_tokens / run.total_tokens))
    return abs(math.log(other.params / run.params)) + math.log(length_apart(run, other))


def _has_own_size(run: Curve, like: Sequence[Curve]) -> bool:
    """Whether the references of a run have its size, as seeds of it have."""
    found = references(run, [other for other in like if other is not run])
    return bool(found) and all(
        run.params is None or other.params is None or other.params * SAME_SIZE >= run.params for other in found
    )


def _scaled_error(method: Method, run: Curve, like: Sequence[Curve], share: float) -> float:
    if run.final is None:
        return np.nan
    found = estimate_by(method, run.until(share), [other for other in like if other is not run])
    return np.nan if found is None else (found.log_final - float(np.log(run.final))) / found.sd
