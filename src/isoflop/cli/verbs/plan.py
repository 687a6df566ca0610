"""`isoflop plan`: how many parameters and tokens a compute budget is best spent on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from isoflop.cli.options.experts import expert_options, plan_of_experts
from isoflop.cli.options.law import law_options, level_option, read_law
from isoflop.cli.options.plan import PlanRequest, request_options
from isoflop.cli.options.plan_file import PlanFile, file_options
from isoflop.cli.options.serving import ServingOptions, read_serving, serving_options
from isoflop.cli.options.shape import ShapeOptions, read_recipe, read_study, replaced_recipe, shape_options
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.expert_plan import print_expert_plan
from isoflop.cli.output.plan import print_plan
from isoflop.cli.output.tables import print_json, print_notices
from isoflop.codec import to_json
from isoflop.codes import grade_of
from isoflop.errors import InputError, Notice
from isoflop.plan import (
    LawSource,
    Problem,
    Question,
    ServingLimit,
    SolvedBudget,
    flops_of_run,
    flops_on_cluster,
    flops_within,
    make_plan,
)
from isoflop.plan.expert_plan import ExpertPlan
from isoflop.plan.expert_request import ExpertRequest
from isoflop.plan.solver.problem import check_readings
from isoflop.recipe import TrainingRecipe


@verb(
    "isoflop plan 1e21",
    "isoflop plan '$2M' --inference-tokens 1T",
    "isoflop plan --fit fit.json --gpus 512xH100 --days 30",
    "isoflop plan 1e22 --experts 256 --active 8 --shared 1",
)
@click.argument("budget", nargs=-1)
@law_options
@request_options
@shape_options
@expert_options
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
    --params and --tokens. Objectives and limits combine: with another budget, --days and --price are limits, and the
    plan says what limits it and what that costs.
    """
    shape, request = picked(ShapeOptions, options), picked(PlanRequest, options).with_budget(" ".join(budget) or None)
    request, assumed = request.with_devices()
    experts = picked(ExpertRequest, options)
    if experts.is_set:
        others = {"law": law, "fit": fit, "approach": approach, "out": out, "export": engine}
        others |= vars(picked(ServingOptions, options))
        _print_experts(plan_of_experts(experts, request, shape, others), assumed, as_json=as_json)
        return
    file = PlanFile.read(out=out, engine=engine, as_json=as_json)
    cluster, objectives = request.cluster(), request.objectives()
    source = read_law(law, fit, approach)
    study = read_study(fit, shape)
    recipe = read_recipe(source, study, shape)
    serving = read_serving(picked(ServingOptions, options), request.gpus, request)
    solved = _budget(source, request, recipe, serving)
    plan = make_plan(
        source,
        solved.flops,
        level=level,
        recipe=recipe,
        serving=serving,
        objective=objectives,
        cluster=cluster,
    )
    plan = replace(plan, limits=(*plan.limits, *solved.limits))
    notices = (*assumed, *solved.notices, *plan.notices, *replaced_recipe(fit, shape))
    grade = grade_of(notice.code for notice in notices)
    if not file.write(plan, source, study):
        if as_json:
            print_json({**plan.as_json(), "grade": to_json(grade)})
        else:
            print_plan(plan, grade)
    print_notices(notices)


def _print_experts(plan: ExpertPlan, assumed: tuple[Notice, ...], *, as_json: bool) -> None:
    """Prints the plan of a mixture of experts, and its notices."""
    notices = (*assumed, *plan.notices)
    grade = grade_of(notice.code for notice in notices)
    if as_json:
        print_json({**plan.as_json(), "warnings": to_json(notices), "grade": to_json(grade)})
    else:
        print_expert_plan(plan, grade)
    print_notices(notices)


def _budget(
    source: LawSource, request: PlanRequest, recipe: TrainingRecipe, serving: ServingLimit | None
) -> SolvedBudget:
    """Returns the training FLOPs of the budget, in the law's convention, what else limits them, and what is left.

    Raises InputError for no budget, and for two.
    """
    cluster, problem = request.cluster(), Problem.of(request.objectives())
    if request.flops is not None and request.loss is not None:
        raise InputError("plan: --flops and --loss are two budgets; use one of them")
    if (run := request.whole_run()) is not None:
        check_readings(run[1], problem.unique_tokens)
        return SolvedBudget(flops=flops_of_run(source, *run))
    question = Question(source=source, problem=problem, flops=request.flops or 0.0, serving=serving, recipe=recipe)
    if request.flops is not None or request.loss is not None:
        return flops_within(question, cluster, loss=request.loss)
    if cluster is None:
        raise InputError("plan: expected a budget: 5.76e23, '$2M', --loss 2.0, or --gpus 512xH100 --days 30")
    return flops_on_cluster(question, cluster)
