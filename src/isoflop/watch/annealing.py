"""The annealing law (`laws.annealing`) as a form that is fitted to runs, and as a method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.laws.annealing import share_brought
from isoflop.watch.law_form import COMMON_MEAN, COMMON_SD, KERNEL, Points


@dataclass(frozen=True, eq=False)
class AnnealingForm:
    """Drops work with an exponential memory; shape[KERNEL] is ln(memory)."""

    name: str = "annealing"
    prior: tuple[Array, Array] = (np.array([*COMMON_MEAN, -5.0]), np.array([*COMMON_SD, 0.7]))
    """ln(memory) is -5.3 and -4.5 for 25M and 100M parameters, in units of 24,000 steps
    (bench/watch/schedule_laws.md)."""

    def brought(self, points: Points, shape: Array) -> tuple[Array, Array]:
        """What the drops have brought, and its derivative by ln(memory)."""
        drops, memory = points.path.drops, float(np.exp(shape[KERNEL]))
        share = share_brought(drops, points.at, memory)
        elapsed = np.maximum(points.at[:, None] - drops.at, 0.0) / memory
        return share @ drops.size, -((1 - share) * elapsed) @ drops.size[:, None]
