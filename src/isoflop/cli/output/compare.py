"""Printing of a comparison of two recipes: the verdict, then what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import click

from isoflop.cli.output.tables import grade_facts, print_facts, print_table, print_text
from isoflop.codes import grade_of
from isoflop.compare import Comparison
from isoflop.report.comparison_words import (
    audit_table,
    headline,
    noise_facts,
    parts_table,
    reason_facts,
    saved_facts,
    set_table,
)
from isoflop.report.panel import KeyValue, SmallTable


def print_comparison(comparison: Comparison) -> None:
    """Prints the verdict in a sentence, what differs, the table of evaluation sets, and what the intervals hold."""
    print_text(headline(comparison))
    print_facts(grade_facts(grade_of(notice.code for notice in comparison.notices)))
    _print_table(audit_table(comparison), text=(0, 1, 2), wrap=(0, 1, 2))
    _print_table(set_table(comparison), text=(0, 4), wrap=(0, 4), spare=(3,))
    facts = [
        *reason_facts(comparison),
        *saved_facts(comparison.saved, comparison),
        *noise_facts(comparison.noise),
    ]
    if facts:
        click.echo()
        print_facts(_rows(facts))
    _print_table(parts_table(comparison), text=(0,), wrap=(0,))


def _rows(facts: Sequence[KeyValue]) -> list[tuple[str, str]]:
    return [(fact.label, fact.value) for fact in facts]


def _print_table(
    table: SmallTable | None, *, text: Sequence[int], wrap: Sequence[int], spare: Sequence[int] = ()
) -> None:
    """Prints a table after an empty line, with its note; nothing for None."""
    if table is None or not table.rows:
        return
    click.echo()
    print_table(table.columns, table.rows, title=table.heading, text=text, wrap=wrap, spare=spare)
    if table.note:
        print_text(table.note)
