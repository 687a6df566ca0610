"""How much single runs scatter: of cells that were trained more than once, and about the fits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Labels
from isoflop.fit.bent.scatter import LEAST
from isoflop.sweep.adaptive.decision import NoiseFloor
from isoflop.sweep.adaptive.evidence import Evidence

_SAME = 1e-6  # of ln N and ln D: one cell


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


def noise_floor(repeats: Repeats, sd: float, dof: float) -> NoiseFloor:
    """The noise of single runs: of repeats, with the scatter about the fits (`sd`, `dof`) as two degrees of freedom
    of a prior that holds the error of form too; without repeats that scatter itself."""
    if repeats.dof == 0:
        return NoiseFloor(sd=sd, dof=dof, repeats=0)
    weight = min(2.0, dof)
    square = (weight * sd**2 + repeats.squares) / (weight + repeats.dof)
    return NoiseFloor(sd=max(float(np.sqrt(square)), LEAST), dof=weight + repeats.dof, repeats=repeats.dof)
