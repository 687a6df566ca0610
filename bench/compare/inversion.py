"""Two ways to a multiplier from runs of two data sets, on designs and laws of public runs, with a known answer.

    python bench/compare/inversion.py DATA > bench/compare/inversion.md

`cells`: the multiplier of `isoflop compare`, a gap in each cell and the slope of one law of both recipes. `own law`:
the law of A alone, fitted to A's runs, solved at each run of B for the compute at which it has that loss, at equal
tokens per parameter. Truth: laws with floors and exponents of their own, as fitted to each data set, at all runs of B;
noise .6 % a run. Cells leave out runs without a partner and those that A does not reach.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import brentq, least_squares

sys.path.insert(0, str(Path(__file__).parents[2]))

import tests.compare.test_public_runs as public
from isoflop.arrays import Array
from isoflop.compare import CompareOptions, FinalRun, Side, compare_runs
from isoflop.compare.own_law import by_own_law
from isoflop.compare.slope import final_rows

NOISE = 0.006
FARTHEST = 15.0  # in ln m


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=60)
    asked = parser.parse_args()
    public.OVERTRAINING = asked.data / "overtraining" / "models_104.csv"
    print("# Multipliers by cells and by the baseline's own law\n\nMade by `python bench/compare/inversion.py DATA`.\n")
    print("On the published losses:\n\n| data | set | cells: mean | median | own law: mean | median |")
    print("|---|---|---|---|---|---|")
    for data in ("rpj", "rw_original"):
        for name in (public.C4, public.REFINEDWEB):
            a, b = public.data_side("c4_original"), public.data_side(data)
            print(f"| {data} | {name} | {' | '.join(f'{math.exp(value):.3f}' for value in both_ways(a, b, name))} |")
    print(f"\nOn {asked.draws} draws of each; error of ln m, mean and root mean square:\n")
    of_each = "cells: mean | median | own law: mean | median | 90 % of cells holds | of own law holds"
    print(f"| data | set | true mean | true median | {of_each} |\n{10 * '|---'}|")
    for data in ("rpj", "rw_original"):
        for name in (public.C4, public.REFINEDWEB):
            print(row(data, name, asked.draws), flush=True)


def row(data: str, name: str, draws: int) -> str:
    """Errors over draws."""
    rng = np.random.default_rng(0)
    a, b = public.data_side("c4_original"), public.data_side(data)
    truth = {side.name: fitted(side, name) for side in (a, b)}
    exact = [drawn(side, name, truth[side.name], np.zeros(len(side.runs))) for side in (a, b)]
    values = inverted(truth[a.name], exact[1], name)
    mean, median = float(values.mean()), float(np.median(values))
    errors, held = [], []
    for _ in range(draws):
        sides = [drawn(side, name, truth[side.name], NOISE * rng.standard_normal(len(side.runs))) for side in (a, b)]
        found = both_ways(*sides, name)
        errors.append(np.array(found) - [mean, median, mean, median])
        verdict = compare_runs(*sides).sets[0]
        rows = final_rows(*sides, name)
        own = None if rows is None else by_own_law(rows, CompareOptions())
        ends = verdict.interval, None if own is None else own.interval
        held.append([low <= math.exp(true) <= high for (low, high), true in zip(ends, (mean, median), strict=True)])
    of_each = [f"{each.mean():+.3f}, {math.sqrt(float(np.mean(each**2))):.3f}" for each in np.array(errors).T]
    shares = 100 * np.mean(held, axis=0)
    true = f"{math.exp(mean):.3f} | {math.exp(median):.3f}"
    return f"| {data} | {name} | {true} | {' | '.join(of_each)} | {shares[0]:.0f} % | {shares[1]:.0f} % |"


def both_ways(a: Side, b: Side, name: str) -> tuple[float, float, float, float]:
    """ln m by cells, mean and median, and by A's own law."""
    verdict = next(each for each in compare_runs(a, b).sets if each.name == name)
    values = inverted(fitted(a, name), b, name)
    assert verdict.multiplier is not None
    assert verdict.median is not None
    near = values[np.abs(values) < FARTHEST]
    return math.log(verdict.multiplier), math.log(verdict.median), float(near.mean()), float(np.median(values))


def drawn(side: Side, name: str, law: Array, noise: Array) -> Side:
    """The side's design with losses of a law."""
    N, D, _ = columns(side, name)
    losses = np.exp(log_loss(law, N, D) + noise)
    runs = (
        FinalRun(name=run.name, losses={name: float(loss)}, params=run.params, tokens=run.tokens, finished=True)
        for run, loss in zip(side.runs, losses, strict=True)
    )
    return Side(name=side.name, runs=tuple(runs))


def columns(side: Side, name: str) -> tuple[Array, Array, Array]:
    """N, D and loss of the runs."""
    return tuple(np.array([[run.params, run.tokens, run.losses[name]] for run in side.runs], dtype=np.float64).T)


def log_loss(law: Array, N: Array, D: Array) -> Array:
    """ln of E + A N^-alpha + B D^-beta, of (ln E, ln A, ln B, alpha, beta)."""
    e, a, b, alpha, beta = law
    return np.asarray(np.logaddexp(np.logaddexp(e, a - alpha * np.log(N)), b - beta * np.log(D)))


def fitted(side: Side, name: str) -> Array:
    """The law of one side's runs, with Huber's loss at 1 %."""
    N, D, loss = columns(side, name)
    start = [math.log(0.5 * loss.min()), 0.3 * math.log(N.mean()), 0.3 * math.log(D.mean()), 0.3, 0.3]
    found = least_squares(lambda law: log_loss(law, N, D) - np.log(loss), start, loss="huber", f_scale=0.01)
    return np.asarray(found.x)


def inverted(law: Array, b: Side, name: str) -> Array:
    """ln m of each run of B at equal tokens per parameter; FARTHEST where A does not reach its loss."""
    found = []
    for N, D, loss in zip(*columns(b, name), strict=True):

        def beyond(log_m: float, N: float = N, D: float = D, loss: float = loss) -> float:
            half = math.exp(log_m / 2)
            return float(log_loss(law, np.array(N * half), np.array(D * half))) - math.log(loss)

        found.append(FARTHEST if beyond(FARTHEST) > 0 else float(brentq(beyond, -FARTHEST, FARTHEST)))
    return np.array(found)


if __name__ == "__main__":
    main()
