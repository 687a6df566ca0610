"""Printing of a comparison of two recipes: the verdict, then what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import click

from isoflop.cli.output.tables import grade_facts, print_facts, print_table, print_text
from isoflop.codes import grade_of
from isoflop.compare import Comparison
from isoflop.plan import CostEstimate
from isoflop.report.comparison_tables import (
    audit_table,
    basis_facts,
    noise_facts,
    parts_table,
    saved_facts,
    set_table,
    slope_facts,
)
from isoflop.report.comparison_words import headline
from isoflop.report.panel import SmallTable


def print_comparison(comparison: Comparison) -> None:
    """Prints the verdict in a sentence, what differs, the table of evaluation sets, and what the intervals hold."""
    print_text(headline(comparison))
    print_facts(grade_facts(grade_of(notice.code for notice in comparison.notices)))
    _print_table(audit_table(comparison), text=range(4), wrap=range(4))
    _print_table(set_table(comparison), text=(0, 4), wrap=(0, 4), spare=(3,))
    facts = [
        *basis_facts(comparison),
        *saved_facts(comparison),
        *noise_facts(comparison.noise),
        *slope_facts(comparison),
    ]
    if facts:
        click.echo()
        print_facts([(fact.label, fact.value) for fact in facts])
    _print_table(parts_table(comparison), text=(0,), wrap=(0,))


def print_all_against_one(found: Sequence[Comparison]) -> None:
    """Prints a table of several recipes against one baseline, the best first, and the caution about the best."""
    first, count = found[0], len(found)
    print_text(headline(first))
    if count > 1:
        print_text(
            f"The best of {count} looks better than it is: part of its lead is luck. Run it again with fresh seeds "
            "before you rely on it."
        )
    rows = [(one.b, *row) for one in found for row in set_table(one).rows]
    table = set_table(first)
    _print_table(
        SmallTable(
            heading=f"Against {first.a}",
            columns=("recipe", *table.columns),
            rows=tuple(rows),
            note=table.note.replace(first.b, "the recipe"),
        ),
        text=(0, 1, 5),
        wrap=(0, 1, 5),
        spare=(4,),
    )
    facts = noise_facts(first.noise)
    if facts:
        click.echo()
        print_facts([(fact.label, fact.value) for fact in facts])


def print_cost(one_flop: CostEstimate) -> None:
    """Prints by which price FLOPs became money."""
    share = one_flop.utilization
    reached = f"{share.low:.0%} to {share.high:.0%}" if share.is_range else f"{share.expected:.0%}"
    if one_flop.price_per_hour is None:
        print_text("Money: no price of this device is known; give --price-per-hour.")
        return
    source = "as given" if share.is_given else "the range of published large runs"
    sign = "" if one_flop.price_source == "given" else "$"
    print_text(
        f"Money: {sign}{one_flop.price_per_hour:.2f} a device-hour ({one_flop.price_source}), {reached} of the peak "
        f"({source}); FLOPs as the runs count them."
    )


def _print_table(
    table: SmallTable | None, *, text: Sequence[int], wrap: Sequence[int], spare: Sequence[int] = ()
) -> None:
    """Prints a table after an empty line, with its note; nothing for None."""
    if table is None or not table.rows:
        return
    click.echo()
    columns = range(len(table.columns))
    print_table(
        table.columns,
        table.rows,
        title=table.heading,
        text=[number for number in text if number in columns],
        wrap=[number for number in wrap if number in columns],
        spare=spare,
    )
    if table.note:
        print_text(table.note)
