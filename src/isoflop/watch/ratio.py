"""The ratio method: a run keeps the ratio of its loss to that of a smaller finished run of the same recipe, nearly.

The logarithm of the ratio at share s of the schedule is a constant, which is what the two final losses differ by, plus
a drift c (s^-1.5 - 1) that dies out along the run, a walk, and the noise of the points. The constant is estimated from
the last stretches of the run by generalised least squares. How large drift and walk are was measured on published
ladders (bench/watch/final_losses.md); the errors on the user's own finished runs correct it (errors.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import Curve
from isoflop.watch.method import Estimate
from isoflop.watch.references import SAME_SIZE, Reference, weighted_references
from isoflop.watch.stretches import Stretches, stretches

EARLIEST = 0.1
"""Share of the schedule before which a run says nothing: its loss is that of the warm-up."""
_WARMED_UP = 2.5
"""Share of the schedule over that of the warm-up before which a run says nothing either."""
_DIES_OUT = 1.5
"""Power of the share: of what the ratio drifts while the tokens double, it drifts a third when they double again."""
_DRIFT = 0.00045
"""Standard deviation of c per factor of e between the sizes."""
_WALK = 0.0008
"""Of a run, in ln(loss), per square root of a factor of e in tokens."""
_END = 0.0003
"""Of the final loss of a run about its course, in ln(loss): of the last step, and the data that came last."""
_SEED_WALK, _SEED_END = 0.0003, 0.0002
"""The same two between runs that differ in the seed alone, over public runs of 124M parameters."""
_ALIKE = 0.0005
"""`Reference.mismatch` below which lengths are the same."""


@dataclass(frozen=True, kw_only=True)
class RatioMethod:
    """Predicted final loss = that of the reference x the ratio that the two will end with."""

    name: str = "ratio"
    usual_error: float = 0.002

    def predicted_final(self, run: Curve, like: Sequence[Curve]) -> float | None:
        """The final loss by the next smaller finished run; None before EARLIEST, and without such a run."""
        found = self.estimate(run, like)
        return None if found is None else float(np.exp(found.log_final))

    def estimate(self, run: Curve, like: Sequence[Curve]) -> Estimate | None:
        """The same with its error, which is larger where sizes or tokens per parameter are further apart."""
        if not len(run.tokens) or run.share[-1] < max(EARLIEST, _WARMED_UP * run.warmup_share):
            return None
        share = min(1.0, float(run.share[-1]))
        own = stretches(run, share)
        used = weighted_references(run, like, share)
        if own is None or not used:
            return None
        return _constant(own, used)


def drift_at(share: Array | float) -> Array:
    """How far the ratio has still to drift at a share, in units of c: 1.8 half-way, 10 after a fifth."""
    return np.asarray(np.asarray(share) ** -_DIES_OUT - 1)


def course_at(used: Sequence[Reference], share: float) -> Estimate:
    """ln(loss at `share` / final loss) that the references expect of a run, and how far from it a run may be.

    The loss is a mean over the last stretch before `share`, and the error without the noise of the run's own points.
    """
    at = float(used[0].stretches.middle[0]) if share < 1 else share
    variance = _covariance(used, np.array([min(at, 1.0)]), np.zeros(1))[0, 0]
    return Estimate(log_final=float(sum(item.weight * item.above_end[0] for item in used)), sd=float(np.sqrt(variance)))


def _constant(own: Stretches, used: Sequence[Reference]) -> Estimate:
    """ln(final loss) of the run, from the stretches that all have."""
    count = min(len(own.log_loss), *(len(reference.stretches.log_loss) for reference in used))
    ratio = own.log_loss[:count] - np.sum([item.weight * item.above_end[:count] for item in used], axis=0)
    covariance = _covariance(used, own.middle[:count], own.variance[:count])
    solved = np.linalg.solve(covariance, np.column_stack([np.ones(count), ratio]))
    precision = float(solved[:, 0].sum())
    return Estimate(log_final=float(solved[:, 1].sum()) / precision, sd=precision**-0.5)


def _covariance(used: Sequence[Reference], share: Array, noise: Array) -> Array:
    """Of ln(ratio) at the shares about the constant that it ends with; `noise` is that of the run's own points."""
    count = len(share)
    left = np.log(1 / share)
    walks = 1 + sum(item.weight**2 for item in used)
    drift = (_DRIFT * sum(item.weight * item.log_size_apart for item in used)) ** 2
    mismatch = sum(item.weight * item.mismatch for item in used) ** 2
    points = noise + np.sum([item.weight**2 * item.stretches.variance[:count] for item in used], axis=0)
    seeds = all(item.log_size_apart < math.log(SAME_SIZE) and item.mismatch < _ALIKE for item in used)
    walk = (_SEED_WALK if seeds else _WALK) ** 2 * np.minimum(left[:, None], left) + (_SEED_END if seeds else _END) ** 2
    # the last evaluation is one point, and scatters as the others do
    ends = (1 + sum(item.weight**2 for item in used)) * np.mean([item.end_variance for item in used])
    dying = (drift + mismatch) * np.outer(drift_at(share), drift_at(share))
    return np.asarray(walks * walk + ends + dying + mismatch * np.outer(left, left) + np.diag(points))
