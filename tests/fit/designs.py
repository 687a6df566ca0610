"""Made-up sweeps with a known truth: published-like laws on C = 6 N D, and tiny models under their exact cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost
from isoflop.observations import Observations, read_observations

TRUTHS = {
    "besiroglu": ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658),
    "hoffmann": ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28),
    "asym": ChinchillaLaw(E=1.69, A=400.0, B=400.0, alpha=0.465, beta=0.155),
}

# Bytes as tokens, two layers, context 256, 257 tokens: N without embeddings, cost with attention and both ends.
TINY = ChinchillaLaw(E=1.1, A=46.6, B=50.7, alpha=0.5, beta=0.33)
_WIDTHS = np.array([8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256])
TINY_COST = ComputeCost.from_pairs([(24.0 * d * d, 6 * 24.0 * d * d + 24.0 * d * 256 + 6.0 * 257 * d) for d in _WIDTHS])
FIGURE_240 = Path(__file__).parents[1] / "golden" / "chinchilla_figure4.csv"
FIGURE = Path(__file__).parents[3] / "shared" / "data" / "chinchilla_svg" / "svg_extracted_data.csv"


def isoflop_sweep(
    law: ChinchillaLaw,
    budgets: np.ndarray,
    sizes: int = 15,
    span: float = 8.0,
    noise: float = 0.0,
    seed: int = 0,
    cost: ComputeCost = SIX_N,
    off_centre: float = 0.0,
    surface: Callable[..., np.ndarray] | None = None,
    flops_noise: float = 0.0,
    drift: float = 1.0,
) -> Observations:
    """Sizes log-spaced `span` to both sides of each budget's optimum, that centre off by a normal of `off_centre`, and
    moving evenly in ln C to `drift` times the optimum at the last budget."""
    rng = np.random.default_rng(seed)
    rows = []
    for budget, step in zip(budgets, np.linspace(0, 1, len(budgets)), strict=True):
        middle = float(law.optimum(budget, cost)[0]) * np.exp(rng.normal(0, off_centre)) * drift**step
        for N in np.geomspace(middle / span, middle * span, sizes):
            C = budget * np.exp(rng.uniform(-flops_noise, flops_noise))
            D = float(cost.tokens(C, N))
            loss = float((surface or law.loss)(N, D)) * np.exp(rng.normal(0, noise))
            rows.append({"N": N, "D": D, "C": C, "loss": loss, "budget": budget, "run_id": f"r{len(rows)}"})
    convention = "six_n" if cost.is_six_n else "matmul"
    return Observations.from_rows(rows, flops_convention=convention)


def tiny_sweep(seed: int, budgets: int = 5, sizes: int = 6, noise: float = 0.004, **more) -> Observations:
    """What a study on one machine has: budgets a factor 2 apart, few sizes, .4 % noise, C = exact cost."""
    return isoflop_sweep(
        TINY,
        3.2e12 / 2.0 ** np.arange(budgets - 1, -1, -1),
        sizes=sizes,
        span=4.0,
        noise=noise,
        seed=seed,
        cost=TINY_COST,
        off_centre=0.2,
        flops_noise=0.01,
        **more,
    )


def figure_rows(count: int) -> Observations:
    """The points of Hoffmann et al.'s Figure 4: 240, or all 245 with the five of highest loss, where they lie beside
    the repository."""
    if count == 240:
        return read_observations(FIGURE_240)
    if not FIGURE.is_file():
        pytest.skip(f"needs {FIGURE}")
    return read_observations(FIGURE)
