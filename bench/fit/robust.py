"""Huber's loss against least squares when the noise has heavy tails (Student's t with 3 degrees of freedom).

    python bench/fit/robust.py > bench/fit/robust.md

Made-up sweeps of five budgets, 1e18 to 1e21 FLOPs, with noise of .005 t3 on ln L; the spread over sweeps of the fitted
ln N_opt at 1e23, with each delta, over that of least squares (delta 10, where every residual is inside).
"""

from __future__ import annotations

import argparse

import numpy as np

from isoflop.fit import fit_parametric
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

TRUTHS = {
    "besiroglu": ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658),
    "hoffmann": ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28),
    "asym": ChinchillaLaw(E=1.69, A=400.0, B=400.0, alpha=0.465, beta=0.155),
}
TARGET = 1e23
DELTAS: tuple[str | float, ...] = ("published", "auto", 10.0)


def spreads(law: ChinchillaLaw, sizes: int, span: float, sweeps: int) -> dict[str | float, float]:
    """Standard deviation of ln N_opt at TARGET with each delta."""
    budgets = np.repeat(np.geomspace(1e18, 1e21, 5), sizes)
    N = law.optimum(budgets)[0] * np.tile(np.geomspace(1 / span, span, sizes), 5)
    D = budgets / (6 * N)
    found: dict[str | float, list[float]] = {delta: [] for delta in DELTAS}
    for seed in range(sweeps):
        loss = law.loss(N, D) * np.exp(0.005 * np.random.default_rng(seed).standard_t(3, len(N)))
        data = Observations.from_arrays(N=N, D=D, loss=loss, budget=budgets)
        for delta, sizes_found in found.items():
            sizes_found.append(float(np.log(fit_parametric(data, draws=0, delta=delta).optimum(TARGET)[0])))
    return {delta: float(np.std(values)) for delta, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sweeps", type=int, default=300)
    sweeps = parser.parse_args().sweeps
    print("# Huber's loss under heavy tails\n")
    print(f"`python bench/fit/robust.py`: {sweeps} sweeps a row; the goal is a ratio of at most .85.\n")
    print(
        "| truth | budgets x sizes | span | least squares, sd of ln N_opt at 1e23 | delta 1e-3, ratio | auto, ratio |"
    )
    print("|---|---|---|---|---|---|")
    for name, sizes, span in (("hoffmann", 15, 8.0), ("besiroglu", 15, 8.0), ("asym", 15, 8.0), ("hoffmann", 8, 4.0)):
        sd = spreads(TRUTHS[name], sizes, span, sweeps)
        ratios = " | ".join(f"{sd[delta] / sd[10.0]:.2f}" for delta in ("published", "auto"))
        print(f"| {name} | 5 x {sizes} | ±{span:g}x | {sd[10.0]:.3f} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
