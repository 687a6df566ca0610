"""The adaptive design against the isoFLOP grid at equal total FLOPs, with the noise of very small models.

    cd bench/sweep && python against_grid.py --sweeps 40 > against_grid.md

Both plan as `isoflop fit` and `plan` do: rows -> forecast of the best size at the target.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from truths import SMALL, Truth, bent, candidates

from isoflop.errors import RefusedError
from isoflop.fit.all_approaches import fit_all
from isoflop.observations import Observations
from isoflop.sweep.adaptive import Evidence, Limits
from isoflop.sweep.adaptive.simulate import normal_noise, simulate

TARGET, OFF = 1e13, 0.4
"""FLOPs of the planned run, as of the default study; sd of ln N of the first guess."""
BUDGETS, BUDGET_RATIO, RATIOS = 5, 2.0, (0.25, 0.4, 0.63, 1.0, 1.6, 2.5)
"""The grid of `--design isoflop`: sweep/designs.py and the defaults of study/settings.py."""
NOISES, SHARES = (0.005, 0.01), (0.1, 0.3)
DRAWS = 400
HEAD = """| truth | noise | sweep/target | waste, grid | adaptive | ratio | better | reach, grid | adaptive |
|---|---|---|---|---|---|---|---|---|"""
TRUTHS = (
    Truth(name="very small models", loss=SMALL.loss, flops=(1e8, 1e16)),
    Truth(name="the same, frontier bends by -.01", loss=bent(-0.01, law=SMALL, about=1e11), flops=(1e8, 1e16)),
)


def grid(truth: Truth, seed: int, flops: float, noise: float) -> Evidence:
    """The isoFLOP sweep whose runs cost `flops` together."""
    guess = truth.guess(np.random.default_rng(seed).normal(0, OFF))
    parts = BUDGET_RATIO ** -np.arange(BUDGETS)
    budgets = flops / (len(RATIOS) * parts.sum()) * parts
    C = np.repeat(budgets, len(RATIOS))
    N = np.concatenate([guess(float(budget)) * np.array(RATIOS) for budget in budgets])
    loss = truth.loss(N, C / (6 * N)) * np.exp(normal_noise(seed, noise)(len(N)))
    return Evidence.of(params=N, tokens=C / (6 * N), flops=C, loss=loss)


def adaptive(truth: Truth, seed: int, flops: float, noise: float) -> Evidence:
    """The adaptive sweep that may spend as many FLOPs; its largest run is a sixteenth of the target at the most."""
    guess = truth.guess(np.random.default_rng(seed).normal(0, OFF))
    limits = Limits(tolerance=1e-6, flops=flops, largest_run=TARGET / 16, must_pay=False)
    return simulate(
        truth.loss,
        normal_noise(seed, noise),
        candidates(guess, TARGET / 3e4, TARGET / 16, budgets=14),
        guess,
        span=(TARGET / 3e4, TARGET / 1e3),
        target_flops=TARGET,
        limits=limits,
    ).rows


def wasted(truth: Truth, rows: Evidence) -> tuple[float, float, float] | None:
    """(true waste, FLOPs over the target's, target over the largest run) of the plan from rows; None where refused."""
    runs = Observations.from_arrays(
        N=rows.params, D=rows.tokens, C=rows.flops, loss=rows.loss, budget=np.round(rows.flops, -6)
    )
    try:
        report = fit_all(runs, draws=DRAWS)
        size = None if report.sizes is None else report.sizes.at(TARGET)
    except RefusedError:
        return None
    if size is None:
        return None
    return truth.waste(size.params, TARGET), rows.total_flops / TARGET, TARGET / float(rows.flops.max())


def main() -> None:
    """Prints the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=40)
    count = parser.parse_args().sweeps
    print("# The adaptive design against the isoFLOP grid at equal FLOPs\n")
    print(
        f"`python against_grid.py --sweeps {count}`: {count} sweeps of each, planned for 1e13 FLOPs by the size "
        "forecast of `isoflop fit`; the law is that of very small models, and the first guess of N is off by a factor "
        "of 1.5 (one standard deviation). The grid has five budgets, each twice the one below, and six sizes at each. "
        "`better` is the share of seeds in which the adaptive design wasted less, `reach` the target over the largest "
        "run.\n"
    )
    print(HEAD)
    for truth in TRUTHS:
        for noise in NOISES:
            for share in SHARES:
                print(line(truth, noise, share, count), flush=True)


def line(truth: Truth, noise: float, share: float, count: int) -> str:
    """A row of the table."""
    pairs = []
    for seed in range(count):
        both = [wasted(truth, design(truth, seed, share * TARGET, noise)) for design in (grid, adaptive)]
        if both[0] is None or both[1] is None:
            print(f"{truth.name}, seed {seed}: no plan", file=sys.stderr)
            continue
        pairs.append((both[0], both[1]))
    of_grid, ours = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    of_grid_waste, our_waste = of_grid[:, 0].mean(), ours[:, 0].mean()
    better = np.mean(ours[:, 0] < of_grid[:, 0])
    return (
        f"| {truth.name} | {noise:.1%} | {ours[:, 1].mean():.0%} | {of_grid_waste:.2%} | {our_waste:.2%} "
        f"| {our_waste / of_grid_waste:.2f} | {better:.2f} | {of_grid[:, 2].mean():.0f} | {ours[:, 2].mean():.0f} |"
    )


if __name__ == "__main__":
    main()
