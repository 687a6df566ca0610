"""What a plan says of its own choice: training beyond the budget for inference, and text that is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.errors import Notice
from isoflop.laws import ComputeCost
from isoflop.laws.repeated import FREE_EPOCHS
from isoflop.units import format_number, percent

if TYPE_CHECKING:
    from isoflop.plan.solver.problem import Problem

# A budget that is spent is spent up to this share.
_ROUNDING = 1e-6


def notices_of(problem: Problem, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
    """`training_above_budget` and `repeated_tokens`, of the choice of (N, D) for `flops`."""
    # less where the text is read out: a larger model then reads it less often
    above = problem.for_life and float(cost.training_flops(N, D)) > flops * (1 - _ROUNDING)
    found = [_above_budget(problem, N, D, flops, cost)] if above else []
    return [*found, *repeated_tokens(D, problem.unique_tokens, _left(problem, N, D, flops, cost))]


def repeated_tokens(D: float, unique_tokens: float, left: float = 0.0) -> list[Notice]:
    """`repeated_tokens` above one epoch: how often the text is read, and the share of the budget that is `left`."""
    epochs = D / unique_tokens
    if epochs <= 1:
        return []
    verdict = "nearly as good as fresh text" if epochs <= FREE_EPOCHS else "each epoch adds less"
    if left > _ROUNDING:
        verdict = f"more would add nothing, so {percent(left)} of the budget is not spent: find more text"
    message = (
        f"the text is read {format_number(epochs)} times: {verdict} (decay constants of Muennighoff et "
        "al. 2023, fitted on C4)"
    )
    return [Notice(code="repeated_tokens", message=message)]


def _left(problem: Problem, N: float, D: float, flops: float, cost: ComputeCost) -> float:
    """Share of the budget that is left since the text is read out; 0 where it is not."""
    if problem.most_tokens > D:
        return 0.0
    return 1 - float(cost.training_flops(N, D)) / flops


def _above_budget(problem: Problem, N: float, D: float, flops: float, cost: ComputeCost) -> Notice:
    """`training_above_budget`: training takes more than at the best size, for fewer FLOPs per token served."""
    spent = float(cost.training_flops(N, D))
    message = (
        f"training takes {format_number(spent / flops)} times the {format_number(flops)} FLOPs that reach this loss at "
        "the best size for training alone, since a smaller model costs less to serve; with inference the total is "
        f"{format_number(spent + float(cost.training_flops(N, problem.inference_tokens)) / 3)}"
    )
    return Notice(code="training_above_budget", message=message)
