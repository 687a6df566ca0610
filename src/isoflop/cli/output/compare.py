"""Printing of a comparison of two recipes: the verdict, then what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.text import Text

from isoflop.cli.output.tables import grade_facts, print_facts, print_rich, print_table, print_text
from isoflop.codes import grade_of
from isoflop.compare import Comparison
from isoflop.plan import Cluster
from isoflop.report.comparison_audit import audit_facts, audit_table
from isoflop.report.comparison_tables import (
    basis_facts,
    next_facts,
    noise_facts,
    parts_table,
    saved_facts,
    set_table,
    slope_table,
)
from isoflop.report.comparison_words import headline
from isoflop.report.panel import SmallTable
from isoflop.report.panels.all_recipes import BEST_IS_LUCKY, recipe_tables

_FEW = 4  # columns: a table of so many has none to spare
_SPARE = ("slope in ", "loss", "lowest E", "fitted E", "highest E")
"""Columns that a narrow terminal leaves out, the last first."""
_WORDS = ("", "evaluation set", "recipe", "verdict")
"""Columns of words, which may wrap; the others hold numbers."""


def print_comparison(comparison: Comparison) -> None:
    """Prints the verdict in a sentence, what differs, the table of evaluation sets, and what the intervals hold."""
    print_text(headline(comparison))
    print_facts(grade_facts(grade_of(notice.code for notice in comparison.notices)))
    _print_table(audit_table(comparison), words=(comparison.a, comparison.b))
    _print_table(set_table(comparison))
    facts = [
        *audit_facts(comparison),
        *basis_facts(comparison),
        *next_facts(comparison),
        *saved_facts(comparison),
        *noise_facts(comparison.noise, comparison.loss_unit),
    ]
    if facts:
        click.echo()
        print_facts([(fact.label, fact.value) for fact in facts])
    _print_table(slope_table(comparison))
    _print_table(parts_table(comparison))


def print_all_against_one(found: Sequence[Comparison]) -> None:
    """Prints a table of several recipes against one baseline, the best first, and the caution about the best."""
    first, count = found[0], len(found)
    print_text(headline(first))
    if count > 1:
        print_text(BEST_IS_LUCKY.format(count=count))
    for table in recipe_tables(found):
        _print_table(table)
    facts = noise_facts(first.noise, first.loss_unit)
    if facts:
        click.echo()
        print_facts([(fact.label, fact.value) for fact in facts])


def print_cost(cluster: Cluster) -> None:
    """Prints by which price FLOPs became money."""
    device, share = cluster.hardware, cluster.utilization
    if device.price_per_hour is None:
        print_text(f"Money: no price of {device.name} is known; give --price-per-hour.")
        return
    reached = f"{share.low:.0%} to {share.high:.0%}" if share.is_range else f"{share.expected:.0%}"
    reached = reached.replace("%", " %")
    source = "as given" if share.is_given else "of whole published runs"
    sign = "" if device.price_source == "given" else "$"
    print_text(
        f"Money: {sign}{device.price_per_hour:.2f} an hour of {device.name} ({device.price_source}), {reached} of the "
        f"peak ({source}); FLOPs as the runs count them."
    )


def _print_table(table: SmallTable | None, words: Sequence[str] = ()) -> None:
    """Prints a table after an empty line, with its note; nothing for None. `words` are more columns of words."""
    if table is None or not table.rows:
        return
    click.echo()
    text = [place for place, name in enumerate(table.columns) if name in (*_WORDS, *words)]
    spare = [place for place, name in enumerate(table.columns) if name.startswith(_SPARE)]
    several = len(table.columns) > _FEW
    print_rich(Text(table.heading, style="bold"))
    print_table(table.columns, table.rows, text=text, wrap=text, spare=spare if several else ())
    if table.note:
        print_text(table.note)
