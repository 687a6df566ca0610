"""Printing of the ledger of forecasts."""

from __future__ import annotations

import click

from isoflop.cli.output.tables import print_facts, print_table, print_text
from isoflop.ledger import Ledger
from isoflop.report.ledger_tables import (
    backtest_table,
    coverage_table,
    entry_table,
    not_counted_table,
    reach_table,
    summary_facts,
)
from isoflop.report.ledger_words import headline, lean_sentence
from isoflop.report.panel import SmallTable


def print_ledger(ledger: Ledger) -> None:
    """Prints the answer in sentences, then hits, forecasts, what does not count, and backtests."""
    print_text(headline(ledger))
    for summary in ledger.kinds:
        if sentence := lean_sentence(summary):
            print_text(sentence)
    if not ledger.entries:
        return
    print_facts(summary_facts(ledger))
    _print(coverage_table(ledger), text=(0, 3))
    _print(entry_table(ledger.counted, "Forecasts that count"), spare=(2, 4))
    _print(reach_table(ledger), text=(0, 1))
    _print(not_counted_table(ledger), text=(0, 1, 2))
    _print(backtest_table(ledger), spare=(1, 3))


def _print(table: SmallTable, *, text: tuple[int, ...] = (0,), spare: tuple[int, ...] = ()) -> None:
    """Prints a table with its note; nothing where it has no rows."""
    if not table.rows:
        return
    click.echo()
    print_table(table.columns, table.rows, title=table.heading, text=text, spare=spare)
    if table.note:
        print_text(table.note)
