"""The multi-power law (`laws.multi_power`) as a form that is fitted to runs, and as a method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.laws.multi_power import stretched_area
from isoflop.watch.law_form import COMMON_MEAN, COMMON_SD, KERNEL, Points


@dataclass(frozen=True, eq=False)
class MultiPowerForm:
    """Drops work by a power of the rates summed after them; shape[KERNEL:] is ln C, ln beta, gamma."""

    name: str = "multi_power"
    prior: tuple[Array, Array] = (
        np.array([*COMMON_MEAN, 7.0, np.log(0.5), 0.5]),
        np.array([*COMMON_SD, 1.0, 0.5, 0.1]),
    )
    """Of beta and gamma as published for models of this kind (arXiv 2503.12811: about .4 to .6); ln C of
    bench/watch/schedule_laws.md, in units of 24,000 steps."""

    def brought(self, points: Points, shape: Array) -> tuple[Array, Array]:
        """What the drops have brought, and its derivatives by ln C, ln beta and gamma."""
        drops = points.path.drops
        beta, gamma = float(np.exp(shape[KERNEL + 1])), float(shape[KERNEL + 2])
        stretched = stretched_area(drops, points.area, float(np.exp(shape[KERNEL])), gamma)
        log = np.log1p(stretched)
        left = np.exp(-beta * log)
        by_log_c = beta * left * stretched / (1 + stretched)
        by_gamma = -by_log_c @ (drops.size * np.log(drops.rate))
        columns = (by_log_c @ drops.size, beta * (left * log) @ drops.size, by_gamma)
        return (1 - left) @ drops.size, np.stack(columns, axis=1)
