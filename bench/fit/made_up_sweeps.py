"""Made-up sweeps of known laws with noise, for benches of what a fit says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isoflop.laws import ChinchillaLaw, published_law
from isoflop.observations import Observations

Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]

BESIROGLU = published_law("besiroglu2024")
HOFFMANN = published_law("hoffmann2022-3-rounded")
ASYM = ChinchillaLaw(E=1.69, A=400.0, B=400.0, alpha=0.465, beta=0.155)


def coupled(N: np.ndarray, D: np.ndarray) -> np.ndarray:
    """What the 240 points of Hoffmann et al. 2022, Figure 4 fit (gamma .774)."""
    return 1.757 + (2305 * N**-0.42436 + 9957 * D**-0.43053) ** 0.774


def crossed(N: np.ndarray, D: np.ndarray) -> np.ndarray:
    """The law of Besiroglu et al. 2024 with a product of logarithms on top."""
    return BESIROGLU.loss(N, D) * np.exp(0.004 * np.log(N / 1e9) * np.log(D / 2e10))


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A made-up sweep of isoFLOP budgets, or of sizes x tokens where `budgets` is 0."""

    budgets: int = 5
    sizes: int = 8
    span: float = 4.0
    """Factor from the middle of the sizes to their ends."""
    flops: tuple[float, float] = (1e18, 1e21)
    noise: float = 0.005
    """Standard deviation of ln loss."""
    law: ChinchillaLaw = BESIROGLU
    surface: Surface | None = None
    """What the losses follow instead of the law."""
    off_centre: float = 0.0
    """Standard deviation of ln of a budget's middle size about its optimum."""
    drift: float = 1.0
    """Factor by which the middle leaves the optimum over the budgets."""
    flops_noise: float = 0.0
    """Half-width of the relative error of C."""
    uneven: bool = False
    """Noise three times as large at the smallest sizes as at the largest."""
    decimals: int | None = None
    """Digits that the losses are rounded to."""
    bend: float = 0.0
    """Coefficient of (ln C)^2 in ln N_opt that every budget's sizes and losses follow."""
    rows: int = 0
    """Rows of a scattered sweep without budgets."""
    checkpoints: int = 1
    """Rows of each run, at even tokens up to its end; they share half of the run's noise."""

    def table(self, seed: int) -> Observations:
        """The sweep with the noise of a seed."""
        rng = np.random.default_rng(seed)
        N, D, C, shift = self._scattered(rng) if self.rows else self._budgets(rng)
        run = np.arange(len(N))
        part = np.linspace(0.25, 1, self.checkpoints) if self.checkpoints > 1 else np.ones(1)
        N, D, C, run, shift = (np.repeat(column, len(part)) for column in (N, D, C, run, shift))
        D, C = D * np.tile(part, len(N) // len(part)), C * np.tile(part, len(N) // len(part))
        # A bent frontier: the surface moved along the budget, so that its vertex lies where the bend puts it.
        at = N * np.exp(-shift)
        smooth = (self.surface or self.law.loss)(at, C / (6 * at) if self.bend else D)
        own, shared = rng.normal(size=len(N)), rng.normal(size=run.max() + 1)[run]
        noise = self.noise * (own if self.checkpoints == 1 else np.sqrt(0.5) * (own + shared))
        if self.uneven:
            noise = noise * 3 ** (1 - (np.log(N) - np.log(N.min())) / np.ptp(np.log(N)))
        loss = smooth * np.exp(noise)
        if self.decimals is not None:
            loss = loss.round(self.decimals)
        names = [f"r{i}" for i in run.tolist()]
        budget = None if self.rows else self._wishes(len(C))
        return Observations.from_arrays(N=N, D=D, C=C, loss=loss, budget=budget, run_id=names)

    def _wishes(self, rows: int) -> np.ndarray:
        return np.repeat(np.geomspace(*self.flops, self.budgets), rows // self.budgets)

    def _budgets(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """(N, D, C, ln of what the bend multiplies N_opt by) of each run."""
        wish = np.geomspace(*self.flops, self.budgets)
        middle = self.law.optimum(wish)[0] * np.exp(rng.normal(0, 1, self.budgets) * self.off_centre)
        middle = middle * self.drift ** np.linspace(0, 1, self.budgets)
        t = np.log(wish) - np.log(wish).mean()
        shift = np.repeat(self.bend * t * t, self.sizes)
        N = np.repeat(middle, self.sizes) * np.tile(np.geomspace(1 / self.span, self.span, self.sizes), self.budgets)
        N = N * np.exp(shift)
        C = np.repeat(wish, self.sizes) * np.exp(rng.uniform(-1, 1, len(N)) * self.flops_noise)
        return N, C / (6 * N), C, shift

    def _scattered(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Sizes and ratios of tokens to parameters drawn apart from each other."""
        N = np.exp(rng.uniform(np.log(3e7), np.log(3e9), self.rows))
        D = N * np.exp(rng.uniform(np.log(2), np.log(300), self.rows))
        return N, D, 6 * N * D, np.zeros(self.rows)
