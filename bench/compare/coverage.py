"""How often the intervals of `isoflop compare` hold the truth, and how often it finds a difference that is not there.

    python bench/compare/coverage.py > bench/compare/coverage.md

Two recipes with a law each (E 1.82, A 482, B 2085, alpha .348, beta .366 for A), a design of cells and seeds, and normal
noise of ln loss with a part that runs of one seed share. Every row of the table draws the runs of so many comparisons;
the truth is the multiplier at the cells by the two laws, their mean over the cells in logarithms.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from isoflop.compare import CompareOptions, Comparison, FinalRun, Side, StatedSlope, compare_runs
from isoflop.errors import IsoflopError
from isoflop.laws import ChinchillaLaw

BASE = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
LADDER = tuple((n, 20 * n) for n in (5e7, 1.2e8, 3e8, 7e8, 1.6e9, 4e9))
GRID = tuple((n, ratio * n) for n in (5e7, 1e8, 2e8, 4e8, 8e8) for ratio in (5, 20, 80))


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What is compared."""

    name: str
    cells: Sequence[tuple[float, float]]
    b: ChinchillaLaw
    seeds: int = 1
    labelled: bool = False
    sd: float = 0.002
    """Of ln loss of one run."""
    shared: float = 0.0
    """Share of the noise's variance that runs of one seed have in common."""
    options: CompareOptions = field(default_factory=CompareOptions)


def shifted(law: ChinchillaLaw, *, params: float = 1.0, tokens: float = 1.0) -> ChinchillaLaw:
    """A recipe that makes as much of one parameter as `law` of so many, and of one token likewise."""
    return replace(law, A=law.A * params**-law.alpha, B=law.B * tokens**-law.beta)


def truth(condition: Condition) -> float:
    """Mean over the cells of ln m by the two laws, along the axis of the question."""
    a, b = BASE, condition.b
    values = []
    for N, D in condition.cells:
        target = float(b.loss(N, D))
        low, high = -12.0, 12.0
        gamma_N, gamma_D = float(a.a), float(a.b)
        for _ in range(80):
            middle = (low + high) / 2
            place = (N, D * math.exp(middle))
            if condition.options.axis == "compute":
                place = (N * math.exp(gamma_N * middle), D * math.exp(gamma_D * middle))
            low, high = (middle, high) if float(a.loss(*place)) > target else (low, middle)
        values.append(low)
    return float(np.mean(values))


def drawn(condition: Condition, rng: np.random.Generator) -> tuple[Side, Side]:
    """Both sides with fresh noise."""
    common = rng.standard_normal((len(condition.cells), condition.seeds)) * condition.sd * math.sqrt(condition.shared)
    sides = []
    for name, law in (("a", BASE), ("b", condition.b)):
        own = rng.standard_normal(common.shape) * condition.sd * math.sqrt(1 - condition.shared)
        runs = [
            FinalRun(
                name=f"{name}-{k}-{seed}",
                params=N,
                tokens=D,
                losses={"val": float(law.loss(N, D)) * math.exp(common[k, seed] + own[k, seed])},
                label=f"seed {seed}" if condition.labelled else None,
                finished=True,
            )
            for k, (N, D) in enumerate(condition.cells)
            for seed in range(condition.seeds)
        ]
        sides.append(Side(name=name, runs=tuple(runs)))
    return sides[0], sides[1]


