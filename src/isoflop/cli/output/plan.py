"""Printing of a plan: what to train, what it costs, and the alternatives."""

from __future__ import annotations

from collections.abc import Callable

import click

from isoflop.cli.output.layout import format_seconds, placement_facts
from isoflop.cli.output.limits import limit_facts
from isoflop.cli.output.tables import grade_facts, print_facts, print_table
from isoflop.codes import Grade
from isoflop.laws.rates import KnownRates, LawValue
from isoflop.plan import Alternative, Buildable, CostEstimate, Plan, ServingLimit
from isoflop.plan.run_time import RUN_OVER_STEPS
from isoflop.plan.table_share import MOST_SHARE, products_in_words, table_share
from isoflop.report.panels.best_size import backtest_sentence, estimator_facts, range_words, run_next
from isoflop.spec import RunSpec
from isoflop.units import (
    format_bytes,
    format_duration,
    format_energy,
    format_flops,
    format_money,
    format_number,
    format_quantity,
    percent,
)


def print_plan(plan: Plan, grade: Grade) -> None:
    """Prints the plan as a short table, and its alternatives as a second one."""
    facts = [*grade_facts(grade), *_best(plan), *_estimators(plan)]
    if plan.buildable is not None and plan.memory is not None:
        arch = plan.buildable.architecture
        facts += [
            ("Nearest shape", f"{arch.family}, {arch.n_layers} layers of {arch.d_model}, {arch.n_heads} heads"),
            ("", f"{plan.buildable.params:,} parameters{_tables(plan.buildable)}"),
            ("", _products(plan)),
            ("Training", training_words(plan.buildable.run)),
            *_rates(plan.rates),
            ("Memory", f"{format_bytes(plan.memory['train'])} to train, {format_bytes(plan.memory['serve'])} to serve"),
        ]
        if plan.serving is not None:
            facts.append(("Served", _served(plan.serving, plan.buildable)))
    if plan.cost_estimate is not None:
        facts += cost_facts(plan.cost_estimate, _billed_flops(plan.cost_estimate, plan), plan.step_seconds)
    if plan.layout_estimate is not None:
        facts += placement_facts(plan.layout_estimate)
    facts += _around(plan)
    source = plan.law.paper or plan.law.place
    facts.append(("Law", source if plan.law.name == "fitted" else f"{plan.law.name}: {source}"))
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
    interval = {name: f"  ({text}, {percent(plan.level, 0)})" if text else "" for name, text in between.items()}
    return [
        *_size(plan, f"{format_quantity(plan.params)}{interval['params']}{_counted(plan)}"),
        (
            "Tokens",
            f"{format_quantity(plan.tokens)}{interval['tokens']}, {format_quantity(plan.tokens_per_param)} a parameter",
        ),
        ("Loss", "not given by this law" if plan.loss is None else f"{plan.loss:.4f}{interval['loss']}"),
        _waste(plan),
        ("Training FLOPs", format_flops(plan.flops)),
        *([] if plan.lifetime_flops is None else [("With inference", format_flops(plan.lifetime_flops))]),
        *limit_facts(plan),
    ]


def _size(plan: Plan, known: str) -> list[tuple[str, str]]:
    """Returns N with its interval; where the runs do not identify it, first the range and what to run next."""
    if plan.size is None or plan.size.identified or plan.params_interval is None:
        return [("Parameters", known)]
    facts = [("Parameters", range_words(plan.params_interval))]
    following = run_next(plan.size)
    facts += [("Run next", following)] if following else []
    return [
        *facts,
        ("Assumed", f"{format_quantity(plan.params)}, the mixed estimate; everything below is for this size"),
    ]


def _counted(plan: Plan) -> str:
    """Returns how N is counted, where that is not as the shape below counts."""
    solved = any(notice.code == "tables_solved" for notice in plan.notices)
    return ", counted with the table of the law's runs" if solved else ""


def _estimators(plan: Plan) -> list[tuple[str, str]]:
    """Returns the best size by each estimator alone, and the backtest of the size."""
    if plan.size is None:
        return []
    lines = [f"{fact.label}: {fact.value}" for fact in estimator_facts(plan.size)]
    facts = list(zip(("Best size by", *[""] * len(lines)), lines, strict=False))
    if plan.size_backtest is not None:
        facts.append(("Size backtest", backtest_sentence(plan.size_backtest)))
    return facts


