"""Valleys that are deeper than anything that was measured: their vertex is made by runs far from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from isoflop.fit.valley import Valley

_MAD_TO_SD = 1.4826
_LEAST_SCATTER = 2e-3  # of a loss: how far a valley of the law itself leaves its parabola, sizes four times apart
_DEEP = 5.0  # scatters; one budget in several hundred by chance, as the scatter is of few degrees of freedom
_COEFFICIENTS = 3


def without_holes(valleys: Sequence[Valley]) -> list[Valley]:
    """`valleys`, those refused whose curve lies below their lowest run by more than five scatters of a loss.

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
    lowest = int(np.argmin(valley.loss))
    below = float(valley.residuals[lowest]) / float(valley.loss[lowest])
    if below <= limit:
        return valley
    reason = (
        f"its curve passes {below:.1%} below the least loss that was measured, {valley.loss[lowest]:.4g}: losses far "
        "from the vertex make it"
    )
    return replace(valley, kept=False, reason=reason)
