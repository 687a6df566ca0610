"""The ledger of forecasts as a page of Markdown, the same whenever it is made from the same files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from isoflop.errors import printable
from isoflop.ledger import Entry, Ledger
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

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#])")


def ledger_markdown(ledger: Ledger, command: str) -> str:
    """The page, which says that `command` made it."""
    lines = [
        "# Ledger of forecasts",
        "",
        f"Made by `{command}`: what was predicted before it was known, what came, and how often the intervals held it.",
        "",
        headline(ledger),
        *(line for one in ledger.kinds if (line := lean_sentence(one))),
        "",
        *(f"- {name}: {value}" for name, value in summary_facts(ledger)),
        *_table(coverage_table(ledger), words=(0, 3)),
        *_table(entry_table(ledger.counted, "Forecasts that count"), words=(0, 1)),
        *_origins(ledger.counted),
        *_table(reach_table(ledger), words=(0, 1)),
        *_table(not_counted_table(ledger), words=(0, 1, 2)),
        *_table(backtest_table(ledger), words=(0,)),
    ]
    if ledger.notices:
        lines += ["", "## Warnings", "", *(f"- {_plain(one.message)} (`{one.code}`)" for one in ledger.notices)]
    return "\n".join(lines) + "\n"


def _table(table: SmallTable, words: tuple[int, ...]) -> list[str]:
    """A section with the table and its note; nothing where it has no rows."""
    if not table.rows:
        return []
    marks = ["---" if number in words else "---:" for number in range(len(table.columns))]
    rows = [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in table.rows]
    note = ["", table.note] if table.note else []
    heading = f"| {' | '.join(table.columns)} |"
    return ["", f"## {table.heading}", "", heading, f"|{'|'.join(marks)}|", *rows, *note]


def _origins(entries: Sequence[Entry]) -> list[str]:
    """What each forecast was made from, and how it is known that it came first."""
    if not entries:
        return []
    return ["", *(f"- {_plain(one.name)}: from {_plain(one.made_from)}; {_plain(one.evidence)}" for one in entries)]


def _plain(text: str) -> str:
    """`text` with the marks of Markdown and HTML escaped: it may be anybody's."""
    return _MARKS.sub(r"\\\1", printable(text))
