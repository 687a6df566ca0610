"""Valleys that are deeper than anything that was measured: their vertex is made by runs far from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from isoflop.fit.isoflop.profile import Valley

_MAD_TO_SD = 1.4826
_LEAST_SCATTER = 2e-3  # of a loss: how far a valley of the law itself leaves its parabola, sizes four times apart
_DEEP = 5.0  # scatters; one budget in several hundred by chance, as the scatter is of few degrees of freedom
_COEFFICIENTS = 3


def without_holes(valleys: Sequence[Valley]) -> list[Valley]:
    """`valleys`, those refused whose curve lies below the runs beside its vertex by more than five scatters of a loss.

    The scatter is that of the runs about all kept valleys, robustly, so that one bad budget does not hide itself.
    """
    kept = [valley for valley in valleys if valley.kept]
    if not kept:
        return list(valleys)
    rests = np.concatenate([valley.residuals / valley.least for valley in kept])
    free = max(len(rests) - _COEFFICIENTS * len(kept), 1)
    scatter = _MAD_TO_SD * float(np.median(np.abs(rests))) * float(np.sqrt(len(rests) / free))
    limit = _DEEP * max(scatter, _LEAST_SCATTER)
    return [_judged(valley, limit) if valley.kept else valley for valley in valleys]


def _judged(valley: Valley, limit: float) -> Valley:
    right = int(np.searchsorted(valley.x, valley.at))
    beside = [right - 1, right, int(np.argmin(valley.loss))]  # the vertex lies between the sizes
    below = float((valley.residuals[beside] / valley.loss[beside]).max())
    if below <= limit:
        return valley
    reason = (
        f"its curve passes {below:.1%} below a run beside its vertex, whose loss would be {valley.least:.4g} where the "
        f"least that was measured is {valley.loss.min():.4g}: losses far from there make it"
    )
    return replace(valley, kept=False, reason=reason)
