"""The compute budget of a request: the least that reaches a loss, or that of a run of known size and length."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError, RefusedError
from isoflop.fit import LEVEL
from isoflop.laws.bisection import bracket
from isoflop.plan.allocation import point_loss
from isoflop.plan.buildable import recipe_for
from isoflop.plan.law_source import AnyLaw, LawSource
from isoflop.plan.objectives import Objectives
from isoflop.plan.serving import ServingLimit
from isoflop.plan.solution import Solution, solve
from isoflop.plan.solver.problem import Problem
from isoflop.recipe import TrainingRecipe
from isoflop.units import Quantity, format_number, format_quantity, parse_quantity

_FURTHEST_FORECAST = 1e4  # times the rows' compute, either way
_FINEST = 1e-14  # of ln C, between which a loss is sought: the spacing of floats
# Between a handful of parameters on a handful of tokens, and a billion times all that was ever trained.
_LEAST_FLOPS, _MOST_FLOPS = 1e3, 1e36


def flops_for_loss(
    source: AnyLaw,
    loss: Quantity,
    objective: Objectives | Problem | None = None,
    *,
    serving: ServingLimit | None = None,
    recipe: TrainingRecipe | Literal["large"] | None = "large",
) -> float:
    """Least training FLOPs, in the law's convention, with which the plan for `objective` reaches `loss`.

    Where the size that it chooses cannot be served, they are those that the loss takes with the largest that can.

    Raises InputError unless `loss` is positive, RefusedError `out_of_reach` where no compute suffices, and as the plan
    is for a law without a loss.

    >>> from isoflop.laws import published_law
    >>> f"{flops_for_loss(published_law('besiroglu2024'), 1.973881863):.4e}"
    '5.8763e+23'
    """
    source, problem = LawSource.of(source), Problem.of(objective)
    loss = parse_quantity(loss, "loss")
    flops = _least_flops(source, loss, problem)
    built = recipe_for(recipe, source)
    moved, _ = source.for_budget(flops, LEVEL)
    found = solve(moved, problem, flops, serving, built)
    if found.source is not moved:  # the tables of the shape change what a token costs, and with it the budget
        source = replace(source, cost=found.source.cost)
        flops = _least_flops(source, loss, problem)
        found = solve(replace(moved, cost=source.cost), problem, flops, serving, found.recipe)
    return flops if found.problem is problem else _least_flops(source, loss, found.problem)


def _least_flops(source: LawSource, loss: float, problem: Problem) -> float:
    """Least training FLOPs with which the choice of `problem` reaches `loss`."""
    law, cost = source.law, source.cost

    def by_law(log_flops: float | Array) -> Array:
        """Loss of the choice at exp(`log_flops`) by the law alone."""
        flops = np.exp(np.asarray(log_flops, dtype=np.float64))
        if problem.for_life:  # which keeps the loss of the optimum
            return problem.least_loss(law, flops, cost)
        return np.asarray(problem.loss(law, *problem.choose(law, flops, cost)))

    def by_forecast(log_flops: float | Array) -> Array:
        losses = [_forecast(source, problem, math.exp(each)) for each in np.atleast_1d(log_flops)]
        return np.reshape(losses, np.shape(log_flops))

    loss_at = by_law
    low, high = math.log(_LEAST_FLOPS), math.log(_MOST_FLOPS)
    reach = law.provenance.domain.get("flops")
    if source.forecaster is not None and reach is not None:
        # The plan will take size and loss from the forecaster, which beyond the runs differs from the law's frontier.
        low, high = math.log(reach[0] / _FURTHEST_FORECAST), math.log(reach[1] * _FURTHEST_FORECAST)
        loss_at = by_forecast
    if (least_loss := float(np.min(loss_at(high)))) > loss:
        raise RefusedError("out_of_reach", _out_of_reach(source, loss, problem, least_loss))
    if float(np.min(loss_at(low))) <= loss:
        raise InputError(
            f"loss: {format_number(loss, 6)} takes no training under {law.provenance.name}; expected a lower one"
        )
    # A law answers a grid of budgets at the cost of one, a forecaster takes a forecast for each.
    parts = 32 if source.forecaster is None else 2
    _, enough = bracket(lambda log_flops: loss_at(log_flops) > loss, low, high, tolerance=_FINEST, parts=parts)
    return math.exp(enough)


def planned_loss(source: LawSource, problem: Problem, flops: float) -> float:
    """Loss that a plan for `flops` expects. Raises RefusedError where the law cannot answer."""
    moved, _ = source.for_budget(flops, LEVEL)
    chosen = Solution.of(moved, problem, flops)
    return point_loss(moved, problem, chosen.params, chosen.tokens)


def _forecast(source: LawSource, problem: Problem, flops: float) -> float:
    """The planned loss; below any that is wanted where the model allowed is too small to keep that of the optimum."""
    try:
        return planned_loss(source, problem, flops)
    except RefusedError as error:
        if error.code != "too_small":
            raise
        return -math.inf


def _out_of_reach(source: LawSource, loss: float, problem: Problem, least_loss: float) -> str:
    """Why no compute reaches `loss`: the limits that it contradicts, each alone where one alone does."""
    most, unique = problem.most_params, problem.unique_tokens
    limits = [
        *([f"at most {format_quantity(most)} parameters"] if math.isfinite(most) else []),
        *([f"{format_quantity(problem.params)} parameters"] if problem.params is not None else []),
        *([f"{format_quantity(problem.tokens)} tokens"] if problem.tokens is not None else []),
        *([f"{format_quantity(unique)} different tokens"] if problem.repeats_tokens else []),
    ]
    name, wanted = source.law.provenance.name, format_number(loss, 6)
    limited = f" with {' and '.join(limits)}" if limits else ""
    contradict = f": {wanted} and {' and '.join(limits)} contradict each other" if limits else ""
    return f"no compute reaches a loss of {wanted} under {name}{limited}: it goes down to {least_loss:.4f}{contradict}"


def flops_of_run(source: AnyLaw, params: Quantity, tokens: Quantity) -> float:
    """Training FLOPs of `params` parameters on `tokens` tokens, in the law's convention: 6 N D for published laws.

    Raises InputError unless both are positive.

    >>> from isoflop.laws import published_law
    >>> f"{flops_of_run(published_law('besiroglu2024'), 70e9, 1.4e12):.3g}"
    '5.88e+23'
    """
    params, tokens = parse_quantity(params, "params"), parse_quantity(tokens, "tokens")
    return float(LawSource.of(source).cost.training_flops(params, tokens))
