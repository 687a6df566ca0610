"""The run of a plan: the nearest shape that can be built, and how to train it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from isoflop.arch import Architecture, flops_per_token
from isoflop.codec import JsonObject, to_json
from isoflop.errors import InputError, Notice
from isoflop.fit import LEVEL
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import Provenance
from isoflop.plan.allocation import Allocation, expected_loss
from isoflop.plan.intervals import Interval
from isoflop.plan.law_source import LawSource
from isoflop.plan.solution import Solution
from isoflop.plan.solver.problem import Problem
from isoflop.plan.table_share import (
    counted_like_the_runs,
    head_cost,
    is_mostly_tables,
    share_message,
    solved_message,
    table_share,
)
from isoflop.recipe import TrainingRecipe
from isoflop.spec import RunSpec
from isoflop.units import format_flops, format_quantity

_LEAST_COST_APART = 0.1  # of ln FLOPs a token, below which it is within the spacing of shapes


@dataclass(frozen=True, kw_only=True)
class Buildable:
    """The nearest shape that can be built, and the run that trains it with the planned FLOPs."""

    architecture: Architecture
    params: int
    """Exact number, in the law's convention."""
    budget_tokens: float
    """Tokens that the planned FLOPs pay for at exactly this size. The law's own D, `Plan.tokens`, is for the size that
    it would choose, and `run.tokens` is a whole number of batches: the three differ in the third digit."""
    flops_per_token: float
    """Training FLOPs in the law's convention, at the run's context."""
    loss: float | None
    """Expected loss of `params` on `budget_tokens`; None without a loss surface."""
    run: RunSpec
    """How to train it, on `budget_tokens` to the nearest batch; without a corpus yet, and with seed 0."""

    @property
    def matmul_flops(self) -> float:
        """FLOPs of all matrix products of the run on `budget_tokens`: what the machine computes."""
        return flops_per_token(self.architecture, self.seq_len, "matmul") * self.budget_tokens

    @property
    def seq_len(self) -> int:
        """Context in tokens."""
        return self.run.seq_len

    def run_spec(self, corpus: str) -> RunSpec:
        """The run on the text whose digest is `corpus`."""
        return replace(self.run, corpus=corpus)

    def with_batch(self, recipe: TrainingRecipe, batch_tokens: int) -> Buildable:
        """The same with another number of tokens a step, a whole number of sequences."""
        budget = self.run.budget_flops
        run = recipe.spec(self.architecture, self.budget_tokens, budget_flops=budget, batch_tokens=batch_tokens)
        return replace(self, run=run)

    def as_json(self) -> JsonObject:
        """The fields of the architecture and the others in one object; `budget_tokens` is under `tokens`."""
        return {
            **self.architecture.as_json(),
            "params": self.params,
            "tokens": self.budget_tokens,
            "flops_per_token": self.flops_per_token,
            "loss": self.loss,
            "matmul_flops": self.matmul_flops,
            "table_share": table_share(self.architecture),
            "seq_len": self.seq_len,
        }


def recipe_for(recipe: TrainingRecipe | Literal["large"] | None, source: LawSource) -> TrainingRecipe | None:
    """`recipe`; in place of "large" the `LargeRecipe` that counts parameters as the law does."""
    if recipe == "large":
        return LargeRecipe(params_convention=source.law.provenance.params_convention)
    return recipe


def build_nearest(
    source: LawSource,
    problem: Problem,
    chosen: Allocation,
    recipe: TrainingRecipe | None,
) -> tuple[Buildable | None, list[Notice]]:
    """(the shape nearest to the chosen size, with its run; notices about it) or (None, the reason that there is none).

    No shape and no reason without a recipe. Raises InputError where the tokens do not make one batch.
    """
    if recipe is None:
        return None, []
    conventions = source.law.provenance
    try:
        arch, tokens = shape_and_tokens(conventions, problem, chosen.params, chosen.flops, recipe)
    except InputError as error:
        return None, [Notice(code="no_buildable_shape", message=str(error))]
    params = arch.params().by_convention(conventions.params_convention)
    counted, notices = _counted(arch, source, problem, recipe)
    built = Buildable(
        architecture=arch,
        params=params,
        budget_tokens=tokens,
        flops_per_token=_flops_per_token(arch, recipe, conventions),
        loss=expected_loss(source, problem, counted or params, tokens, LEVEL)[0],
        run=recipe.spec(arch, tokens, budget_flops=chosen.flops),
    )
    return built, [*recipe.notices(arch, built.budget_tokens), *_cost_notices(built, source, recipe), *notices]


