"""The compute budget that devices pay for in their days and for their price: what its own plan is then billed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from isoflop.errors import Notice
from isoflop.fit import LEVEL
from isoflop.plan.buildable import recipe_for
from isoflop.plan.cluster import HOURS_PER_DAY, Cluster
from isoflop.plan.law_source import AnyLaw, LawSource
from isoflop.plan.objectives import Objectives
from isoflop.plan.on_cluster import ClusterClock, TimedRun
from isoflop.plan.serving import ServingLimit
from isoflop.plan.solver.problem import Problem
from isoflop.recipe import TrainingRecipe
from isoflop.units import format_number, percent

LEAST_LEFT = 0.005
"""Share of the days or the money from which on a plan says that it leaves it: less is lost in printing."""
_STRIDE = 1.02  # beyond the end by proportion, so that the end comes to lie between two budgets
_MOST_STRIDES = 60
_FINEST = 1e-13  # of the budget


@dataclass(frozen=True, kw_only=True)
class ClusterBudget:
    """What devices do in their days and for their price."""

    flops: float
    """Training FLOPs, in the law's convention."""
    hours: float
    """Hours that the plan of these FLOPs takes."""
    limit_hours: float
    """Hours that the days and the price allow."""
    notices: tuple[Notice, ...] = ()
    """`budget_left`, with what does not fit into the rest, where the plan leaves more than LEAST_LEFT."""


def budget_on_cluster(
    source: AnyLaw,
    cluster: Cluster,
    recipe: TrainingRecipe | Literal["large"] | None = "large",
    *,
    objective: Objectives | Problem | None = None,
    serving: ServingLimit | None = None,
    level: float = LEVEL,
) -> ClusterBudget:
    """The training FLOPs whose plan takes the days and the price of `cluster`, whichever is scarcer.

    The arguments are those of `make_plan`, and its bill is what fills the budget: the steps of the plan's layout, or
    the utilization where it is given or no layout is known. Shapes, batches and layouts come in steps, so the bill of a
    plan within the limit may end below it; the notices then say what does not fit. Raises InputError for a cluster
    without days and price, RefusedError where the law cannot answer.

    >>> from isoflop.laws import published_law
    >>> cluster = Cluster.parse("512xH100", days=30)
    >>> budget = budget_on_cluster(published_law("besiroglu2024"), cluster)
    >>> round(budget.hours / 24, 3)
    30.0
    """
    law_source, limit = LawSource.of(source), cluster.limit_hours()
    clock = ClusterClock(
        source=law_source,
        cluster=cluster,
        recipe=recipe_for(recipe, law_source),
        problem=Problem.of(objective),
        serving=serving,
        level=level,
    )
    start = cluster.hardware.flops_in(limit, count=cluster.count, utilization=cluster.utilization.expected)
    low, high = _around(lambda flops: clock.run(flops).hours, limit, start)
    within, beyond = clock.run(low), clock.run(high)
    left = None if within.hours >= (1 - LEAST_LEFT) * limit else _left(cluster, limit, within, beyond)
    return ClusterBudget(flops=low, hours=within.hours, limit_hours=limit, notices=() if left is None else (left,))


def _around(hours: Callable[[float], float], limit: float, start: float) -> tuple[float, float]:
    """Training FLOPs of (at most, more than) `limit` hours, a relative 1e-13 apart, sought from `start`.

    Hours are nearly proportional to FLOPs; where a larger shape, another batch or another layout begins, they jump.
    """
    low, high, flops = 0.0, math.inf, start
    for _ in range(_MOST_STRIDES):
        taken = hours(flops)
        if taken <= limit:
            low, flops = flops, flops * limit / taken * _STRIDE
        else:
            high, flops = flops, flops * limit / taken / _STRIDE
        if low > 0 and high < math.inf:
            break
    while high / low > 1 + _FINEST:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if hours(middle) <= limit else (low, middle)
    return low, high


def _left(cluster: Cluster, limit: float, within: TimedRun, beyond: TimedRun) -> Notice:
    """What the plan leaves of the days or of the money, and what would take more than there is."""
    share = f"{percent(1 - within.hours / limit)}"
    if cluster.days is not None and limit == cluster.days * HOURS_PER_DAY:
        whole, longer = (f"{format_number(hours / HOURS_PER_DAY)} days" for hours in (limit, beyond.hours))
        message = f"the plan leaves {share} of the {whole}: {within.change(beyond)} takes {longer}"
    else:
        whole, more = (cluster.money(hours) for hours in (limit, beyond.hours))
        message = f"the plan leaves {share} of the {whole}: {within.change(beyond)} costs {more}"
    return Notice(code="budget_left", message=message)