def _tables(built: Buildable) -> str:
    share, kind = table_share(built.architecture), built.architecture
    tied = ", tied" if kind.tied_embedding else ""
    return f", {percent(share, 0)} of all in table and head{tied}" if share > MOST_SHARE else ""


def _products(plan: Plan) -> str:
    """Returns the FLOPs of the shape's matrix products against the budget's, and what makes the difference."""
    built = plan.buildable
    assert built is not None
    words = products_in_words(built.architecture, built.seq_len)
    times = f"{format_number(built.matmul_flops / plan.flops, 3)} times the budget's"
    return f"matrix products: {format_flops(built.matmul_flops)} FLOPs, {times}{f'; of 6 N, {words}' if words else ''}"


def training_words(run: RunSpec) -> str:
    """Returns steps, batch, rate and schedule of a run, as text."""
    decay = {"cosine": "cosine", "wsd": "constant, then 1 - sqrt", "constant": "constant"}[run.schedule.kind]
    return (
        f"{run.steps:,} steps of {format_quantity(run.batch_tokens)} tokens ({run.batch_tokens // run.seq_len:,} x "
        f"{run.seq_len:,}), peak rate {format_number(run.peak_lr)}, {decay} to "
        f"{percent(run.schedule.final_fraction, 0)}, warm-up {format_quantity(run.warmup_tokens)} tokens"
    )


def _rates(known: KnownRates | None) -> list[tuple[str, str]]:
    """Returns a row for each law of learning rates, and one for published models of about this size."""
    if known is None:
        return []
    rows = [
        f"{format_number(said.peak_lr)} ({said.law.name}, fitted at {_domain(said)}), "
        f"{format_quantity(said.formula_batch)} tokens"
        for said in known.laws
    ]
    low, high = (pick(known.models, key=lambda model: model.peak_lr) for pick in (min, max))
    rows.append(
        f"{format_number(low.peak_lr)} ({low.system}) to {format_number(high.peak_lr)} ({high.system}): models of "
        "about this size"
    )
    return [("" if place else "Rates by laws", row) for place, row in enumerate(rows)]


def _domain(said: LawValue) -> str:
    ends = {name: " to ".join(map(format_quantity, ends)) for name, ends in said.law.domain.items()}
    return " and ".join(f"{text} {name}" for name, text in ends.items())


def _served(limit: ServingLimit, built: Buildable) -> str:
    size = format_bytes(limit.bytes_of(built.architecture, built.seq_len))
    seconds = limit.latency_of(built.architecture, built.seq_len)
    speed = ""
    if limit.hardware is not None and seconds is not None:
        speed = f", at least {format_number(seconds * 1e3)} ms a token on {limit.devices}x{limit.hardware.name}"
    return f"{size} with weights in {limit.weights}, {limit.sequences} x {built.seq_len:,} tokens of cache{speed}"


def _waste(plan: Plan) -> tuple[str, str]:
    if plan.wasted_share is not None:
        return (
            "Wasted",
            f"{percent(plan.wasted_share)} of the training FLOPs: the best size reaches this loss with the rest",
        )
    if plan.expected_waste is None:
        return "Expected waste", "not known"
    price = plan.expected_waste_price
    currency = None if plan.cost_estimate is None else _currency(plan.cost_estimate)
    money = "" if price is None else f", a price of {format_money(price, currency)}"
    return "Expected waste", f"{percent(plan.expected_waste, 2)} of the budget{money}"


def _billed_flops(cost: CostEstimate, plan: Plan) -> str:
    """Returns the FLOPs that the devices compute, compared with those that the law counts."""
    if plan.buildable is None:
        return f"{format_flops(cost.flops)}, as the law counts: without a shape, attention is not known"
    return (
        f"{format_flops(cost.flops)} model FLOPs: attention at {plan.buildable.seq_len:,} tokens included, "
        f"{format_number(cost.flops / plan.flops)} times the law's"
    )


