"""`isoflop laws`: the published laws, and what they say at a budget."""

from __future__ import annotations

from typing import Any

import click

from isoflop.cli.answer import print_json, print_table
from isoflop.cli.options import QUANTITY, json_option
from isoflop.laws import published_law, published_names
from isoflop.units import format_flops, format_quantity


@click.command()
@click.option("--flops", type=QUANTITY, help="Compare the laws at this training compute (C = 6 N D).")
@json_option
def command(flops: float | None, as_json: bool) -> None:
    """List the published laws, and compare them at a budget."""
    rows = [_row(name, flops) for name in published_names()]
    if as_json:
        print_json({"flops": flops, "laws": rows})
    elif flops is None:
        print_table(
            ["Law", "N ~ C^a", "loss", "from"],
            [
                [row["name"], f"{row['a']:.3f}", "yes" if row["has_loss"] else "-", row["paper"].split(" (")[0]]
                for row in rows
            ],
            text=(0, 3),
        )
        click.echo("\nCompare them at a budget: isoflop laws --flops 5.76e23")
    else:
        print_table(
            ["Law", "params", "tokens", "tokens/param", "loss"],
            [
                [
                    row["name"],
                    format_quantity(row["params"]),
                    format_quantity(row["tokens"]),
                    f"{row['tokens_per_param']:.1f}",
                    "-" if row["loss"] is None else f"{row['loss']:.4f}",
                ]
                for row in rows
            ],
            title=f"Best use of {format_flops(flops)} FLOPs",
        )
        click.echo("\nLosses are in nats a token of each law's own text: compare N and D, not losses.")


def _row(name: str, flops: float | None) -> dict[str, Any]:
    law = published_law(name)
    row: dict[str, Any] = {
        **law.provenance.as_json(),
        "constants": law.constants(),
        "a": float(law.a),
        "b": float(law.b),
        "has_loss": law.has_loss,
    }
    if flops is not None:
        N, D = (float(value) for value in law.optimum(flops))
        loss = float(law.loss(N, D)) if law.has_loss else None
        row |= {"params": N, "tokens": D, "tokens_per_param": D / N, "loss": loss}
    return row
