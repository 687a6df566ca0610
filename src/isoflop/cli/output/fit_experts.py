"""The fit of a table of mixtures of experts: whether a file is one, and printing of the answer."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.output.tables import print_facts, print_json, print_table
from isoflop.errors import InputError
from isoflop.fit.experts import ExpertFit
from isoflop.observations.expert_rows import ExpertRows, expert_rows
from isoflop.observations.file_formats import read_table
from isoflop.units import format_number, format_quantity, percent


def rows_with_experts(file: Path) -> ExpertRows | None:
    """Returns the runs of a table of experts; None for logs, folders, and tables without experts.

    Raises InputError for a table of experts with cells that are no positive numbers.
    """
    if not file.is_file():
        return None
    try:
        table = read_table(file)
    except InputError:
        return None  # a log, or what the reader of observations refuses with its own reasons
    return expert_rows(table)


def print_expert_fit(fit: ExpertFit, file: Path, *, as_json: bool) -> None:
    """Prints the law, and how well each next size was predicted."""
    if as_json:
        print_json(fit.as_json())
        return
    law = fit.law
    term = f" + {format_number(law.B)} D^-{law.beta:.3f}" if law.B else ""
    facts = [
        ("Law", f"E + A N^-(alpha - gamma) T^-gamma{' + B D^-beta' if law.B else ''}, N active and T total parameters"),
        ("", f"{law.E:.4f} + {format_number(law.A)} N^-{law.alpha - law.gamma:.3f} T^-{law.gamma:.3f}{term}"),
    ]
    if law.expert_share is not None:
        facts.append(("Total", f"N (1 + {law.expert_share:.2f} (experts - 1)): the share is fitted"))
    if not law.B:
        facts.append(("Tokens", "not in the table, or equal in all rows: what they cost is in E"))
    facts.append(("Scatter", f"{percent(fit.residual_sd)} of the loss"))
    print_facts(facts, title=f"{file.name}: {len(fit.rows)} runs of mixtures of experts")
    click.echo()
    print_table(
        ["Next size, from the smaller ones", "runs", "R2", "at most", "error"],
        [
            [
                format_quantity(past.params),
                str(past.rows),
                f"{past.r_squared:.3f}",
                f"{past.ceiling:.3f}",
                f"{100 * past.mean_error:+.2f} %",
            ]
            for past in fit.past
        ],
    )
