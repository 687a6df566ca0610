"""How `isoflop plan` prints a plan: what to train, what it takes, and what could be trained instead."""

from __future__ import annotations

import click

from isoflop.cli.answer import print_facts, print_table
from isoflop.plan import Alternative, Bill, Plan
from isoflop.units import format_bytes, format_duration, format_flops, format_quantity


def print_plan(plan: Plan) -> None:
    """The plan as a short table, and its alternatives as another."""
    facts = _best(plan)
    if plan.buildable is not None and plan.memory is not None:
        arch = plan.buildable.architecture
        facts += [
            ("Nearest shape", f"{arch.family}, {arch.n_layers} layers of {arch.d_model}, {arch.n_heads} heads"),
            ("", f"{plan.buildable.params:,} parameters"),
            ("Memory", f"{format_bytes(plan.memory['train'])} to train, {format_bytes(plan.memory['serve'])} to serve"),
        ]
    if plan.bill is not None:
        facts += _bill(plan.bill)
    facts.append(("Law", f"{plan.law.name}: {plan.law.paper or plan.law.place}"))
    print_facts(facts, title=f"Plan for {format_flops(plan.budget_flops)} training FLOPs")
    if plan.alternatives:
        click.echo()
        _print_alternatives(plan)


def _best(plan: Plan) -> list[tuple[str, str]]:
    between = {
        "params": plan.params_interval and " to ".join(map(format_quantity, plan.params_interval)),
        "tokens": plan.tokens_interval and " to ".join(map(format_quantity, plan.tokens_interval)),
        "loss": plan.loss_interval and " to ".join(f"{end:.4f}" for end in plan.loss_interval),
    }
    interval = {name: f"  ({text}, {plan.level:.0%})" if text else "" for name, text in between.items()}
    return [
        ("Parameters", f"{format_quantity(plan.params)}{interval['params']}"),
        (
            "Tokens",
            f"{format_quantity(plan.tokens)}{interval['tokens']}, {format_quantity(plan.tokens_per_param)} a parameter",
        ),
        ("Loss", "not said by this law" if plan.loss is None else f"{plan.loss:.4f}{interval['loss']}"),
        ("Expected waste", "not known" if plan.expected_waste is None else f"{plan.expected_waste:.2%} of the budget"),
        ("Training FLOPs", format_flops(plan.flops)),
    ]


def _bill(bill: Bill) -> list[tuple[str, str]]:
    def ends(low: str, high: str) -> str:
        return f"  ({low} to {high})" if bill.utilization.is_range else ""

    fast, slow = (format_duration(hours * 3600) for hours in bill.hours_range)
    facts = [("Takes", f"{format_duration(bill.hours * 3600)}{ends(fast, slow)}")]
    if bill.price is None or bill.price_range is None:
        facts.append(("Price", "not known: give --price-per-hour"))
    else:
        low, high = map(format_quantity, bill.price_range)
        currency = "" if bill.price_source == "given" else " USD"
        facts += [
            ("Price", f"{format_quantity(bill.price)}{currency}{ends(low, high)}"),
            ("", f"at {bill.price_per_hour:.2f} a device-hour, {bill.price_source}"),
        ]
    if bill.energy_kwh is not None and bill.energy_range is not None:
        low, high = (f"{kwh / 1e3:,.3g}" for kwh in bill.energy_range)
        facts.append(("Energy", f"{bill.energy_kwh / 1e3:,.3g} MWh{ends(low, high)}, of the devices alone"))
    share = bill.utilization
    reached = f"{share.low:.1%} to {share.high:.1%} of peak: {share.source}"
    facts.append(("Utilization", reached if share.is_range else f"{share.expected:.1%} of peak, given"))
    return facts


def _print_alternatives(plan: Plan) -> None:
    print_table(
        ["Instead", "params", "tokens", "FLOPs", "loss", "wasted"],
        [
            [
                _words(other, plan),
                format_quantity(other.params),
                format_quantity(other.tokens),
                format_flops(other.flops),
                f"{other.loss:.4f}",
                f"{other.wasted_share:.1%}",
            ]
            for other in plan.alternatives
        ],
    )


def _words(other: Alternative, plan: Plan) -> str:
    return f"{'half' if other.params < plan.params else 'twice'} the size, {other.kind.replace('_', ' ')}"
