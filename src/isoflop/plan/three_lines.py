"""Plans and predictions in three lines: what `repr` prints, with unit, interval, grade and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.codes import grade_of
from isoflop.errors import Notice
from isoflop.laws import Provenance
from isoflop.plan.intervals import Interval
from isoflop.units import format_duration, format_flops, format_number, format_quantity

if TYPE_CHECKING:
    from isoflop.plan.plan import Plan
    from isoflop.plan.prediction import Prediction

Lines = tuple[str, str, str]


def plan_lines(plan: Plan) -> Lines:
    """The budget with law and grade; size and tokens; loss, waste and cost."""
    parts = [_loss(plan.loss, plan.loss_interval, plan.law)]
    if plan.expected_waste is not None:
        parts.append(f"expected waste {format_number(100 * plan.expected_waste, 2)} %")
    if plan.cost_estimate is not None:
        price, given = plan.cost_estimate.price, plan.cost_estimate.price_source == "given"
        money = "" if price is None else f" for {format_quantity(price)}{'' if given else ' USD'}"
        hours, ends = plan.cost_estimate.hours, plan.cost_estimate.hours_range
        fast, slow = (format_duration(3600 * end) for end in ends)
        between = f" ({fast} to {slow})" if ends[0] < ends[1] else ""
        parts.append(f"{format_duration(3600 * hours)}{between}{money}")
    known = any((plan.params_interval, plan.tokens_interval, plan.loss_interval))
    parts.append(f"intervals: {format_number(100 * plan.level, 6)} %" if known else "no intervals")
    return (
        f"Plan for {format_flops(plan.budget_flops)} training FLOPs by {_named(plan.law)}: {graded(plan.notices)}",
        f"{_with(plan.params, plan.params_interval)} parameters on {_with(plan.tokens, plan.tokens_interval)} tokens, "
        f"{format_number(plan.tokens_per_param)} a parameter{_limited(plan)}",
        "; ".join(parts),
    )


def prediction_lines(one: Prediction) -> Lines:
    """The law and the grade; the run; its loss."""
    factor = one.extrapolation_factor
    beyond = "" if factor is None else f", {format_number(factor)} times the largest fitted"
    of_level = "no interval" if one.interval is None else f"interval: {format_number(100 * one.level, 6)} %"
    run = f"{format_quantity(one.params)} parameters on {format_quantity(one.tokens)} tokens"
    return (
        f"Prediction by {_named(one.law)}: {graded(one.notices)}",
        f"{run}, {format_flops(one.flops)} FLOPs{beyond}",
        f"{_loss(one.loss, one.interval, one.law)}; {of_level}",
    )


def graded(notices: tuple[Notice, ...]) -> str:
    """`with care (no_draws, extrapolation)`: the grade and the codes that set it."""
    grade = grade_of(notice.code for notice in notices)
    return f"{grade.word} ({', '.join(grade.codes)})" if grade.codes else grade.word


def _limited(plan: Plan) -> str:
    names = [limit.name for limit in plan.limits if limit.binding]
    return f"; limited by: {', '.join(names)}" if names else ""


def _named(law: Provenance) -> str:
    return f"a law {law.place}" if law.name == "fitted" else law.name


def _with(value: float, interval: Interval | None) -> str:
    text = format_quantity(value)
    return text if interval is None else f"{text} ({' to '.join(map(format_quantity, interval))})"


def _loss(loss: float | None, interval: Interval | None, law: Provenance) -> str:
    if loss is None:
        return "no loss by this law"
    ends = "" if interval is None else f" ({interval[0]:.4f} to {interval[1]:.4f})"
    return f"loss {loss:.4f}{ends} {law.loss_unit.replace('_', ' ')}"
