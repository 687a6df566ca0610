"""The training FLOPs of a request: what is stated, within the days and the money of the devices.

A budget is an upper limit, so that of several the scarcest holds. A loss that is wanted is a lower limit of the budget:
where the devices do not do as much in their days, or for their price, the two contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from isoflop.errors import Notice, RefusedError
from isoflop.fit import LEVEL
from isoflop.plan.cluster import HOURS_PER_DAY, Cluster
from isoflop.plan.cluster_budget import ClusterBudget, budget_on_cluster
from isoflop.plan.limits import Limit, Question
from isoflop.plan.on_cluster import ClusterClock
from isoflop.units import format_number, format_quantity

_SLACK = 1 + 1e-6  # of the hours: from where on a plan warns of them (cluster.py)


@dataclass(frozen=True, kw_only=True)
class SolvedBudget:
    """The budget that a plan is made for."""

    flops: float
    """Training FLOPs, in the law's convention."""
    limits: tuple[Limit, ...] = ()
    """The days and the price of the devices, where they are not the budget itself."""
    notices: tuple[Notice, ...] = ()
    """What the plan leaves of days or money."""


@dataclass(frozen=True, kw_only=True)
class _Bound:
    """The days or the price of devices."""

    name: str
    value: float
    hours: float
    """That it pays for on all devices at once."""
    words: str

    def rest(self, cluster: Cluster) -> Cluster:
        """The devices without it."""
        return replace(cluster, days=None) if self.name == "days" else replace(cluster, max_price=None)

    def limit(self, *, binding: bool, price_loss: float | None) -> Limit:
        """As a limit of a plan: FLOPs it saves none, since the plan of that loss takes as many without it."""
        unit = "days" if self.name == "days" else "money"
        flops = None if price_loss is None else 0.0
        return Limit(
            name=self.name, value=self.value, unit=unit, binding=binding, price_flops=flops, price_loss=price_loss
        )


def flops_within(question: Question, cluster: Cluster | None, *, loss: float | None = None) -> SolvedBudget:
    """The FLOPs of `question`, or those of `loss`, within the days and the price of `cluster`.

    Raises RefusedError `limits_contradict` where the loss takes longer or costs more than there is, and as plans do.
    """
    if loss is not None:
        question = question.for_loss(loss)
    bounds = [] if cluster is None else _bounds(cluster)
    if cluster is None or not bounds:
        return SolvedBudget(flops=question.flops)
    hours = _clock(question, cluster).taken(question.flops)
    over = [bound for bound in bounds if hours > bound.hours * _SLACK]
    if loss is not None and over:
        raise _contradiction(question, cluster, loss, hours, min(over, key=lambda bound: bound.hours))
    if over:
        paid = _paid(question, cluster)
        return _solved(question, cluster, bounds, paid, stated=question.flops)
    free = tuple(bound.limit(binding=False, price_loss=0.0) for bound in bounds)
    return SolvedBudget(flops=question.flops, limits=free)


def flops_on_cluster(question: Question, cluster: Cluster) -> SolvedBudget:
    """The FLOPs that the days and the price of `cluster` pay for; those of `question` are not asked.

    Raises InputError without days and price.
    """
    return _solved(question, cluster, _bounds(cluster), _paid(question, cluster), stated=None)


def _solved(
    question: Question, cluster: Cluster, bounds: list[_Bound], paid: ClusterBudget, *, stated: float | None
) -> SolvedBudget:
    """The budget `paid` for, with each bound that another budget competes with: `stated`, or the other bound."""
    scarcest = min(bounds, key=lambda bound: bound.hours)
    _, loss = replace(question, flops=paid.flops).answer()
    limits = []
    for bound in bounds:
        others = [other for other in bounds if other is not bound]
        if not others and stated is None:
            continue  # it is the budget
        if bound is not scarcest:
            limits.append(bound.limit(binding=False, price_loss=0.0))
            continue
        budgets = [] if stated is None else [stated]
        budgets += [_paid(question, bound.rest(cluster)).flops] if others else []
        _, lower = replace(question, flops=min(budgets)).answer()
        price = None if loss is None or lower is None else loss - lower
        limits.append(bound.limit(binding=True, price_loss=price))
    return SolvedBudget(flops=paid.flops, limits=tuple(limits), notices=paid.notices)


def _bounds(cluster: Cluster) -> list[_Bound]:
    found = []
    if cluster.days is not None:
        words = f"{format_number(cluster.days, 6)} days on {cluster.name}"
        found.append(_Bound(name="days", value=cluster.days, hours=cluster.days * HOURS_PER_DAY, words=words))
    if cluster.max_price is not None and cluster.days_paid is not None:
        hours = cluster.days_paid * HOURS_PER_DAY
        words = f"a price of {cluster.money(hours)} on {cluster.name}"
        found.append(_Bound(name="price", value=cluster.max_price, hours=hours, words=words))
    return found


def _clock(question: Question, cluster: Cluster) -> ClusterClock:
    return ClusterClock(
        source=question.source,
        cluster=cluster,
        recipe=question.recipe,
        problem=question.problem,
        serving=question.serving,
        level=LEVEL,
    )


def _paid(question: Question, cluster: Cluster) -> ClusterBudget:
    """The FLOPs that the days and the price of `cluster` pay for."""
    return budget_on_cluster(
        question.source, cluster, question.recipe, objective=question.problem, serving=question.serving
    )


def _contradiction(question: Question, cluster: Cluster, loss: float, hours: float, bound: _Bound) -> RefusedError:
    """That `loss` takes more `hours` than `bound` pays for, and the loss that it does pay for."""
    days, money = f"{format_number(hours / HOURS_PER_DAY)} days", cluster.money(hours)
    takes = f"the loss takes {days}" if bound.name == "days" else f"the loss costs {money}"
    wanted = f"a loss of {format_number(loss, 6)}"
    if question.problem.for_life:
        # training alone may fit where the smaller model that is cheaper to serve does not
        alone = replace(question, problem=question.problem.without("inference_tokens")).for_loss(loss)
        least_hours = _clock(alone, cluster).taken(alone.flops)
        if least_hours <= bound.hours:
            served = f"{format_quantity(question.problem.inference_tokens)} inference tokens"
            least_days = f"{format_number(least_hours / HOURS_PER_DAY)} days"
            return RefusedError(
                "limits_contradict",
                f"{served} at {wanted} and {bound.words} contradict each other: {takes} with the model that costs "
                f"least over its life, {least_days} with the best for training alone; leave the inference out, or "
                "allow more",
            )
    _, least = replace(question, flops=_paid(question, cluster).flops).answer()
    reached = "" if least is None else f"; within it the loss goes down to {least:.4f}"
    return RefusedError("limits_contradict", f"{wanted} and {bound.words} contradict each other: {takes}{reached}")
