"""Comparisons of which the truth is known: two laws, a design of cells and seeds, and normal noise of ln loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from isoflop.compare import CompareOptions, Comparison, FinalRun, Side, StatedSlope, compare_runs
from isoflop.laws import ChinchillaLaw

BASE = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
LADDER = tuple((n, 20 * n) for n in (5e7, 1.2e8, 3e8, 7e8, 1.6e9, 4e9))
SMALL = tuple((n, ratio * n) for n in (1e8, 2e8, 4e8) for ratio in (5, 20, 80))
GRID = tuple((n, ratio * n) for n in (5e7, 1e8, 2e8, 4e8, 8e8) for ratio in (5, 20, 80))
ONE = ((2e8, 4e9),)
SLOPE = StatedSlope(per_log=float(-BASE.slopes(*ONE[0])[1] / BASE.loss(*ONE[0])), source="the true law")


def shifted(params: float = 1.0, tokens: float = 1.0) -> ChinchillaLaw:
    """A recipe that makes as much of one parameter as the baseline of so many, and of one token likewise."""
    return replace(BASE, A=BASE.A * params**-BASE.alpha, B=BASE.B * tokens**-BASE.beta)


def _lower(floor: float) -> ChinchillaLaw:
    """A recipe whose loss of infinite compute is lower by so many nats."""
    return replace(BASE, E=BASE.E - floor)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What is compared."""

    name: str
    b: ChinchillaLaw
    cells: Sequence[tuple[float, float]] = ONE
    seeds: int = 1
    labelled: bool = False
    sd: float = 0.002
    """Of ln loss of one run."""
    together: float = 0.0
    """Share of the noise's variance that runs of one seed have in common."""
    options: CompareOptions = field(default_factory=CompareOptions)

    def truth(self) -> float:
        """Mean over the cells of ln m by the two laws, along the axis of the question."""
        of_n, of_d = (float(BASE.a), float(BASE.b)) if self.options.axis == "compute" else (0.0, 1.0)
        return float(np.mean([self._log_multiplier(*cell, of_n, of_d) for cell in self.cells]))

    def own_truth(self) -> float:
        """The median over the runs, at equal tokens per parameter: what an answer by the law of A alone states."""
        of_n, of_d = (0.5, 0.5) if self.options.axis == "compute" else (0.0, 1.0)
        return float(np.median([self._log_multiplier(*cell, of_n, of_d) for cell in self.cells]))

    def drawn(self, rng: np.random.Generator) -> tuple[Side, Side]:
        """Both sides with fresh noise."""
        shape = len(self.cells), self.seeds
        common = rng.standard_normal(shape) * self.sd * math.sqrt(self.together)
        sides = []
        for name, law in (("a", BASE), ("b", self.b)):
            noise = common + rng.standard_normal(shape) * self.sd * math.sqrt(1 - self.together)
            sides.append(Side(name=name, runs=tuple(self._runs(name, law, noise))))
        return sides[0], sides[1]

    def _runs(self, name: str, law: ChinchillaLaw, noise: np.ndarray) -> list[FinalRun]:
        return [
            FinalRun(
                name=f"{name}-{k}-{seed}",
                params=N,
                tokens=D,
                losses={"val": float(law.loss(N, D)) * math.exp(noise[k, seed])},
                label=f"seed {seed}" if self.labelled else None,
                finished=True,
            )
            for k, (N, D) in enumerate(self.cells)
            for seed in range(self.seeds)
        ]

    def _log_multiplier(self, N: float, D: float, of_n: float, of_d: float) -> float:
        target, low, high = float(self.b.loss(N, D)), -12.0, 12.0
        for _ in range(80):
            middle = (low + high) / 2
            reached = float(BASE.loss(N * math.exp(of_n * middle), D * math.exp(of_d * middle))) <= target
            low, high = (low, middle) if reached else (middle, high)
        return low


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the intervals of so many drawn comparisons did."""

    inside: float
    """Share that holds the truth."""
    different: float
    """Share that calls the recipes different."""
    half_width: float
    """Half the median width of the interval of ln m."""
    constant: float
    """Share that says that one multiplier serves all cells; NaN where none can tell."""
    by_own_law: float
    """Share that answers by the law of A alone."""


def outcome(condition: Condition, draws: int, seed: int = 5) -> Outcome:
    """Draws the condition so often and looks at the answers, each of which has an interval."""
    rng = np.random.default_rng(seed)
    found: list[Comparison] = [compare_runs(*condition.drawn(rng), condition.options) for _ in range(draws)]
    verdicts = [each.sets[0] for each in found]
    ends = np.log(np.array([each.interval for each in verdicts], dtype=np.float64))
    own = np.array([each.own_law is not None for each in verdicts])
    truth = np.where(own, condition.own_truth(), condition.truth())
    told = [each.constant for each in verdicts if each.constant is not None]
    return Outcome(
        inside=float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))),
        different=float(np.mean([each.verdict in ("better", "worse") for each in verdicts])),
        half_width=float(np.median(ends[:, 1] - ends[:, 0])) / 2,
        constant=float(np.mean(told)) if told else math.nan,
        by_own_law=float(own.mean()),
    )


_DATA = CompareOptions(axis="data", slope=SLOPE)
_TOKENS, _BOTH = shifted(tokens=1.25), shifted(params=1.25, tokens=1.25)
_STEEPER = replace(BASE, beta=0.40, B=BASE.B * 4e9**0.0342)
CONDITIONS = (
    Condition(
        name="one cell, 4 pairs of shared seeds, tokens x1.05",
        b=shifted(tokens=1.05), seeds=4, labelled=True, together=0.6, options=_DATA,
    ),
    Condition(
        name="one cell, 8 pairs of shared seeds, equal",
        b=BASE, seeds=8, labelled=True, together=0.6, options=_DATA,
    ),
    Condition(name="one cell, 4 and 4 runs, equal", b=BASE, seeds=4, options=_DATA),
    Condition(name="one cell, 10 and 10 runs, tokens x1.05", b=shifted(tokens=1.05), seeds=10, options=_DATA),
    Condition(name="3 cells x 2 seeds at D = 20 N, equal", b=BASE, cells=LADDER[::2], seeds=2),
    Condition(name="3 cells x 2 seeds at D = 20 N, tokens x1.25", b=_TOKENS, cells=LADDER[::2], seeds=2),
    Condition(name="3 cells x 2 seeds at D = 20 N, N and D x1.25", b=_BOTH, cells=LADDER[::2], seeds=2),
    Condition(name="6 cells, one run each, at D = 20 N, equal", b=BASE, cells=LADDER),
    Condition(name="6 cells, one run each, at D = 20 N, N and D x1.25", b=_BOTH, cells=LADDER),
    Condition(name="15 cells, one run each, tokens x1.25", b=_TOKENS, cells=GRID),
    Condition(
        name="15 cells, one run each, tokens x1.25, axis data",
        b=_TOKENS, cells=GRID, options=CompareOptions(axis="data"),
    ),
    Condition(name="15 cells x 2 seeds, equal", b=BASE, cells=GRID, seeds=2),
    Condition(name="15 cells x 2 seeds, N and D x1.25", b=_BOTH, cells=GRID, seeds=2),
    Condition(name="15 cells x 2 seeds, N x1.4", b=shifted(params=1.4), cells=GRID, seeds=2),
    Condition(name="15 cells x 2 seeds, E less by .02", b=_lower(0.02), cells=GRID, seeds=2),
    Condition(name="15 cells x 2 seeds, E less by .05", b=_lower(0.05), cells=GRID, seeds=2),
    Condition(name="15 cells x 2 seeds, beta .40 for .366", b=_STEEPER, cells=GRID, seeds=2),
    Condition(name="15 cells, one run each, E less by .05", b=_lower(0.05), cells=GRID),
    Condition(name="9 cells, one run each, E less by .05", b=_lower(0.05), cells=SMALL),
    Condition(name="9 cells x 3 seeds, E less by .05", b=_lower(0.05), cells=SMALL, seeds=3),
    Condition(name="9 cells x 3 seeds, equal", b=BASE, cells=SMALL, seeds=3),
    Condition(
        name="15 cells x 2 seeds, E less by .05, axis data",
        b=_lower(0.05), cells=GRID, seeds=2, options=CompareOptions(axis="data"),
    ),
    Condition(name="15 cells x 2 seeds, noise .8 %, E less by .1", b=_lower(0.1), cells=GRID, seeds=2, sd=0.008),
    Condition(name="15 cells x 2 seeds, noise .8 %, tokens x1.25", b=_TOKENS, cells=GRID, seeds=2, sd=0.008),
)  # fmt: skip
"""Every row of bench/compare/coverage.md."""
