"""How often the intervals of approach 3 hold the truth, on the design of Hoffmann et al.'s Figure 4.

    python bench/fit/coverage.py svg_extracted_data.csv > bench/fit/coverage.md

The truth is the fit to all 245 points; each replicate puts residuals of that fit, drawn with replacement, on its losses
at the same N and D, refits, and bootstraps by case. The percentile limits are those of `isoflop fit`; beside them stand
the other limits that the same draws give: basic (2 fit - draw), normal (fit +- z sd of the draws) and BCa (Efron 1987,
its acceleration from a jackknife).
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import NormalDist  # noqa: E402

import numpy as np  # noqa: E402

from isoflop.fit.parametric.bootstrap import bootstrap  # noqa: E402
from isoflop.fit.parametric.multistart import find_optimum  # noqa: E402
from isoflop.fit.parametric.newton import RESAMPLE, minimise  # noqa: E402
from isoflop.fit.parametric.objective import HuberObjective, expand_at_one  # noqa: E402
from isoflop.laws import ChinchillaLaw  # noqa: E402
from isoflop.observations import read_observations  # noqa: E402

LEVELS = {0.95: (0.92, 0.99), 0.80: (0.75, 0.88)}
QUANTITIES = ("alpha", "beta", "a", "ln N_opt at 10x", "ln N_opt at 100x")
METHODS = ("percentile", "BCa", "basic", "normal")


def quantities(problem: HuberObjective, theta: np.ndarray, flops: float) -> np.ndarray:
    """(..., 5): alpha, beta, a and ln N_opt at 10 and 100 times `flops`."""
    law = ChinchillaLaw(**problem.constants(theta))
    sizes = [np.log(law.optimum(factor * flops)[0]) for factor in (10.0, 100.0)]
    return np.stack([law.alpha, law.beta, law.a, *sizes], axis=-1)


def limits(draws: np.ndarray, point: np.ndarray, jackknife: np.ndarray, level: float) -> dict[str, np.ndarray]:
    """{method: (2, quantities)}."""
    normal = NormalDist()
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(draws, tails, axis=0)
    z = normal.inv_cdf(tails[1]) * draws.std(axis=0)
    off = jackknife.mean(axis=0) - jackknife
    acceleration = (off**3).sum(axis=0) / (6 * (off**2).sum(axis=0) ** 1.5)
    below = np.clip((draws < point).mean(axis=0), 1e-3, 1 - 1e-3)
    shift = np.array([normal.inv_cdf(float(share)) for share in below])
    corrected = np.empty((2, len(point)))
    for k, tail in enumerate(tails):
        moved = shift + normal.inv_cdf(float(tail))
        levels = [normal.cdf(float(s + m / (1 - a * m))) for s, m, a in zip(shift, moved, acceleration, strict=True)]
        corrected[k] = [np.quantile(draws[:, j], share) for j, share in enumerate(levels)]
    return {
        "percentile": np.array([low, high]),
        "BCa": corrected,
        "basic": np.array([2 * point - high, 2 * point - low]),
        "normal": np.array([point - z, point + z]),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--draws", type=int, default=1000)
    given = parser.parse_args()
    data = read_observations(given.file)
    rows, flops = len(data), float(data.C.max())
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    theta = find_optimum(problem).theta
    truth, residuals = quantities(problem, theta, flops), problem.residuals(theta)
    fitted = data.loss * np.exp(residuals)
    run, stratum, jackknife_weights = np.arange(rows), np.zeros(rows, dtype=np.int64), 1.0 - np.eye(rows)
    held = {(level, method): np.zeros(5) for level in LEVELS for method in METHODS}
    widths = {key: np.zeros(5) for key in held}
    for number in range(given.replicates):
        rng = np.random.default_rng(number)
        again = HuberObjective.of(data.N, data.D, fitted * np.exp(-rng.choice(residuals, size=rows)), 1e-3)
        best = find_optimum(again).theta
        drawn = quantities(again, bootstrap(again, best, run, stratum, given.draws, rng).theta, flops)
        known = expand_at_one(again, best, jackknife_weights)
        starts = np.broadcast_to(best, (rows, 5))
        left_out = quantities(again, minimise(again, starts, jackknife_weights, RESAMPLE, known).theta, flops)
        for level in LEVELS:
            for method, (low, high) in limits(drawn, quantities(again, best, flops), left_out, level).items():
                held[level, method] += (low <= truth) & (truth <= high)
                widths[level, method] += high - low
    print("# Coverage of the intervals of approach 3\n")
    print("`python bench/fit/coverage.py svg_extracted_data.csv`\n")
    print(f"{given.replicates} replicates of {given.draws:,} draws.")
    print(f"Standard error of a share: {np.sqrt(0.95 * 0.05 / given.replicates):.3f} at .95, "
          f"{np.sqrt(0.8 * 0.2 / given.replicates):.3f} at .80. Widths are means.\n")  # fmt: skip
    print(f"| nominal | limits | {' | '.join(QUANTITIES)} | mean width of a | within |\n|{'---|' * 9}")
    for (level, method), count in held.items():
        share, (low, high) = count / given.replicates, LEVELS[level]
        inside = "yes" if np.all((share >= low) & (share <= high)) else "no"
        cells = " | ".join(f"{value:.3f}" for value in share)
        width = widths[level, method][2] / given.replicates
        print(f"| {level:.0%} | {method} | {cells} | {width:.4f} | {low:g} to {high:g}: {inside} |")


if __name__ == "__main__":
    main()
