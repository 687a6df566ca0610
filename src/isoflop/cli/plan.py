"""`isoflop plan`: how many parameters and tokens a compute budget is best spent on."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.arch import family_named
from isoflop.arch.shapes import nearest_shape
from isoflop.cli.answer import print_json, print_notices
from isoflop.cli.options import QUANTITY, json_option, law_options, read_law
from isoflop.cli.plan_output import print_plan
from isoflop.errors import InputError
from isoflop.plan import Fleet, InferenceDemand, LimitedData, Objective, TrainingOnly, make_plan


@click.command()
@law_options
@click.option("--flops", type=QUANTITY, help="Training compute, in the law's convention (6 N D for published laws).")
@click.option("--inference-tokens", type=QUANTITY, help="Tokens the model will serve in its life: smaller, longer.")
@click.option("--unique-tokens", type=QUANTITY, help="Different tokens there are: read them again where that pays.")
@click.option("--gpus", metavar="COUNTxDEVICE", help="Devices, such as 512xH100: hours, and with --days the budget.")
@click.option("--days", type=QUANTITY, help="How long the devices can be had.")
@click.option(
    "--utilization", metavar="SHARE", help="Model FLOPs over peak: 0.4, or 0.35-0.45. Default: what large runs reached."
)
@click.option("--price-per-hour", type=QUANTITY, help="Of one device, in any currency. Default: a dated rate, in USD.")
@click.option("--family", default="llama", show_default=True, help="Family of the nearest shape, or gopher.")
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
    utilization: str | None,
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
    elif any(given is not None for given in (days, utilization, price_per_hour)):
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
        shape_rule=lambda size: nearest_shape(size, family=family, vocab_size=vocab, convention=counted),
        seq_len=seq_len,
        objective=_objective(inference_tokens, unique_tokens),
        fleet=fleet,
    )
    print_notices(plan.notices)
    if as_json:
        print_json(plan.as_json())
    else:
        print_plan(plan)


def _objective(inference_tokens: float | None, unique_tokens: float | None) -> Objective:
    if inference_tokens is not None and unique_tokens is not None:
        raise InputError("plan: --inference-tokens and --unique-tokens are two objectives; give one of them")
    if inference_tokens is not None:
        return InferenceDemand(tokens=inference_tokens)
    if unique_tokens is not None:
        return LimitedData(unique_tokens=unique_tokens)
    return TrainingOnly()
