"""The scatter of rows about a fit."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Array, robust_sd

NOISE, NOISE_COUNT = 0.005, 3.0
"""Standard deviation of ln loss of one run before any was seen, and the residuals that it counts for: half a per cent,
as public sweeps show about their fits (docs/forecasts.md); the first ten rows outweigh it."""
LEAST = 1e-5
"""Of a scatter: made-up rows without noise are still rounded."""


def scatter(residuals: Array, used: float) -> tuple[float, float]:
    """(sd, degrees of freedom) of the scatter about a fit, from whitened residuals at unit variance.

    The scaled inverse chi-squared distribution with the prior's NOISE_COUNT observations (Gelman et al. 2013, section
    2.6). Residuals beyond three of the robust spread count as three: a diverged row is no noise.
    """
    spread = robust_sd(residuals)
    held = np.clip(residuals, -3 * spread, 3 * spread) if spread > 0 else residuals
    dof = NOISE_COUNT + max(len(residuals) - used, 0.0)
    # what the constants took is missing in the squares: they stand for `free` degrees of freedom
    return max(float(np.sqrt((NOISE_COUNT * NOISE**2 + float(held @ held)) / dof)), LEAST), dof
