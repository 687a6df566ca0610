"""Printing of what limits a plan, and of what each limit costs."""

from __future__ import annotations

from isoflop.plan import Limit, Plan
from isoflop.units import (
    format_bytes,
    format_duration,
    format_flops,
    format_money,
    format_number,
    format_quantity,
    percent,
)


def limit_facts(plan: Plan) -> list[tuple[str, str]]:
    """Returns a row for each limit that decides the plan, with its price, and one for those that do not."""
    binding = [limit for limit in plan.limits if limit.binding]
    facts = [("" if place else "Limited by", _with_price(limit, plan)) for place, limit in enumerate(binding)]
    if idle := [f"{limit.name} ({_value(limit)})" for limit in plan.limits if not limit.binding]:
        facts.append(("Not limited by", ", ".join(idle)))
    return facts


def _with_price(limit: Limit, plan: Plan) -> str:
    named = f"{limit.name} ({_value(limit)})"
    costs = []
    if limit.price_flops is not None and limit.price_flops > 0:
        whole = plan.flops if plan.lifetime_flops is None else plan.lifetime_flops
        share = percent(limit.price_flops / whole)
        costs.append(f"{format_flops(limit.price_flops)} FLOPs at this loss, {share} of them")
    if limit.price_loss is not None and limit.price_loss > 0:
        costs.append(f"{format_number(limit.price_loss)} of loss at this budget")
    return f"{named}: costs {', or '.join(costs)}" if costs else named


def _value(limit: Limit) -> str:
    """Returns the value with its unit."""
    match limit.unit:
        case "bytes":
            return format_bytes(limit.value)
        case "seconds":
            return (
                format_duration(limit.value) if limit.value >= 1 else f"{format_number(limit.value * 1e3)} ms a token"
            )
        case "days":
            return f"{format_number(limit.value, 6)} days"
        case "money":
            return format_money(limit.value, None)
        case _:
            return format_quantity(limit.value)