def conditions() -> list[Condition]:
    """Every row of the table."""
    tokens, some, equal = shifted(BASE, tokens=1.25), shifted(BASE, tokens=1.05), BASE
    slope = slope_at(2e8, 4e9)
    one = ((2e8, 4e9),)
    data = CompareOptions(axis="data", slope=slope)
    return [
        Condition(name="one cell, 4 pairs sharing seeds, tokens x1.05", cells=one, seeds=4, labelled=True, shared=0.6, b=some, options=data),
        Condition(name="one cell, 8 pairs sharing seeds, equal", cells=one, seeds=8, labelled=True, shared=0.6, b=equal, options=data),
        Condition(name="one cell, 4 and 4 runs, equal", cells=one, seeds=4, b=equal, options=data),
        Condition(name="one cell, 10 and 10 runs, tokens x1.05", cells=one, seeds=10, b=some, options=data),
        Condition(name="3 cells x 2 seeds at D = 20 N, both terms x1.25", cells=LADDER[::2], seeds=2, b=shifted(BASE, params=1.25, tokens=1.25)),
        Condition(name="3 cells x 2 seeds at D = 20 N, tokens x1.25", cells=LADDER[::2], seeds=2, b=tokens),
        Condition(name="3 cells x 2 seeds, equal", cells=LADDER[::2], seeds=2, b=equal),
        Condition(name="6 cells, one run each, equal", cells=LADDER, b=equal),
        Condition(name="6 cells, one run each, both terms x1.25", cells=LADDER, b=shifted(BASE, params=1.25, tokens=1.25)),
        Condition(name="15 cells, one run each, tokens x1.25", cells=GRID, b=tokens),
        Condition(name="15 cells, one run each, tokens x1.25, axis data", cells=GRID, b=tokens, options=CompareOptions(axis="data")),
        Condition(name="15 cells x 2 seeds, parameters x1.4", cells=GRID, seeds=2, b=shifted(BASE, params=1.4)),
        Condition(name="15 cells x 2 seeds, equal", cells=GRID, seeds=2, b=equal),
        Condition(name="15 cells x 2 seeds, E less by .05", cells=GRID, seeds=2, b=replace(BASE, E=BASE.E - 0.05)),
        Condition(name="15 cells x 2 seeds, E less by .02", cells=GRID, seeds=2, b=replace(BASE, E=BASE.E - 0.02)),
        Condition(name="15 cells x 2 seeds, beta .40 for .366", cells=GRID, seeds=2, b=replace(BASE, beta=0.40, B=2085.43 * 4e9**0.0342)),
        Condition(name="15 cells x 2 seeds, noise .8 %, tokens x1.25", cells=GRID, seeds=2, sd=0.008, b=tokens),
    ]  # fmt: skip


def slope_at(N: float, D: float) -> StatedSlope:
    """The base law's -d ln L / d ln D."""
    return StatedSlope(per_log=float(-BASE.slopes(N, D)[1] / BASE.loss(N, D)), source="the true law")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    print("| recipes and runs | true m | answers | inside 90 % | half-width | called different | one m serves all |")
    print("|---|---|---|---|---|---|---|")
    started = time.process_time()
    count = 0
    for condition in conditions():
        if asked.only in condition.name:
            print(row(condition, asked.draws), flush=True)
            count += asked.draws
    print(
        f"\n{count:,} comparisons, {1e3 * (time.process_time() - started) / max(1, count):.0f} ms of processor time each."
    )


def row(condition: Condition, draws: int) -> str:
    """One condition."""
    rng = np.random.default_rng(7)
    exact = truth(condition)
    found: list[Comparison] = []
    for _ in range(draws):
        try:
            found.append(compare_runs(*drawn(condition, rng), condition.options))
        except IsoflopError as error:
            print(error)
    verdicts = [each.sets[0] for each in found]
    told = [each for each in verdicts if each.interval is not None]
    ends = np.log([each.interval for each in told]).reshape(-1, 2)
    inside = (ends[:, 0] <= exact) & (exact <= ends[:, 1])
    different = np.mean([each.verdict in ("better", "worse") for each in verdicts])
    constant = [each.constant for each in told if each.constant is not None]
    serves = f"{100 * np.mean(constant):.0f} %" if constant else "–"
    return (
        f"| {condition.name} | {math.exp(exact):.3f} | {100 * len(told) / draws:.0f} % | {100 * inside.mean():.1f} % | "
        f"{100 * math.expm1(float(np.median(ends[:, 1] - ends[:, 0])) / 2):.1f} % | {100 * different:.0f} % | {serves} |"
    )


if __name__ == "__main__":
    main()
