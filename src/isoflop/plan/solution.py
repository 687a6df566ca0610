"""The solution of a problem for a budget, within what may be served."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.errors import InputError, Notice
from isoflop.plan.law_source import LawSource
from isoflop.plan.own_tables import with_own_tables
from isoflop.plan.serving import ServingLimit
from isoflop.plan.solver.problem import Problem
from isoflop.recipe import TrainingRecipe


@dataclass(frozen=True, kw_only=True)
class Solution:
    """N and D of a problem under one law."""

    problem: Problem
    """With the size limit, where the best size cannot be served."""
    params: float
    tokens: float
    flops: float
    """Training FLOPs, in the law's convention."""
    spend: float
    """Training FLOPs, and those of serving where inference is asked for."""
    source: LawSource
    """With the cost of the shape's own tables, where it would be mostly tables."""
    recipe: TrainingRecipe | None
    """Counts N as the law does, where the shape would be mostly tables."""
    notices: tuple[Notice, ...] = ()
    """`size_limited`, where what may be served decides the size."""

    @classmethod
    def of(
        cls,
        source: LawSource,
        problem: Problem,
        flops: float,
        recipe: TrainingRecipe | None = None,
        notices: tuple[Notice, ...] = (),
    ) -> Solution:
        """The choice for `flops` training FLOPs of a `source` whose law is that of this budget."""
        N, D = (float(value) for value in problem.choose(source.law, flops, source.cost))
        return cls(
            problem=problem,
            params=N,
            tokens=D,
            flops=float(source.cost.training_flops(N, D)),
            spend=float(problem.spend(N, D, source.cost)),
            source=source,
            recipe=recipe,
            notices=notices,
        )


def solve(
    source: LawSource,
    problem: Problem,
    flops: float,
    serving: ServingLimit | None,
    recipe: TrainingRecipe | None,
) -> Solution:
    """The solution for `flops` training FLOPs of a `source` whose law is that of this budget.

    Raises RefusedError where the law cannot answer or no such model can be served, InputError for a limit of what is
    served without a recipe, which gives no shapes.
    """
    source, recipe = with_own_tables(source, problem, flops, recipe)
    free = Solution.of(source, problem, flops, recipe)
    if serving is None:
        return free
    if recipe is None:
        raise InputError("serving: a limit of what is served needs a recipe that gives shapes")
    limited, why = serving.limited(problem, free.params, recipe, source.law.provenance.params_convention)
    return free if limited is problem else Solution.of(source, limited, flops, recipe, tuple(why))
