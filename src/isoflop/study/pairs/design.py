"""Which pairs of runs are trained, in which order: cells from the study's own sweep, the cheapest first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Len, Lt

from isoflop.compare.looks import Looks
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design
from isoflop.sweep.designs import first_guess

DEFAULT_PAIRS = 8
"""Pairs at the most, where the user names no number: at a scatter of .5 % a run they show a gap of .7 % of the loss."""
SCALE = 4.0
"""FLOPs of the second cell over the first. Wide enough to show whether a gain holds, for a cost that four more pairs of
the first cell would have."""
FEWEST_SIZES = 3
"""Of a budget whose best size is looked for; an adaptive sweep has cheap budgets with fewer."""
ONE_SIZE, NEAR = 1.03, 1.6
"""Sizes within 3 % are one size: at the optimum 3 % of N are worth less than .01 % of the loss. A cell may be moved by
the step between two sizes of a sweep to have such sizes."""
CHECK_SEED = 1_000_000
"""Added to the seed for the runs of the learning-rate check: the rate that won by luck must not win by the same luck in
the pairs."""


@dataclass(frozen=True, kw_only=True)
class PairCell:
    """Where a pair is trained: both sides spend `flops` on a model of about `params`."""

    params: Annotated[float, Gt(0)]
    """Non-embedding parameters; each recipe builds its nearest shape."""
    flops: Annotated[float, Gt(0)]
    """By the `matmul` convention."""

    def spec(self, recipe: SmallRecipe, *, corpus: str, seed: int, lr_factor: float) -> RunSpec:
        """The run of `recipe` in this cell, at `lr_factor` times its peak rate."""
        shape = recipe.architecture(self.params)
        tokens = self.flops / recipe.flops_per_token(shape)
        return recipe.spec(shape, tokens, corpus=corpus, seed=seed, budget_flops=self.flops, lr_factor=lr_factor)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One pair: a cell, and the seed that both sides share."""

    cell: int
    """Number of the cell in `PairDesign.cells`."""
    seed: int


@dataclass(frozen=True, kw_only=True)
class PairDesign:
    """The pairs of a comparison, fixed when it begins."""

    cells: Annotated[tuple[PairCell, ...], Len(1, 2)]
    """Cheapest first; one, or two that differ about SCALE times in FLOPs."""
    seed: Annotated[int, Ge(0)]
    """Of the first pair."""
    most: Annotated[int, Ge(1)]
    """Pairs at the most."""
    level: Annotated[float, Gt(0), Lt(1)]
    """Of the interval over all looks."""
    step: Annotated[int, Ge(1)] = 1
    """Pairs that are trained side by side, between two looks."""
    begun_with: tuple[int, ...] = ()
    """Pairs at the most of earlier starts, which were raised since; looks were planned for fewer then."""

    @property
    def looks(self) -> Looks:
        """After how many pairs the verdict is looked at, and how sure it must be."""
        return Looks(level=self.level, last=self.most, step=self.step)

    def order(self) -> tuple[Pair, ...]:
        """The pairs in the order of their training; the same seeds in both cells, the cheaper one a seed ahead.

        So the first look, after three pairs, has two pairs of the cheap cell and one of the other.

        >>> cells = tuple(PairCell(params=1e4, flops=flops) for flops in (1e11, 4e11))
        >>> [(pair.cell, pair.seed) for pair in PairDesign(cells=cells, seed=0, most=5, level=0.9).order()]
        [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1)]
        """
        if len(self.cells) == 1:
            return tuple(Pair(cell=0, seed=self.seed + number) for number in range(self.most))
        pairs = [Pair(cell=0, seed=self.seed)]
        number = 1
        while len(pairs) < self.most:
            pairs += [Pair(cell=0, seed=self.seed + number), Pair(cell=1, seed=self.seed + number - 1)]
            number += 1
        return tuple(pairs[: self.most])


def cells_of_study(folder: StudyFolder, a: SmallRecipe, b: SmallRecipe) -> tuple[PairCell, ...]:
    """The cheapest budget of the sweep that has FEWEST_SIZES sizes, and the one nearest to SCALE times as large; each
    at its best size.

    Where `b` builds no shape within ONE_SIZE of it, it is a size of the budget within a factor of NEAR at which the two
    shapes differ least.
    """
    by_budget = Design.load(folder.sweep).by_budget()
    several = {flops: specs for flops, specs in by_budget.items() if _sizes(specs) >= FEWEST_SIZES} or by_budget
    budgets = list(several)
    larger = min(budgets, key=lambda flops: abs(math.log(flops / budgets[0] / SCALE)))
    cells = []
    for flops in dict.fromkeys((budgets[0], larger)):
        specs = several[flops]
        sizes = [float(spec.architecture.params().non_embedding) for spec in specs]
        params = _alike(a, b, _best_size(sizes, [_loss(folder, spec) for spec in specs]), sizes)
        cells.append(PairCell(params=params, flops=flops))
    return tuple(cells)


def _sizes(specs: Sequence[RunSpec]) -> int:
    """How many sizes there are."""
    return len({spec.architecture.params().non_embedding for spec in specs})


def _best_size(sizes: Sequence[float], losses: Sequence[float | None]) -> float:
    """The one of `sizes` nearest to the vertex of a parabola of ln loss in ln N; the middle one where there is none.

    Not the size of the least loss: that run had luck too, and it is one of side A's.

    >>> _best_size([1e3, 2e3, 4e3, 8e3], [2.2, 2.01, 2.0, 2.15])
    4000.0
    """
    middle = sizes[len(sizes) // 2]
    ended = [(math.log(size), math.log(loss)) for size, loss in zip(sizes, losses, strict=True) if loss is not None]
    if len(ended) < 3:
        return middle
    centre = ended[len(ended) // 2][0]
    bend, slope, _ = np.polyfit([x - centre for x, _ in ended], [y for _, y in ended], 2)
    if bend <= 0:
        return middle
    vertex = centre - slope / (2 * bend)
    return min(sizes, key=lambda size: abs(math.log(size) - vertex))


def _alike(a: SmallRecipe, b: SmallRecipe, wanted: float, sizes: Sequence[float]) -> float:
    """`wanted`, or the one of `sizes` near to it at which the shapes of both recipes differ least in size."""

    def apart(params: float) -> float:
        built = [recipe.architecture(params).params().non_embedding for recipe in (a, b)]
        return abs(math.log(built[0] / built[1]))

    if apart(wanted) <= math.log(ONE_SIZE):
        return wanted
    near = [size for size in sizes if abs(math.log(size / wanted)) <= math.log(NEAR)]
    return min([wanted, *near], key=lambda size: (round(apart(size), 3), abs(math.log(size / wanted))))


def _loss(folder: StudyFolder, spec: RunSpec) -> float | None:
    run = RunFolder(folder.runs / spec.run_id)
    result = run.read_result(spec) if run.spec.exists() else None
    return None if result is None else result.val_loss_nats


def cells_of_budget(a: SmallRecipe, b: SmallRecipe, flops: float) -> tuple[PairCell, ...]:
    """Cells without a sweep: at `flops` and SCALE times that, of the size where a sweep would look first, or near it
    where both recipes build shapes of about one size.
    """
    cells = []
    for budget in (flops, SCALE * flops):
        guess = first_guess(a, budget)
        sizes = [a.architecture(guess * NEAR ** (step / 16)).params().non_embedding for step in range(-16, 17)]
        params = _alike(a, b, float(a.architecture(guess).params().non_embedding), [float(size) for size in sizes])
        cells.append(PairCell(params=params, flops=budget))
    return tuple(cells)
