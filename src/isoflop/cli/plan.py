"""`isoflop plan`: how many parameters and tokens a compute budget is best spent on."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.arch import family_named
from isoflop.arch.shapes import nearest_shape
from isoflop.cli.answer import print_facts, print_json, print_notices, print_table
from isoflop.cli.options import QUANTITY, json_option, law_options, read_law
from isoflop.errors import InputError
from isoflop.plan import Fleet, InferenceDemand, LimitedData, Objective, Plan, TrainingOnly, make_plan
from isoflop.units import format_bytes, format_duration, format_flops, format_quantity


@click.command()
@law_options
@click.option("--flops", type=QUANTITY, help="Training compute, in the law's convention (6 N D for published laws).")
@click.option("--inference-tokens", type=QUANTITY, help="Tokens the model will serve in its life: smaller, longer.")
@click.option("--unique-tokens", type=QUANTITY, help="Different tokens there are: read them again where that pays.")
@click.option("--gpus", metavar="COUNTxDEVICE", help="Devices, such as 512xH100: hours, and with --days the budget.")
@click.option("--days", type=QUANTITY, help="How long the devices can be had.")
@click.option("--utilization", type=float, help="Model FLOPs over the devices' peak, 0 to 1. Default: 0.4.")
@click.option("--price-per-hour", type=QUANTITY, help="Of one device; the plan's price is in the same currency.")
@click.option("--family", default="llama", show_default=True, help="Family of the nearest shape: or gopher, gpt, palm.")
@click.option("--vocab", type=click.IntRange(min=1), default=32_000, show_default=True, help="Vocabulary of the shape.")
@click.option("--seq-len", type=click.IntRange(min=1), default=2_048, show_default=True, help="Context of the shape.")
@click.option("--level", type=float, default=0.9, show_default=True, help="Probability of the intervals.")
@json_option
def command(
    law: str | None,
    fit: Path | None,
    approach: str | None,
    flops: float | None,
    inference_tokens: float | None,
    unique_tokens: float | None,
    gpus: str | None,
    days: float | None,
    utilization: float | None,
    price_per_hour: float | None,
    family: str,
    vocab: int,
    seq_len: int,
    level: float,
    as_json: bool,
) -> None:
    """Plan how many parameters and tokens a compute budget is best spent on."""
    family_named(family)
    fleet = None
    if gpus is not None:
        fleet = Fleet.parse(gpus, utilization=utilization, days=days, price_per_hour=price_per_hour)
    elif not days is utilization is price_per_hour is None:
        raise InputError("plan: --days, --utilization and --price-per-hour are about --gpus; give that too")
    if flops is None and fleet is None:
        raise InputError("plan: expected a budget: --flops 5.76e23, or --gpus 512xH100 --days 30")
    budget = flops if flops is not None else fleet.flops() if fleet is not None else 0.0
    source = read_law(law, fit, approach)
    counted = source.law.provenance.params_convention
    plan = make_plan(
        source,
        budget,
        level=level,
        shape_rule=lambda size: nearest_shape(
            size, family=family, vocab_size=vocab, seq_len=seq_len, convention=counted
        ),
        seq_len=seq_len,
        objective=_objective(inference_tokens, unique_tokens),
        fleet=fleet,
    )
    print_notices(plan.notices)
    if as_json:
        print_json(plan.as_json())
    else:
        _print(plan)


def _objective(inference_tokens: float | None, unique_tokens: float | None) -> Objective:
    if inference_tokens is not None and unique_tokens is not None:
        raise InputError("plan: --inference-tokens and --unique-tokens are two objectives; give one of them")
    if inference_tokens is not None:
        return InferenceDemand(tokens=inference_tokens)
    if unique_tokens is not None:
        return LimitedData(unique_tokens=unique_tokens)
    return TrainingOnly()


def _print(plan: Plan) -> None:
    between = {
        "params": plan.params_interval and " to ".join(map(format_quantity, plan.params_interval)),
        "tokens": plan.tokens_interval and " to ".join(map(format_quantity, plan.tokens_interval)),
        "loss": plan.loss_interval and " to ".join(f"{end:.4f}" for end in plan.loss_interval),
    }
    interval = {name: f"  ({text}, {plan.level:.0%})" if text else "" for name, text in between.items()}
    facts = [
        ("Parameters", f"{format_quantity(plan.params)}{interval['params']}"),
        ("Tokens", f"{format_quantity(plan.tokens)}{interval['tokens']}, {plan.tokens_per_param:.1f} a parameter"),
        ("Loss", "not said by this law" if plan.loss is None else f"{plan.loss:.4f}{interval['loss']}"),
        ("Expected waste", "not known" if plan.expected_waste is None else f"{plan.expected_waste:.2%} of the budget"),
        ("Training FLOPs", format_flops(plan.flops)),
    ]
    if plan.buildable is not None and plan.memory is not None:
        arch = plan.buildable.architecture
        facts += [
            ("Nearest shape", f"{arch.family}, {arch.n_layers} layers of {arch.d_model}, {arch.n_heads} heads"),
            ("", f"{plan.buildable.params:,} parameters"),
            ("Memory", f"{format_bytes(plan.memory['train'])} to train, {format_bytes(plan.memory['serve'])} to serve"),
        ]
    if plan.bill is not None:
        price = "no price given" if plan.bill.price is None else f"price {plan.bill.price:,.0f}"
        facts.append(("Takes", f"{format_duration(plan.bill.hours * 3600)}, {price}"))
    facts.append(("Law", f"{plan.law.name}: {plan.law.paper or plan.law.place}"))
    print_facts(facts, title=f"Plan for {format_flops(plan.budget_flops)} training FLOPs")
    if plan.alternatives:
        click.echo()
        print_table(
            ["Instead", "params", "tokens", "FLOPs", "loss", "wasted"],
            [
                [
                    f"{'half' if other.params < plan.params else 'twice'} the size, {other.kind.replace('_', ' ')}",
                    format_quantity(other.params),
                    format_quantity(other.tokens),
                    format_flops(other.flops),
                    f"{other.loss:.4f}",
                    f"{other.wasted_share:.1%}",
                ]
                for other in plan.alternatives
            ],
        )
