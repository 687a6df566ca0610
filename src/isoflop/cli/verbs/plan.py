"""`isoflop plan`: how many parameters and tokens a compute budget is best spent on."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.law import law_options, level_option, read_law
from isoflop.cli.options.plan import PlanRequest, request_options
from isoflop.cli.options.plan_file import PlanFile, file_options
from isoflop.cli.options.serving import ServingOptions, read_serving, serving_options
from isoflop.cli.options.shape import ShapeOptions, read_recipe, read_study, replaced_recipe, shape_options
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.plan import print_plan
from isoflop.cli.output.tables import print_json, print_notices
from isoflop.codec import to_json
from isoflop.codes import grade_of
from isoflop.errors import InputError, Notice
from isoflop.plan import LawSource, Objective, ServingLimit, budget_on_cluster, flops_for_loss, flops_of_run, make_plan
from isoflop.recipe import TrainingRecipe


@verb(
    "isoflop plan 1e21",
    "isoflop plan '$2M' --inference-tokens 1T",
    "isoflop plan --fit fit.json --gpus 512xH100 --days 30",
)
@click.argument("budget", nargs=-1)
@law_options
@request_options
@shape_options
@serving_options
@level_option
@file_options
@json_option
def command(
    budget: tuple[str, ...],
    law: str | None,
    fit: Path | None,
    approach: str | None,
    level: float,
    out: Path | None,
    engine: str | None,
    as_json: bool,
    **options: object,
) -> None:
    """Find the best model size and number of tokens for a compute budget.

    BUDGET is training FLOPs (1e21), a sum of money ('$2M'), or devices and a duration ('512xH100 30d'). Options can
    state it too: --flops, or --gpus with --days or --price, or the compute that reaches --loss, or that of the run of
    --params and --tokens. With another budget, --days and --price are limits, and a plan that exceeds them says so.
    """
    shape, request = picked(ShapeOptions, options), picked(PlanRequest, options).with_budget(" ".join(budget) or None)
    request, assumed = request.with_devices()
    file = PlanFile.read(out=out, engine=engine, as_json=as_json)
    cluster, objective = request.cluster(), request.objective()
    source = read_law(law, fit, approach)
    study = read_study(fit, shape)
    recipe, serving = read_recipe(source, study, shape), read_serving(picked(ServingOptions, options), request.gpus)
    flops, left = _budget(source, objective, request, recipe, serving, level)
    plan = make_plan(
        source,
        flops,
        level=level,
        recipe=recipe,
        serving=serving,
        objective=objective,
        cluster=cluster,
    )
    notices = (*assumed, *left, *plan.notices, *replaced_recipe(fit, shape))
    grade = grade_of(notice.code for notice in notices)
    if not file.write(plan, source, study):
        if as_json:
            print_json({**plan.as_json(), "grade": to_json(grade)})
        else:
            print_plan(plan, grade)
    print_notices(notices)


def _budget(
    source: LawSource,
    objective: Objective,
    request: PlanRequest,
    recipe: TrainingRecipe,
    serving: ServingLimit | None,
    level: float,
) -> tuple[float, tuple[Notice, ...]]:
    """Returns the training FLOPs of the budget, in the law's convention, and what its plan leaves of days or money.

    Raises InputError for no budget, and for two.
    """
    flops = _stated_flops(source, objective, request, recipe, serving)
    if flops is not None:
        return flops, ()
    cluster = request.cluster()
    if cluster is None:
        raise InputError("plan: expected a budget: 5.76e23, '$2M', --loss 2.0, or --gpus 512xH100 --days 30")
    paid = budget_on_cluster(source, cluster, recipe, objective=objective, serving=serving, level=level)
    return paid.flops, paid.notices


def _stated_flops(
    source: LawSource,
    objective: Objective,
    request: PlanRequest,
    recipe: TrainingRecipe,
    serving: ServingLimit | None,
) -> float | None:
    """Returns the training FLOPs of --flops, --loss or a whole run; None where the budget is that of devices."""
    params, tokens, ratio = request.params, request.tokens, request.tokens_per_param
    if request.flops is not None and request.loss is not None:
        raise InputError("plan: --flops and --loss are two budgets; use one of them")
    if request.flops is not None:
        return request.flops
    if request.loss is not None:
        convention = source.law.provenance.params_convention
        most = None if serving is None else serving.largest(recipe).params().by_convention(convention)
        return flops_for_loss(source, request.loss, objective, most_params=most)
    if params is not None and tokens is not None:
        return flops_of_run(source, params, tokens)
    if ratio is not None and params is not None:
        return flops_of_run(source, params, params * ratio)
    if ratio is not None and tokens is not None:
        return flops_of_run(source, tokens / ratio, tokens)
    return None
