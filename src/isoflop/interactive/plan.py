"""`isoflop.plan(budget)`: the run to train, for a budget as people write it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from isoflop.errors import InputError, Notice
from isoflop.fit import LEVEL, FitReport
from isoflop.laws.published import DEFAULT_LAW
from isoflop.plan import (
    Cluster,
    LawSource,
    Objectives,
    Plan,
    Problem,
    Question,
    ServingLimit,
    fitted_source,
    flops_on_cluster,
    flops_within,
    make_plan,
)
from isoflop.plan.buildable import recipe_for
from isoflop.plan.law_source import AnyLaw
from isoflop.plan.stated_budget import StatedBudget, default_devices
from isoflop.recipe import TrainingRecipe
from isoflop.units import Quantity, parse_quantity

Recipe: TypeAlias = TrainingRecipe | Literal["large"] | None
"""As `make_plan` takes it."""


def plan(
    budget: Quantity | None = None,
    law: AnyLaw | None = None,
    *,
    approach: str | None = None,
    level: float = LEVEL,
    loss: Quantity | None = None,
    objective: Objectives | None = None,
    recipe: Recipe = "large",
    cluster: Cluster | str | None = None,
    serving: ServingLimit | None = None,
) -> Plan:
    """The best size and number of tokens for a budget, the loss to expect, how sure both are, and the cost.

    `budget` is training FLOPs (1e21 or "1e21"), money ("$2M") or devices and a time ("512xH100 30d"); in its place
    `loss` asks for the least compute that reaches it, and a `cluster` with days or a price for what it does in them.
    `law` is a fit, a law, or the name of a published one; without it DEFAULT_LAW, and a notice says so. `approach` is
    one of a fit's. The rest is as in `make_plan`, which takes FLOPs alone. Days and price of a `cluster` limit a budget
    or a loss, and `limits` of the plan say what that costs.

    Raises InputError for no budget, for two, and for one that cannot be read, RefusedError where the law cannot answer.

    >>> import isoflop
    >>> print(f"{isoflop.plan('1e21').params:.3g} parameters")
    2.78e+09 parameters
    """
    source, assumed = _source(law, approach)
    stated = StatedBudget() if budget is None else StatedBudget.parse(budget)
    devices, more = _devices(cluster, stated)
    if budget is not None and loss is not None:
        raise InputError("plan: a budget and a loss are two budgets; give one of them")
    question = Question(
        source=source,
        problem=Problem.of(objective),
        flops=stated.flops or 0.0,
        serving=serving,
        recipe=recipe_for(recipe, source),
    )
    if loss is not None or stated.flops is not None:
        wanted = None if loss is None else parse_quantity(loss, "loss")
        paid = flops_within(question, devices, loss=wanted)
    elif devices is not None:
        paid = flops_on_cluster(question, devices)
    else:
        raise InputError(
            "plan: expected a budget: 1e21, '$2M', '512xH100 30d', a loss, or a cluster with days or a price"
        )
    made = make_plan(
        source, paid.flops, level=level, objective=question.problem, recipe=recipe, cluster=devices, serving=serving
    )
    return replace(made, notices=(*assumed, *more, *paid.notices, *made.notices), limits=(*made.limits, *paid.limits))


def _source(law: AnyLaw | None, approach: str | None) -> tuple[LawSource, tuple[Notice, ...]]:
    """(the law to plan with, the notice that none was named)."""
    if approach is not None:
        if not isinstance(law, FitReport):
            raise InputError("approach: needs a fit; a published law belongs to one approach")
        return fitted_source(law, approach), ()
    if law is not None:
        return LawSource.of(law), ()
    message = f"no law and no fit: answered by {DEFAULT_LAW}; published_names() lists others"
    return LawSource.of(DEFAULT_LAW), (Notice(code="default_law", message=message),)


def _devices(cluster: Cluster | str | None, stated: StatedBudget) -> tuple[Cluster | None, tuple[Notice, ...]]:
    """(the devices of a request, notices of what was assumed)."""
    if isinstance(cluster, Cluster):
        if stated.flops is None and (stated.gpus or stated.price):
            raise InputError("plan: the budget and the cluster both state devices or a price; give one of them")
        return cluster, ()
    gpus, notices = stated.gpus or cluster, ()
    if stated.gpus and cluster:
        raise InputError(f"plan: the budget states {stated.gpus}, and the cluster {cluster}; give one of them")
    more: tuple[Notice, ...] = notices
    if stated.price is not None and gpus is None:
        gpus, more = default_devices(stated.price)
    return (None if gpus is None else Cluster.parse(gpus, days=stated.days, max_price=stated.price)), more
