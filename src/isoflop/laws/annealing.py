"""The annealing law of a loss curve: L(s) = L0 + A S1(s)^-alpha - C S2(s) (Tissue et al. 2024, arXiv 2408.11029).

S1 is the sum of the learning rates up to s, S2 the sum of the momentum of their drops: a drop of the rate at k adds
lambda^(i - k) of its size at every later step i, so that what it brings comes within some 1 / (1 - lambda) steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.laws.rate_path import Drops, RatePath


@dataclass(frozen=True, kw_only=True)
class AnnealingLaw:
    """Loss at every point of a run under any schedule, of one model on one kind of text.

    >>> path = RatePath.of(np.array([0.0, 0.8, 1.0]), np.array([3e-4, 3e-4, 0.0]), unit=1.0)
    >>> law = AnnealingLaw(L0=3.0, A=0.2, alpha=0.5, gain=0.1, memory=0.01)
    >>> law.loss(path, np.array([0.8, 1.0])).round(4).tolist()
    [3.2236, 3.1157]
    """

    L0: float
    A: float
    """Loss above L0 at a constant rate after one unit of the path."""
    alpha: float
    gain: float
    """What a drop from the peak to zero brings in the end: C / (1 - lambda), with rates over their peak."""
    memory: float
    """-1 / ln(lambda), in the unit of the path: after it, a drop has brought 1 - 1 / e of what it brings."""
    rate_power: float = 1.0
    """Learning goes with rate ** rate_power. 1 in the paper; less, and a low rate learns more than in proportion."""

    def loss(self, path: RatePath, at: Array) -> Array:
        """The loss `at` points of `path`, in the unit of L0; shape of `at`."""
        brought = share_brought(path.drops, at, self.memory) @ path.drops.size
        return np.asarray(self.L0 + self.A * path.progress(at, self.rate_power) ** -self.alpha - self.gain * brought)


def share_brought(drops: Drops, at: Array, memory: float) -> Array:
    """What each drop has brought by `at`, as a share of what it brings in the end; shape (points, drops).

    The sum over steps of lambda^(i - k) is (1 - lambda^n) / (1 - lambda) after n of them.
    """
    return -np.expm1(-np.maximum(at[:, None] - drops.at, 0.0) / memory)
