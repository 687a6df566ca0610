"""The policy on published rows, as if they were runs that it may choose: how well few of them forecast the largest.

    cd bench/sweep && python replays.py > replays.md

Of each table of `../shared/data` beside the repository the rows of most compute are held out. From the others, the
pool, the policy picks up to a tenth of the FLOPs; what it picked is fitted as `isoflop fit` does, and forecasts the
losses of those held out. The same number from all of the pool stands beside it, and that from rows picked at random
with as many FLOPs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit.forecast.build import build_forecaster
from isoflop.fit.parametric.fit import fit_parametric
from isoflop.observations import Observations
from isoflop.sweep.adaptive import Candidate, Decision, Evidence, Limits, first_runs, next_batch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fit"))
from forecast_sets import DataSet, data_sets

HELD_OUT = 0.15
"""Share of the rows that is held out, those of most compute."""
SHARE = 0.1
"""Of the pool's FLOPs that the policy may spend."""
RANDOM = 5
TEXT = f"""`python replays.py`. Held out: the {HELD_OUT:.0%} of the rows with the most compute. R2 is that of
ln loss over these rows, of the forecast that `isoflop fit` makes, with the mean of its signed errors; `random`: the
median R2 of {RANDOM} draws of rows with as many FLOPs.

| table | held out | pool | picked | of its FLOPs | R2 picked | R2 all | R2 random | error | of all | within .03 |
|---|---|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, kw_only=True)
class Split:
    """A table, parted."""

    pool: Observations
    held: Observations

    @classmethod
    def of(cls, runs: Observations) -> Split:
        """The rows of most compute apart."""
        edge = float(np.quantile(runs.C, 1 - HELD_OUT))
        return cls(pool=runs.select(np.less(runs.C, edge)), held=runs.select(np.greater_equal(runs.C, edge)))


def guess(flops: float) -> float:
    """Twenty tokens a parameter."""
    return float((flops / 120) ** 0.5)


def picked(pool: Observations, target_flops: float) -> tuple[np.ndarray, list[Decision]]:
    """(which rows of the pool the policy chooses for a tenth of its FLOPs, its decisions)."""
    rows = {
        str(i): Candidate(
            key=str(i),
            params=float(pool.N[i]),
            tokens=float(pool.D[i]),
            flops=float(pool.C[i]),
            law_flops=float(pool.C[i]),
            seconds=1.0,
            trunk=str(pool.run_id[i]),
        )
        for i in range(len(pool))
    }
    limits = Limits(
        tolerance=1e-9, flops=SHARE * float(pool.C.sum()), must_pay=False, tokens_per_param=(0.01, 2000.0), width=8.0
    )
    low = float(pool.C.min())
    chosen = list(first_runs(list(rows.values()), guess, span=(low, (low * float(pool.C.max())) ** 0.5), limits=limits))
    decisions = []
    while True:
        index = np.array([int(c.key) for c in chosen])
        evidence = Evidence.of(
            params=pool.N[index],
            tokens=pool.D[index],
            flops=pool.C[index],
            loss=pool.loss[index],
            trunk=[str(c.trunk) for c in chosen],
        )
        left = [c for key, c in rows.items() if int(key) not in set(index.tolist())]
        decision = next_batch(evidence, left, target_flops=target_flops, limits=limits)
        decisions.append(decision)
        if decision.stop is not None:
            return index, decisions
        chosen += [run.candidate for run in decision.runs]


def quality(known: Observations, held: Observations) -> tuple[float, float]:
    """(R2 of ln loss over the rows held out, mean signed error) of the forecast from `known`."""
    forecaster = build_forecaster(known, fit_parametric(known, draws=200))
    error = np.log(forecaster.point(held.N, held.D)) - np.log(held.loss)
    spread = np.log(held.loss) - np.log(held.loss).mean()
    return 1 - float(error @ error) / float(spread @ spread), float(error.mean())


def of_random(split: Split, flops: float) -> float:
    """The median R2 from rows picked at random up to `flops`."""
    found = []
    for seed in range(RANDOM):
        order = np.random.default_rng(seed).permutation(len(split.pool))
        kept = order[np.cumsum(split.pool.C[order]) <= flops]
        try:
            found.append(quality(split.pool.select(np.isin(np.arange(len(split.pool)), kept)), split.held)[0])
        except RefusedError:
            found.append(-np.inf)
    return float(np.median(found))


def line(data: DataSet) -> str:
    """A row of the table."""
    split = Split.of(data.runs.finals())
    target = float(np.exp(np.log(split.held.C).mean()))
    index, _ = picked(split.pool, target)
    chosen = split.pool.select(np.isin(np.arange(len(split.pool)), index))
    share = float(chosen.C.sum() / split.pool.C.sum())
    head = f"| {data.family} {data.name} | {len(split.held)} | {len(split.pool)} | {len(index)} | {share:.1%} |"
    try:
        all_r2, all_error = quality(split.pool, split.held)
        r2, error = quality(chosen, split.held)
    except RefusedError as refused:
        return f"{head} {refused.code} | | | | | |"
    random = of_random(split, float(chosen.C.sum()))
    within = "yes" if r2 >= all_r2 - 0.03 else "no"
    return f"{head} {r2:.3f} | {all_r2:.3f} | {random:.3f} | {error:+.2%} | {all_error:+.2%} | {within} |"


if __name__ == "__main__":
    print("# Replays: a tenth of a published sweep, chosen by the policy\n")
    print(TEXT)
    lines = []
    for data in data_sets():
        if data.family.split()[0] in ("chinchilla", "gemstones", "porian"):
            lines.append(line(data))
            print(lines[-1], flush=True)
    print(f"\nWithin .03 of all rows: {sum(text.endswith('| yes |') for text in lines)} of {len(lines)}.")
