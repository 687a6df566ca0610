"""The multi-power law of a loss curve (Luo et al. 2025, arXiv 2503.12811, equations 1 and 2).

L(t) = L0 + A (S1(t) + S_W)^-alpha - LD(t), with LD(t) = B sum_k (eta_{k-1} - eta_k) G(eta_k^-gamma S_k(t)) and
G(x) = 1 - (C x + 1)^-beta. S1 is the sum of the learning rates after the warm-up, S_W that of the warm-up, S_k(t) the
sum from the drop at k on: what a drop brings comes the later the lower the rate is afterwards, and by a power law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.laws.rate_path import Drops, RatePath


@dataclass(frozen=True, kw_only=True)
class MultiPowerLaw:
    """Loss at every point of a run under any schedule, of one model on one kind of text.

    >>> path = RatePath.of(np.array([0.0, 0.8, 1.0]), np.array([3e-4, 3e-4, 0.0]), unit=1.0)
    >>> law = MultiPowerLaw(L0=3.0, A=0.2, alpha=0.5, B=0.1, C=500.0, beta=0.5, gamma=0.5)
    >>> law.loss(path, np.array([0.8, 1.0])).round(4).tolist()
    [3.2236, 3.1414]
    """

    L0: float
    A: float
    """Loss above L0 at a constant rate after one unit of the path."""
    alpha: float
    B: float
    """What a drop from the peak to zero brings in the end, with rates over their peak."""
    C: float
    """Per unit of the path at the peak rate."""
    beta: float
    gamma: float
    rate_power: float = 1.0
    """Learning goes with rate ** rate_power. 1 in the paper; less, and a low rate learns more than in proportion."""

    def loss(self, path: RatePath, at: Array) -> Array:
        """The loss `at` points of `path`, in the unit of L0; shape of `at`."""
        stretched = stretched_area(path.drops, path.area(at), self.C, self.gamma)
        brought = -np.expm1(-self.beta * np.log1p(stretched)) @ path.drops.size
        return np.asarray(self.L0 + self.A * path.progress(at, self.rate_power) ** -self.alpha - self.B * brought)


def stretched_area(drops: Drops, area: Array, C: float, gamma: float) -> Array:
    """C eta_k^-gamma S_k(t), of each point with the sum of rates `area` and each drop; shape (points, drops)."""
    return np.asarray(C * np.maximum(area[:, None] - drops.area, 0.0) * drops.rate**-gamma)
