"""`isoflop laws`: the published laws, what they say at a budget, and where each comes from."""

from __future__ import annotations

import click

from isoflop.cli.options.types import QUANTITY
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.tables import print_facts, print_json, print_table, print_text
from isoflop.codec import fields_to_json, to_json
from isoflop.laws import Provenance, PublishedLaw, published_forms, published_law, published_names
from isoflop.plan import LawAtBudget, law_at_budget
from isoflop.units import format_flops, format_number, format_quantity, parse_quantity, percent

_MARKS = {"total": "", "non_embedding": "*", "matmul": "+"}
"""Marks after N: which parameters the law counts."""


@verb("isoflop laws 5.76e23", "isoflop laws besiroglu2024")
@click.argument("name", required=False)
@click.option(
    "--flops", type=QUANTITY, help="Compare the laws at this training compute, in the convention of each law."
)
@json_option
def command(name: str | None, flops: float | None, as_json: bool) -> None:
    """List published scaling laws, compare them at a budget, or describe the law NAME.

    In place of NAME stands a compute such as 5.76e23, at which the laws are compared.
    """
    if name is not None and flops is None and name[:1].isdigit():
        flops, name = parse_quantity(name, "laws"), None
    laws = [published_law(each) for each in (published_names() if name is None else (name,))]
    compared = [None if flops is None else law_at_budget(law, flops) for law in laws]
    if as_json:
        rows = [
            {
                **fields_to_json(law.provenance),
                "constants": law.constants(),
                "a": float(law.a),
                "b": float(law.b),
                "has_loss": law.has_loss,
                **({} if optimum is None else optimum.as_json()),
            }
            for law, optimum in zip(laws, compared, strict=True)
        ]
        forms = list(map(to_json, published_forms())) if name is None else []
        print_json({"flops": flops, "laws": rows, "forms_without_constants": forms})
    elif name is not None:
        _print_law(laws[0], compared[0])
    elif flops is None:
        _print_list(laws)
    else:
        _print_comparison(flops, [optimum for optimum in compared if optimum is not None])


def _print_list(laws: list[PublishedLaw]) -> None:
    print_table(
        ["Law", "N ~ C^a", "loss", "from"],
        [
            [source.name, f"{law.a:.3f}", "yes" if law.has_loss else "-", source.paper.split(" (")[0]]
            for law in laws
            for source in (law.provenance,)
        ],
        text=(0, 3),
    )
    for form in published_forms():
        click.echo()
        print_text(f"{form.name}: {form.place}.")
        print_text(f"A form only: {form.rounding}.")
    click.echo("\nCompare them at a budget: isoflop laws --flops 5.76e23")
    click.echo("All that is known of one: isoflop laws besiroglu2024")


def _print_comparison(flops: float, laws: list[LawAtBudget]) -> None:
    print_table(
        ["Law", "N", "D", "D/N", "loss", "runs behind", "beyond"],
        [
            [
                optimum.law.name,
                format_quantity(optimum.params) + (_MARKS[optimum.law.params_convention] or " "),
                format_quantity(optimum.tokens),
                format_quantity(optimum.tokens / optimum.params),
                "-" if optimum.loss is None else f"{optimum.loss:.4f}",
                _range(optimum.law),
                _times(optimum.beyond),
            ]
            for optimum in laws
        ],
        title=f"Best use of {format_flops(flops)} FLOPs",
        wrap=(),
        spare=(5, 6),
    )
    click.echo()
    print_text(
        "N counts all parameters, with * no embeddings, with + matrices and output head. Runs behind: FLOPs (N: "
        "parameters) of the runs that a law was fitted to; beyond: how far outside them its answer lies. Losses are in "
        "nats a token of each law's own text: compare N and D, not losses."
    )


def _times(factor: float | None) -> str:
    if factor is None:
        return "-"
    return f"{factor:.0f}x" if factor >= 10 else f"{format_number(factor, 2)}x"


def _range(law: Provenance) -> str:
    for key, mark in (("flops", ""), ("params", "N ")):
        if key in law.domain:
            low, high = law.domain[key]
            return f"{mark}{format_flops(low, 1)}-{format_flops(high, 1)}" if low else f"{mark}<{format_flops(high, 1)}"
    return "-"


def _print_law(published: PublishedLaw, optimum: LawAtBudget | None) -> None:
    law = published.provenance
    level = f" ({percent(law.interval_level, 0)})" if law.interval_level is not None else ""
    facts = [
        ("Paper", law.paper),
        ("Place", law.place),
        (
            "Constants",
            ", ".join(f"{letter} = {format_number(value, 6)}" for letter, value in published.constants().items()),
        ),
        ("Rounding", law.rounding or "-"),
        ("N counts", law.params_convention.replace("_", " ")),
        ("C counts", law.flops_convention.replace("_", " ")),
        ("Loss", law.loss_unit.replace("_", " ") if published.has_loss else "not said by this law"),
        ("Runs", "; ".join(_limits(key, ends) for key, ends in law.domain.items()) or "not said"),
        (
            "Intervals",
            "; ".join(
                f"{key} {format_number(low, 6)} to {format_number(high, 6)}"
                for key, (low, high) in law.intervals.items()
            )
            + level
            if law.intervals
            else "none printed",
        ),
    ]
    if law.caution:
        facts.append(("Caution", law.caution))
    if optimum is not None:
        loss = "" if optimum.loss is None else f", loss {optimum.loss:.4f}"
        best = f"{format_quantity(optimum.params)} on {format_quantity(optimum.tokens)}{loss}"
        facts.append((f"At {format_flops(optimum.flops)}", best))
        facts += [("", notice.message) for notice in optimum.notices if notice.code == "extrapolation"]
    print_facts(facts, title=law.name)


def _limits(key: str, ends: tuple[float, float]) -> str:
    low, high = (format_flops(end) for end in ends)
    return f"{key} {low} to {high}" if ends[0] else f"{key} up to {high}"
