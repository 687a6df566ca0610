"""Made-up sweeps that tests of the policy begin from."""

import numpy as np

from isoflop.laws import ChinchillaLaw
from isoflop.sweep.adaptive import Candidate, Evidence, Limits, first_runs
from isoflop.sweep.adaptive.simulate import candidate_grid

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
TARGET = 1e22
LIMITS = Limits(largest_run=TARGET / 16)


def guess(flops: float) -> float:
    """Twenty tokens a parameter."""
    return float((flops / 120) ** 0.5)


def grid() -> list[Candidate]:
    """Twelve budgets, nine sizes each."""
    return candidate_grid(guess, np.geomspace(1e17, TARGET / 16, 12), ratios=np.geomspace(1 / 8, 8, 9))


def begun(seed: int = 0, noise: float = 0.005) -> Evidence:
    """The nine first runs."""
    runs = first_runs(grid(), guess, span=(1e17, 1e19), limits=Limits())
    N, D = np.array([run.params for run in runs]), np.array([run.tokens for run in runs])
    loss = LAW.loss(N, D) * np.exp(np.random.default_rng(seed).normal(0, noise, len(runs)))
    return Evidence.of(params=N, tokens=D, flops=6 * N * D, loss=loss)
