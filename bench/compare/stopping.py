"""How often pairs that are looked at after each find a difference: between equal recipes, and between unequal ones.

    python bench/compare/stopping.py [--draws 200] > bench/compare/stopping.md

Losses are drawn: a law of the baseline, scatter of one run by its seed, the design of `isoflop compare STUDY --recipe`
(two cells, the cheap one a seed ahead) and its looks, each by `compare_runs`. Five minutes of one core.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from isoflop.compare import CompareOptions, FinalRun, Side, StatedSlope, compare_runs
from isoflop.study.pairs.design import PairCell, PairDesign

SLOPE = 0.09
"""-d ln L / d ln C of the default study's runs between 1.5e11 and 6e11 FLOPs (docs/measured.md)."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is drawn."""

    name: str
    gap: float = 0.0
    """ln L_A - ln L_B."""
    scatter: float = 0.005
    """Standard deviation of ln L of one run by its seed."""
    shared: float = 0.0
    """Share of that variance which both runs of a pair have in common."""
    ratio: float = 1.0
    """Scatter in the second cell over that in the first."""
    slope: float = 0.0
    """Change of the gap between the two cells."""
    tails: float = math.inf
    """Degrees of freedom of Student's t that the scatter is drawn from."""
    most: int = 8


TRUTHS = (
    Truth(name="equal"),
    Truth(name="equal, 4 pairs at most", most=4),
    Truth(name="equal, 16 pairs at most", most=16),
    Truth(name="equal, scatter 1.5 %", scatter=0.015),
    Truth(name="equal, half of the variance shared by a pair", shared=0.5),
    Truth(name="equal, second cell scatters half as much", ratio=0.5),
    Truth(name="equal, second cell scatters twice as much", ratio=2.0),
    Truth(name="equal, heavy tails (t with 4 degrees)", tails=4.0),
    Truth(name="equal in the mean of both cells, .5 % either way", slope=0.01),
    Truth(name="loss .5 % lower", gap=0.005),
    Truth(name="loss 1 % lower", gap=0.01),
    Truth(name="loss 2 % lower", gap=0.02),
    Truth(name="loss 3.4 % lower in the first cell, 1.9 % in the second", gap=0.0265, slope=-0.015),
    Truth(name="loss 1.5 % lower in the first cell, .5 % in the second", gap=0.01, slope=-0.01),
)


def drawn(truth: Truth, random: np.random.Generator) -> tuple[list[FinalRun], list[FinalRun], PairDesign]:
    """The runs of both sides in the order of their pairs."""
    cells = (PairCell(params=1.4e4, flops=1.5e11), PairCell(params=3.1e4, flops=6e11))
    design = PairDesign(cells=cells, seed=0, most=truth.most, level=0.9)
    a, b = [], []
    for pair in design.order():
        cell = cells[pair.cell]
        base = math.log(1.97) - SLOPE * math.log(cell.flops / 1.5e11)
        scatter = truth.scatter * (truth.ratio if pair.cell else 1.0)
        own, shared = math.sqrt(1 - truth.shared), math.sqrt(truth.shared)
        noise = random.standard_normal(3) if math.isinf(truth.tails) else _heavy(truth.tails, random)
        gap = truth.gap + truth.slope * (pair.cell - 0.5)
        for side, shift, drawn_noise in ((a, 0.0, noise[0]), (b, -gap, noise[1])):
            loss = math.exp(base + shift + scatter * (own * drawn_noise + shared * noise[2]))
            side.append(
                FinalRun(
                    name=f"{pair.cell}-{pair.seed}",
                    losses={"all text": loss},
                    params=cell.params,
                    tokens=cell.flops / (6 * cell.params),
                    flops=cell.flops,
                    label=f"seed {pair.seed}",
                    finished=True,
                )
            )
    return a, b, design


def _heavy(degrees: float, random: np.random.Generator) -> np.ndarray:
    """Student's t, scaled to a standard deviation of 1."""
    return random.standard_t(degrees, 3) / math.sqrt(degrees / (degrees - 2))


def compared(truth: Truth, random: np.random.Generator, *, at_once: bool) -> tuple[str, int]:
    """(verdict, pairs) of one comparison; `at_once`: each look at the level of the whole, as one would without care."""
    a, b, design = drawn(truth, random)
    looks = design.looks
    options = CompareOptions(slope=StatedSlope(per_log=SLOPE, source="drawn"), level=looks.level, draws=50)
    if not at_once:
        options = replace(options, level=looks.each)
    verdict = "cannot_tell"
    for number in looks.pairs:
        sides = [Side(name=name, runs=tuple(runs[:number])) for name, runs in (("a", a), ("b", b))]
        found = compare_runs(sides[0], sides[1], options)
        verdict = found.sets[0].verdict
        if verdict != "cannot_tell":
            return verdict, number
    return verdict, design.most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=200)
    draws = parser.parse_args().draws
    print("# Looks at pairs: how often a difference is found\n")
    print(
        f"By `python bench/compare/stopping.py --draws {draws}`. Scatter .5 % a run unless said otherwise, 8 pairs at"
    )
    print('the most, looks from the third on, nominal 10 % over all looks. "Different" is better or worse.\n')
    print("| truth | different | equal within 5 % | cannot be told | pairs, mean | different, each look at 90 % |")
    print("|---|---|---|---|---|---|")
    for number, truth in enumerate(TRUTHS):
        ended = [compared(truth, np.random.default_rng([number, draw]), at_once=False) for draw in range(draws)]
        naive = [compared(truth, np.random.default_rng([number, draw]), at_once=True) for draw in range(draws)]
        share = Counter(verdict for verdict, _ in ended)
        different = (share["better"] + share["worse"]) / draws
        careless = sum(verdict in ("better", "worse") for verdict, _ in naive) / draws
        pairs = sum(used for _, used in ended) / draws
        print(
            f"| {truth.name} | {different:.1%} | {share['equal'] / draws:.1%} | {share['cannot_tell'] / draws:.1%} | "
            f"{pairs:.1f} | {careless:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
