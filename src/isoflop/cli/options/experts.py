"""Options of a plan of a mixture of experts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import cloup
from cloup import option_group

from isoflop.arch import MOST_OF_A_SHAPE
from isoflop.cli.options.plan import PlanRequest
from isoflop.cli.options.shape import ShapeOptions
from isoflop.cli.options.types import QUANTITY, WholeNumber
from isoflop.cli.options.verb import flags
from isoflop.errors import InputError
from isoflop.large_recipe import LargeRecipe
from isoflop.laws.hyperparameters import hyperparameter_law
from isoflop.plan.expert_plan import ExpertPlan, expert_budget, plan_experts
from isoflop.plan.expert_request import ExpertRequest

F = TypeVar("F", bound=Callable[..., object])

_COUNT = WholeNumber(1, MOST_OF_A_SHAPE)
# What the law of experts answers: everything else of a plan is another question.
_BUDGET = ("flops", "gpus", "days", "price", "utilization", "price_per_hour")


def expert_options(function: F) -> F:
    """Adds the options of `ExpertRequest`."""
    return option_group(
        "Mixture of experts",
        cloup.option("--experts", type=_COUNT, help="Routed experts of a layer; needs --active."),
        cloup.option("--active", type=_COUNT, help="Routed experts that a token uses. [8 with --sparsity]"),
        cloup.option(
            "--shared",
            type=WholeNumber(0, MOST_OF_A_SHAPE),
            help="Experts that every token uses besides. [0 with --experts, else 1]",
        ),
        cloup.option("--sparsity", type=QUANTITY, help="Routed experts over those that a token uses, such as 48."),
        cloup.option("--activation-ratio", type=QUANTITY, help="Experts used over all of them, such as 0.031."),
        cloup.option(
            "--granularity",
            type=QUANTITY,
            help="2 x the width of the model over that of an expert. [experts of a token as wide as a dense layer]",
        ),
    )(function)


def plan_of_experts(
    experts: ExpertRequest, request: PlanRequest, shape: ShapeOptions, others: Mapping[str, object]
) -> ExpertPlan:
    """Returns the plan of a mixture of experts.

    Raises InputError for options that its law does not know, among them those `others` that are set, and without a
    budget.
    """
    unknown = [name for name, value in vars(request).items() if value is not None and name not in _BUDGET]
    unknown += [name for name, value in others.items() if value is not None]
    if unknown:
        raise InputError(
            f"plan: {flags(unknown)} cannot be combined with experts: their law says size, tokens and leverage of a "
            "compute budget, and no loss"
        )
    family = shape.family or "moe"
    if family != "moe":
        raise InputError(f"--family: expected moe for a model with experts, got {family}")
    recipe = LargeRecipe(
        family=family,
        vocab_size=shape.vocab or LargeRecipe.vocab_size,
        seq_len=shape.seq_len or LargeRecipe.seq_len,
        without=shape.without,
        given_batch=shape.batch_tokens,
        rates=hyperparameter_law(shape.rates) if shape.rates else LargeRecipe.rates,
    )
    mixture, cluster = experts.mixture(), request.cluster()
    flops = request.flops
    if flops is None:
        if cluster is None:
            raise InputError("plan: expected a budget: 1e22, '$2M', or --gpus 512xH100 --days 30")
        flops = expert_budget(mixture, recipe, cluster)
    return plan_experts(flops, mixture, recipe, cluster)
