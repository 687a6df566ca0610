"""How much single runs scatter: from cells that were trained more than once, and from the residuals of the fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.sweep.adaptive.decision import NoiseFloor
from isoflop.sweep.adaptive.evidence import Evidence

NOISE, NOISE_COUNT = 0.005, 3.0
"""Standard deviation of ln loss of one run before any was seen, and the residuals that it counts for: half a per cent,
as public sweeps show about their fits (docs/forecasts.md); the first ten rows outweigh it."""
_SAME = 1e-6  # of ln N and ln D: one cell
_LEAST = 1e-5  # made-up rows without noise are still rounded


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Rows of the same cell with different seeds."""

    squares: float
    """Sum of squares of ln loss about the means of their cells."""
    dof: int
    """Rows less cells."""

    @classmethod
    def of(cls, rows: Evidence) -> Repeats:
        """Those of `rows`; branches of one trunk are no repeats, since no two share a cell."""
        cells = np.round(np.stack([np.log(rows.params), np.log(rows.tokens)]) / _SAME).astype(np.int64)
        label: Labels = np.unique(cells, axis=1, return_inverse=True)[1].reshape(-1)
        log_loss = np.log(rows.loss)
        count = np.bincount(label)
        means = np.bincount(label, weights=log_loss) / count
        return cls(squares=float(np.sum((log_loss - means[label]) ** 2)), dof=int(len(rows) - len(count)))


def scatter(residuals: Array, used: float) -> tuple[float, float]:
    """(sd, degrees of freedom) of the scatter about a fit, from whitened residuals at unit variance.

    The scaled inverse chi-squared distribution with the prior's NOISE_COUNT observations (Gelman et al. 2013, section
    2.6). Residuals beyond three of the robust spread count as three: a diverged row is no noise.
    """
    spread = 1.4826 * float(np.median(np.abs(residuals)))
    held = np.clip(residuals, -3 * spread, 3 * spread) if spread > 0 else residuals
    free = max(len(residuals) - used, 0.0)
    dof = NOISE_COUNT + free
    # what the constants took is missing in the squares: they stand for `free` degrees of freedom
    return max(float(np.sqrt((NOISE_COUNT * NOISE**2 + float(held @ held)) / dof)), _LEAST), dof


def noise_floor(repeats: Repeats, sd: float, dof: float) -> NoiseFloor:
    """The noise of single runs: of repeats, with the scatter about the fits (`sd`, `dof`) as two degrees of freedom
    of a prior that holds the error of form too; without repeats that scatter itself."""
    if repeats.dof == 0:
        return NoiseFloor(sd=sd, dof=dof, repeats=0)
    weight = min(2.0, dof)
    square = (weight * sd**2 + repeats.squares) / (weight + repeats.dof)
    return NoiseFloor(sd=max(float(np.sqrt(square)), _LEAST), dof=weight + repeats.dof, repeats=repeats.dof)
