"""The multiplier where two data sets have laws of their own, on designs and laws of public runs, with a known answer.

    python bench/compare/inversion.py DATA > bench/compare/inversion.md

`headline`: what `isoflop compare` answers, the median over B's runs by the law of A alone where a test finds that the
recipes have laws of their own, else the mean over cells. `mean over cells`: a gap in each cell and the slope of one
law of both recipes, as the headline was before, held against the mean over all runs. Truth: laws with floors and
exponents of their own, as fitted to each data set, at all runs of B at equal tokens per parameter; or the baseline's
law for both. Noise .6 % a run.
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
from isoflop.compare import CompareOptions, FinalRun, SetVerdict, Side, compare_runs
from isoflop.compare.cells import groups, match
from isoflop.compare.gaps import gaps_of
from isoflop.compare.law_rows import final_rows
from isoflop.compare.set_verdict import set_verdict
from isoflop.compare.slope import conversion_for
from isoflop.compare.spending import log_spent

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
    print("On the published losses:\n\n| data | set | headline | 90 % | mean over cells | by another fit: median |")
    print("|---|---|---|---|---|---|")
    for data in ("rpj", "rw_original"):
        for name in (public.C4, public.REFINEDWEB):
            print(published(data, name), flush=True)
    print("\nError of ln m over `draws`, mean and root mean square, and how often the 90 % interval holds it:\n")
    columns = "true | headline | holds | called different | by A's own law | mean over cells | holds"
    print(f"| data | set | draws | {columns} |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for data in ("rpj", "rw_original"):
        for name in (public.C4, public.REFINEDWEB):
            print(row(data, name, asked.draws, equal=False), flush=True)
    print(row("rpj", public.C4, 6 * asked.draws, equal=True), flush=True)


def published(data: str, name: str) -> str:
    """The answers on the losses as published; the other fit is SciPy's, with Huber's loss at 1 %."""
    a, b = public.data_side("c4_original"), public.data_side(data)
    one, cells = answers(a, b, name)
    assert one.interval is not None
    middle = math.exp(float(np.median(inverted(fitted(a, name), b, name))))
    between = f"{one.interval[0]:.3f} to {one.interval[1]:.3f}"
    return f"| {data} | {name} | {one.multiplier:.3f} | {between} | {cells.multiplier:.3f} | {middle:.3f} |"


def row(data: str, name: str, draws: int, equal: bool) -> str:
    """Errors over draws; with `equal` both sides have the baseline's law."""
    rng = np.random.default_rng(0)
    a, b = public.data_side("c4_original"), public.data_side(data)
    truth = {side.name: fitted(side, name) for side in (a, b)}
    if equal:
        truth[b.name] = truth[a.name]
    values = inverted(truth[a.name], drawn(b, name, truth[b.name], np.zeros(len(b.runs))), name)
    middle, mean = float(np.median(values)), float(values[np.abs(values) < FARTHEST].mean())
    errors, held, different, own = [], [], [], []
    for _ in range(draws):
        sides = [drawn(side, name, truth[side.name], NOISE * rng.standard_normal(len(side.runs))) for side in (a, b)]
        one, cells = answers(*sides, name)
        true = middle if one.own_law else mean
        errors.append([log_of(one.multiplier) - true, log_of(cells.multiplier) - mean])
        held.append([holds(one.interval, true), holds(cells.interval, mean)])
        different.append(one.verdict in ("better", "worse"))
        own.append(one.own_law is not None)
    found = [f"{each.mean():+.3f}, {math.sqrt(float(np.mean(each**2))):.3f}" for each in np.array(errors).T]
    shares = [f"{100 * share:.0f} %" for share in (*np.mean(held, axis=0), np.mean(different), np.mean(own))]
    what = f"{data}, both of one law" if equal else data
    return (
        f"| {what} | {name} | {draws} | {math.exp(middle):.3f} | {found[0]} | {shares[0]} | {shares[2]} | "
        f"{shares[3]} | {found[1]} | {shares[1]} |"
    )


def answers(a: Side, b: Side, name: str) -> tuple[SetVerdict, SetVerdict]:
    """The answer on a set, and that of the cells alone."""
    options = CompareOptions()
    headline = next(each for each in compare_runs(a, b, options).sets if each.name == name)
    gaps, rows = gaps_of(match(groups(a), groups(b)), name), final_rows(a, b, name)
    assert gaps is not None
    lowest = tuple(math.log(min(run.losses[name] for run in side.runs if name in run.losses)) for side in (a, b))
    conversion = conversion_for(gaps, rows, options)
    cells = set_verdict(gaps, conversion, log_spent(gaps, options), (lowest[0], lowest[1]), options).verdict
    return headline, cells


def log_of(multiplier: float | None) -> float:
    """ln m."""
    assert multiplier is not None
    return math.log(multiplier)


def holds(interval: tuple[float, float] | None, true: float) -> bool:
    """Whether the interval has the truth in it."""
    return interval is not None and interval[0] <= math.exp(true) <= interval[1]


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
