"""How often a table is taken for a mixture of conditions, where it is none and where it is one.

    python bench/fit/mixed_conditions.py --tables 400

Made-up sweeps with columns of words beside them: drawn by chance, following the size of the run, or naming two data
sets whose losses lie apart.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from false_alarms import interval, percent
from made_up_sweeps import ASYM, BESIROGLU, Sweep, coupled

from isoflop.files import write_bytes_atomically
from isoflop.fit.mixed_conditions import telling_columns
from isoflop.observations import Observations

Words = dict[str, tuple[str, ...]]
Columns = Callable[[Observations, np.random.Generator], Words]


def by_chance(values: int, columns: int = 1) -> Columns:
    """Columns of a few words each, drawn by chance."""

    def made(data: Observations, rng: np.random.Generator) -> Words:
        drawn = rng.integers(0, values, (columns, len(data)))
        return {f"column{i}": tuple(f"v{value}" for value in row) for i, row in enumerate(drawn.tolist())}

    return made


def with_size(data: Observations, rng: np.random.Generator) -> Words:
    """A cluster of many devices for most of the large runs and few of the small ones."""
    place = (np.log(data.N) - np.log(data.N).min()) / np.ptp(np.log(data.N))
    return {"cluster": tuple("big" if rng.random() < 0.1 + 0.8 * p else "small" for p in place.tolist())}


def with_budget(data: Observations, rng: np.random.Generator) -> Words:
    """The month of a run: one of three, later ones for larger budgets, with some overlap."""
    place = (np.log(data.C) - np.log(data.C).min()) / max(float(np.ptp(np.log(data.C))), 1e-9)
    return {"month": tuple(["mar", "apr", "may"][min(2, int(3 * p * 0.99 + rng.random() * 0.8))] for p in place)}


def two_sets(share: float) -> Columns:
    """Two data sets, the second for a share of the runs."""
    return lambda data, rng: {"dataset": tuple("ab"[int(rng.random() < share)] for _ in range(len(data)))}


def refused(sweep: Sweep, columns: Columns, seed: int, offset: float = 0.0, slope: float = 0.0) -> bool:
    """Whether a made-up table is taken for a mixture; rows of word `b` lie `offset` higher in ln loss, and `slope` more
    for each factor e of N."""
    data = sweep.table(seed)
    words = columns(data, np.random.default_rng(10_000 + seed))
    if offset or slope:
        second = np.array([word == "b" for word in next(iter(words.values()))])
        apart = second * (offset + slope * (np.log(data.N) - np.log(data.N).mean()))
        data = replace(data, loss=data.loss * np.exp(apart))
    return bool(telling_columns(replace(data, conditions=words)))


SWEEPS = {
    "5 x 8, .5 %": Sweep(),
    "5 x 6, 1 %": Sweep(sizes=6, noise=0.01),
    "9 x 9, .05 %": Sweep(budgets=9, sizes=9, noise=0.0005),
    "5 x 9, .1 %, coupled form": Sweep(sizes=9, noise=0.001, surface=coupled),
    "5 x 8, x/÷8, alpha three times beta, .1 %": Sweep(law=ASYM, span=8.0, noise=0.001),
    "120 scattered runs, .5 %": Sweep(rows=120),
    "30 runs of 4 rows, 1 %": Sweep(rows=30, checkpoints=4, noise=0.01, law=BESIROGLU),
}
INNOCENT: dict[str, Columns] = {
    "2 words": by_chance(2),
    "5 words": by_chance(5),
    "6 columns of 3 words": by_chance(3, 6),
    "with the size": with_size,
    "with the budget": with_budget,
}
DUE = {
    "half of the runs 1 % higher": (Sweep(sizes=9), 0.5, 0.01, 0.0),
    "half of the runs 2 % higher": (Sweep(sizes=9), 0.5, 0.02, 0.0),
    "a quarter of the runs 3 % higher": (Sweep(sizes=9), 0.25, 0.03, 0.0),
    "half of the runs 1 % higher, .1 % noise": (Sweep(sizes=9, noise=0.001), 0.5, 0.01, 0.0),
    "half of the runs 1 % more for each factor e of N, .1 % noise": (Sweep(sizes=9, noise=0.001), 0.5, 0.0, 0.01),
    "half of the runs .2 % higher, .05 % noise (too small to matter)": (Sweep(sizes=9, noise=0.0005), 0.5, 0.002, 0.0),
}


def page(tables: int) -> Iterator[str]:
    yield "# Tables taken for mixtures of conditions\n"
    yield f"`python bench/fit/mixed_conditions.py --tables {tables}`: {tables} tables of each kind.\n"
    yield "## Innocent columns, % of the tables refused\n"
    yield f"| sweep | {' | '.join(INNOCENT)} |\n|---|{'---|' * len(INNOCENT)}"
    total = 0
    for name, sweep in SWEEPS.items():
        hits = [sum(refused(sweep, columns, seed) for seed in range(tables)) for columns in INNOCENT.values()]
        total += sum(hits)
        yield f"| {name} | {' | '.join(percent(each / tables) for each in hits)} |"
        print(name, hits, flush=True)
    all_tables = tables * len(SWEEPS) * len(INNOCENT)
    low, high = interval(total, all_tables)
    yield f"\nAll: {percent(total / all_tables)} % ({percent(low)} to {percent(high)} %).\n"
    yield "## Two data sets, 5 budgets of 9 sizes, .5 % noise where nothing else is stated\n"
    yield "| runs | refused | 95 % interval |\n|---|---|---|"
    for name, (sweep, share, offset, slope) in DUE.items():
        hits_due = sum(refused(sweep, two_sets(share), seed, offset, slope) for seed in range(tables))
        low, high = interval(hits_due, tables)
        yield f"| {name} | {percent(hits_due / tables)} % | {percent(low)} to {percent(high)} % |"
        print(name, hits_due, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = parser.parse_args()
    lines = list(page(arguments.tables))
    write_bytes_atomically(arguments.out, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
