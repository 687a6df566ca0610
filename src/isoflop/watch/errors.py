"""How far each method was off on finished runs, had they been watched at this share: each predicted from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import Curve
from isoflop.watch.method import Method

_USUAL_DEGREES = 6.0
"""What the usual error of a method counts for: as much as its errors on so many finished runs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PastErrors:
    """ln(predicted / final) of one method at one share of the schedule."""

    errors: Array
    """One for each finished run, NaN where the method says nothing about it; shape (runs,)."""
    sd: float
    """Scale of the error of a forecast, from these errors and the method's usual one."""
    degrees: float
    """Degrees of freedom of `sd`."""


def past_errors(method: Method, like: Sequence[Curve], share: float) -> PastErrors:
    """The errors of `method` on each of the finished runs `like`, left out in turn, at `share` of its schedule."""
    errors = np.array([_error(method, run, like, share) for run in like], dtype=np.float64)
    known = errors[np.isfinite(errors)]
    degrees = _USUAL_DEGREES + len(known)
    usual = method.usual_error * np.sqrt(0.2 / max(share, 0.05))
    variance = (_USUAL_DEGREES * usual**2 + float(np.sum(known**2))) / degrees
    return PastErrors(errors=errors, sd=float(np.sqrt(variance)), degrees=degrees)


def _error(method: Method, run: Curve, like: Sequence[Curve], share: float) -> float:
    if run.final is None:
        return np.nan
    others = [other for other in like if other is not run]
    predicted = method.predicted_final(run.until(share), others)
    return np.nan if predicted is None else float(np.log(predicted / run.final))
