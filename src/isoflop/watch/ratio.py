"""The ratio method: a run keeps the ratio of its loss to that of a smaller finished run of the same recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import Curve
from isoflop.watch.references import references

EARLIEST = 0.1
"""Share of the schedule before which a run says nothing: its loss is that of the warm-up."""
_WINDOW = 0.5
"""Share of the prefix, from its end, over which the ratio is averaged."""


@dataclass(frozen=True, kw_only=True)
class RatioMethod:
    """Predicted final loss = that of the reference x the mean ratio over the last part of the prefix."""

    name: str = "ratio"
    usual_error: float = 0.0025

    def predicted_final(self, run: Curve, like: Sequence[Curve]) -> float | None:
        """The final loss by the next smaller finished run; None before EARLIEST, and without such a run."""
        if not len(run.tokens) or run.share[-1] < EARLIEST:
            return None
        logs = [
            np.log(other.final or np.nan) + gap
            for other in references(run, like)
            if (gap := log_ratio(run, other)) is not None
        ]
        return float(np.exp(np.mean(logs))) if logs else None


def log_ratio(run: Curve, other: Curve) -> float | None:
    """Mean of ln(loss of the run / loss of the other) over the last part of the run, at the same shares.

    None where the two have no part in common.
    """
    until = float(run.share[-1])
    since = max((1 - _WINDOW) * until, float(run.share[0]), float(other.share[0]))
    until = min(until, float(other.share[-1]))
    if until <= since:
        return None
    return mean_log_loss(run, since, until) - mean_log_loss(other, since, until)


def mean_log_loss(curve: Curve, since: float, until: float) -> float:
    """Mean of ln(loss) over a part of the schedule, on straight lines between the points, by ln(share)."""
    inner = curve.share[(curve.share > since) & (curve.share < until)]
    at: Array = np.log(np.concatenate([[since], inner, [until]]))
    loss = np.interp(at, np.log(curve.share), np.log(curve.loss))
    return float(np.trapezoid(loss, at) / (at[-1] - at[0]))
