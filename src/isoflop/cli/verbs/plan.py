"""`isoflop plan`: how many parameters and tokens a compute budget is best spent on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from isoflop.cli.options.common import QUANTITY, json_option, law_options, read_law
from isoflop.cli.options.plan_file import WantedFile, file_options
from isoflop.cli.options.serving import SERVING_OPTIONS, read_serving, serving_options
from isoflop.cli.options.shape import SHAPE_OPTIONS, own_recipe_left, read_recipe, read_study, shape_options, taken
from isoflop.cli.output.plan import print_plan
from isoflop.cli.output.tables import print_json, print_notices
from isoflop.errors import InputError
from isoflop.plan import (
    FixedParams,
    FixedRatio,
    FixedTokens,
    Fleet,
    InferenceDemand,
    LawSource,
    LimitedData,
    Objective,
    ServingLimit,
    TrainingOnly,
    flops_for_loss,
    flops_of_run,
    flops_on_fleet,
    make_plan,
)
from isoflop.recipe import TrainingRecipe


@click.command()
@law_options
@click.option("--flops", type=QUANTITY, help="Training compute, in the law's convention (6 N D for published laws).")
@click.option("--loss", type=QUANTITY, help="Wanted loss, in the law's unit: the least compute that reaches it.")
@click.option("--params", type=QUANTITY, help="Fixed size: what the budget makes of it; with --tokens, that run.")
@click.option("--tokens", type=QUANTITY, help="Fixed training tokens: the largest model that the budget allows.")
@click.option("--tokens-per-param", type=QUANTITY, help="Fixed ratio, such as 20: a rule of thumb instead of a law.")
@click.option("--inference-tokens", type=QUANTITY, help="Tokens the model will serve in its life: smaller, longer.")
@click.option("--unique-tokens", type=QUANTITY, help="Different tokens there are: read them again where that pays.")
@click.option("--gpus", metavar="COUNTxDEVICE", help="Devices, such as 512xH100; with --days or --price the budget.")
@click.option("--days", "--deadline", "days", type=QUANTITY, help="How long the devices can be had.")
@click.option("--price", type=QUANTITY, help="What the devices may cost in all.")
@click.option(
    "--utilization", metavar="SHARE", help="Model FLOPs over peak: 0.4, or 0.35-0.45. Default: what large runs reached."
)
@click.option("--price-per-hour", type=QUANTITY, help="Of one device, in any currency. Default: a dated rate, in USD.")
@shape_options
@serving_options
@click.option("--level", type=float, default=0.9, show_default=True, help="Probability of the intervals.")
@file_options
@json_option
def command(
    law: str | None,
    fit: Path | None,
    approach: str | None,
    level: float,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Plan how many parameters and tokens a compute budget is best spent on.

    The budget is --flops, or --gpus with --days or --price, or whatever reaches --loss, or the run of --params and
    --tokens. Days and price beside another budget are limits, and a plan that breaks them says so.
    """
    shape, served = taken(wishes, SHAPE_OPTIONS), taken(wishes, SERVING_OPTIONS)
    wanted = WantedFile.read(wishes, as_json)
    fleet, objective = _fleet(wishes), _objective(wishes)
    source = read_law(law, fit, approach)
    study = read_study(fit, shape)
    recipe, serving = read_recipe(source, study, shape), read_serving(served, wishes["gpus"])
    most = None
    if serving is not None:
        most = serving.largest(recipe).params().by_convention(source.law.provenance.params_convention)
    plan = make_plan(
        source,
        _budget(source, objective, wishes, most, partial(_of_fleet, source, objective, fleet, recipe, serving)),
        level=level,
        recipe=recipe,
        serving=serving,
        objective=objective,
        fleet=fleet,
    )
    print_notices((*plan.notices, *own_recipe_left(fit, shape)))
    if wanted.write(plan, source, study):
        return
    if as_json:
        print_json(plan.as_json())
    else:
        print_plan(plan)


def _given(wishes: dict[str, Any], *names: str) -> list[str]:
    return [name for name in names if wishes[name] is not None]


def _options(names: list[str]) -> str:
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


def _fleet(wishes: dict[str, Any]) -> Fleet | None:
    about = {name: wishes[name] for name in ("days", "utilization", "price_per_hour")}
    if wishes["gpus"] is not None:
        return Fleet.parse(wishes["gpus"], **about, money=wishes["price"])
    if alone := _given(wishes, *about, "price"):
        raise InputError(f"plan: {_options(alone)} go with --gpus; give that too, such as --gpus 512xH100")
    return None


def _objective(wishes: dict[str, Any]) -> Objective:
    fixed = _given(wishes, "params", "tokens", "tokens_per_param")
    other = _given(wishes, "inference_tokens", "unique_tokens")
    if len(other) > 1 or (fixed and other):
        raise InputError(f"plan: {_options(other + fixed)} are different objectives; give one of them")
    if len(fixed) == 3:
        raise InputError(f"plan: {_options(fixed)}: two of them decide the third")
    if len(fixed) == 2 and (budget := _given(wishes, "flops", "loss")):
        raise InputError(f"plan: {_options(fixed)} are a whole run, and {_options(budget)} another wish; leave one out")
    if wishes["inference_tokens"] is not None:
        return InferenceDemand(tokens=wishes["inference_tokens"])
    if wishes["unique_tokens"] is not None:
        return LimitedData(unique_tokens=wishes["unique_tokens"])
    if wishes["params"] is not None:
        return FixedParams(params=wishes["params"])
    if wishes["tokens"] is not None:
        return FixedTokens(tokens=wishes["tokens"])
    if wishes["tokens_per_param"] is not None:
        return FixedRatio(tokens_per_param=wishes["tokens_per_param"])
    return TrainingOnly()


def _budget(
    source: LawSource,
    objective: Objective,
    wishes: dict[str, Any],
    most_params: float | None,
    of_fleet: Callable[[], float],
) -> float:
    """Training FLOPs of the wishes, with a model of `most_params` at the most, or those of the devices.

    Raises InputError where they name no budget, or two.
    """
    params, tokens, ratio = wishes["params"], wishes["tokens"], wishes["tokens_per_param"]
    if wishes["flops"] is not None and wishes["loss"] is not None:
        raise InputError("plan: --flops and --loss are two budgets; give one of them")
    if wishes["flops"] is not None:
        return float(wishes["flops"])
    if wishes["loss"] is not None:
        return flops_for_loss(source, wishes["loss"], objective, most_params=most_params)
    if params is not None and tokens is not None:
        return flops_of_run(source, params, tokens)
    if ratio is not None and (params is not None or tokens is not None):
        return flops_of_run(source, params or tokens / ratio, tokens or params * ratio)
    return of_fleet()


def _of_fleet(
    source: LawSource, objective: Objective, fleet: Fleet | None, recipe: TrainingRecipe, serving: ServingLimit | None
) -> float:
    """Training FLOPs, in the law's convention, that the devices do. Raises InputError without devices or an end."""
    if fleet is None:
        raise InputError("plan: expected a budget: --flops 5.76e23, --loss 2.0, or --gpus 512xH100 --days 30")
    return flops_on_fleet(source, fleet, recipe, objective=objective, serving=serving)