def _currency(cost: CostEstimate) -> str | None:
    """Returns the currency of a price: that of the catalogue, or None where the price of an hour was given."""
    return None if cost.price_source == "given" else "USD"


def cost_facts(cost: CostEstimate, billed: str, step: float | None = None) -> list[tuple[str, str]]:
    """Returns rows for hours, price and energy; `billed` says which FLOPs, `step` the seconds of one where known."""
    by_layout = cost.hours_source == "layout"

    def ends(low: str, high: str) -> str:
        return f"  ({low} to {high})" if by_layout or cost.utilization.is_range else ""

    facts = [
        ("Billed", billed),
        ("Takes", f"{_hours(cost.hours, cost.hours_range, ends)}{_whole_run(cost)}"),
    ]
    if cost.price is None or cost.price_range is None:
        facts.append(("Price", "not known: give --price-per-hour"))
    else:
        currency = _currency(cost)
        total, low, high = (format_money(price, currency) for price in (cost.price, *cost.price_range))
        sign = "$" if currency else ""
        facts += [
            ("Price", f"{total}{ends(low, high)}"),
            ("", f"at {sign}{cost.price_per_hour:.2f} a device-hour, {cost.price_source}"),
        ]
    if cost.energy_kwh is not None and cost.energy_range is not None:
        energy, low, high = map(format_energy, (cost.energy_kwh, *cost.energy_range))
        facts.append(("Energy", f"{energy}{ends(low, high)}, of the devices alone"))
    share = cost.utilization
    reached = f"{percent(share.expected)} of peak"
    at_it = "" if step is None or by_layout else f": {format_seconds(step)} a step"
    known = f"  ({percent(share.low)} to {percent(share.high)})" if share.is_range else ""
    facts.append(("Utilization", f"{reached}{known}, {'given' if share.is_given else share.source}{at_it}"))
    return facts


def _whole_run(cost: CostEstimate) -> str:
    """Returns what a time is of: the steps of the layout below, made a whole run, or a utilization of whole runs."""
    if cost.hours_source == "layout":
        return f", the whole run: {format_number(RUN_OVER_STEPS.expected)} times the steps of the layout below"
    return "" if cost.utilization.is_given else ", the whole run"


def _hours(expected: float, ends_of: tuple[float, float], ends: Callable[[str, str], str]) -> str:
    fast, slow = (format_duration(hours * 3600) for hours in ends_of)
    return f"{format_duration(expected * 3600)}{ends(fast, slow)}"


def _around(plan: Plan) -> list[tuple[str, str]]:
    """Returns the cost of smaller models with the same loss, and the sizes by other forms and other laws."""
    facts = []
    shown = [model for model in plan.smaller_models if model.times_smaller in (1.5, 2, 3, 4)]
    if shown:
        costs = ", ".join(f"{format_number(model.times_smaller, 6)}x {model.flops / plan.flops:.2f}" for model in shown)
        facts.append(("Smaller models", f"for the same loss, times the FLOPs: {costs}"))
    # The forms are among the estimators of the size, fitted better: near the frontier.
    forms = [form for form in plan.forms if form.form != "chinchilla" and plan.size is None]
    if forms:
        sizes = (
            f"{format_quantity(form.params)} ({form.form})" if form.params else f"no optimum ({form.form})"
            for form in forms
        )
        facts.append(("Other forms", f"of the same runs: {', '.join(sizes)}"))
    if plan.other_laws:
        ranked = sorted(plan.other_laws, key=lambda other: other.params)
        low, high = (f"{format_quantity(other.params)} ({other.law.name})" for other in (ranked[0], ranked[-1]))
        facts.append(("Other laws", f"{low} to {high}; see isoflop laws --flops {format_flops(plan.budget_flops, 4)}"))
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
                f"{percent(other.wasted_share)}",
            ]
            for other in plan.alternatives
        ],
        wrap=(0,),
    )


def _words(other: Alternative, plan: Plan) -> str:
    if other.kind == "best":
        return "the best, same flops"
    return f"{'half' if other.params < plan.params else 'twice'} the size, {other.kind.replace('_', ' ')}"