def _counted(
    arch: Architecture, source: LawSource, problem: Problem, recipe: TrainingRecipe
) -> tuple[float | None, list[Notice]]:
    """(what the law counts such a model as where its own count misleads, else None; the notice that says so).

    The recipe of a study has the vocabulary of its runs, and misleads nobody.
    """
    law = source.law.provenance
    if not isinstance(recipe, LargeRecipe):
        return None, []
    if recipe.counted_vocab is not None:
        message = solved_message(arch, problem.size_limit is not None)
        return float(recipe.counted(arch, law.params_convention)), [Notice(code="tables_solved", message=message)]
    if not is_mostly_tables(arch, law):
        return None, []
    counted = counted_like_the_runs(arch, law) if source.law.has_loss else None
    return counted, [Notice(code="mostly_tables", message=share_message(arch, counted))]


def corrected_loss(
    built: Buildable | None, source: LawSource, problem: Problem, recipe: TrainingRecipe | None, level: float
) -> tuple[float, Interval | None] | None:
    """(loss, interval) of the shape counted as the law's runs were, where it is mostly tables; else None."""
    if built is None or recipe is None:
        return None
    counted, _ = _counted(built.architecture, source, problem, recipe)
    if counted is None:
        return None
    loss, interval = expected_loss(source, problem, counted, built.budget_tokens, level)
    return None if loss is None else (loss, interval)


def params_and_tokens_counted(found: Solution) -> tuple[float, float]:
    """(N, D) of the run whose loss is that of a solution: the law's own, unless a fixed size is mostly tables."""
    law, recipe = found.source.law.provenance, found.recipe
    if found.problem.params is None or recipe is None:
        return found.params, found.tokens
    try:
        arch, tokens = shape_and_tokens(law, found.problem, found.params, found.flops, recipe)
    except InputError:
        return found.params, found.tokens
    counted, _ = _counted(arch, found.source, found.problem, recipe)
    return (found.params, found.tokens) if counted is None else (counted, tokens)


def _cost_notices(built: Buildable, source: LawSource, recipe: TrainingRecipe) -> list[Notice]:
    """`shape_cost` where a token of the shape does not cost what the runs' cost, extended to its size, says.

    Far beyond the runs the extension errs: attention and the output head are much of a small model and little of a
    large one, and how their share falls depends on depth, context and vocabulary.
    """
    counted = recipe.counted(built.architecture, source.law.provenance.params_convention)
    extended = float(source.cost.flops_per_token(counted))
    if abs(math.log(built.flops_per_token / extended)) < _LEAST_COST_APART:
        return []
    tokens = built.flops_per_token * built.budget_tokens / extended
    message = (
        f"a token of the shape costs {format_flops(built.flops_per_token)} FLOPs, where the cost of the runs, extended "
        f"to its size, is {format_flops(extended)}: the budget pays for {format_quantity(built.budget_tokens)} tokens, "
        f"not for {format_quantity(tokens)}"
    )
    return [Notice(code="shape_cost", message=message)]


def shape_and_tokens(
    law: Provenance, problem: Problem, params: float, flops: float, recipe: TrainingRecipe
) -> tuple[Architecture, float]:
    """(the shape nearest to `params`, tokens that `flops` pay for with it). Raises InputError where there is none."""
    arch = problem.largest_shape or recipe.architecture(params)
    return arch, flops / _flops_per_token(arch, recipe, law)


def _flops_per_token(arch: Architecture, recipe: TrainingRecipe, law: Provenance) -> float:
    """Training FLOPs of a token in the law's convention, where 6 N is 6 times what the law calls N.

    Where the law counts another table in N than the shape has, 6 N with the shape's own head.
    """
    if isinstance(recipe, LargeRecipe) and recipe.counted_vocab is not None:
        return head_cost(arch)
    if law.flops_convention == "six_n":
        return 6.0 * recipe.counted(arch, law.params_convention)
    return flops_per_token(arch, recipe.seq_len, law.flops_convention)


def flops_over_law(arch: Architecture, recipe: TrainingRecipe, law: Provenance, convention: str) -> float:
    """Training FLOPs of a shape by `convention`, over those in the law's own: what attention adds to 6 N."""
    return flops_per_token(arch, recipe.seq_len, convention) / _flops_per_token(arch, recipe, law)


def how_to_train(spec: RunSpec) -> JsonObject:
    """The numbers of a run that a user sets: batch, rate, schedule and optimizer, as a JSON object."""
    return {
        "batch_tokens": spec.batch_tokens,
        "peak_lr": spec.peak_lr,
        "steps": spec.steps,
        "tokens": spec.tokens,
        "seq_len": spec.seq_len,
        "warmup_tokens": spec.warmup_tokens,
        "schedule": spec.schedule.kind,
        "final_fraction": spec.schedule.final_fraction,
        "optimizer": to_json(spec.optimizer),
        "z_loss": spec.z_loss,
    }
