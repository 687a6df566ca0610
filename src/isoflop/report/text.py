"""The answer as a short table in the terminal; reads well from 60 columns on."""

from __future__ import annotations

from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from isoflop.report.figures.answer import Answer, answer
from isoflop.report.figures.record import status_counts
from isoflop.report.view import View


def text_report(view: View) -> RenderableType:
    """The same answer as at the top of the page, for `rich.print`."""
    found = answer(view)
    parts: list[RenderableType] = [Text(sentence) for sentence in found.sentences]
    parts += [Text(f"! {sentence}", style="yellow") for sentence in found.unsaid]
    counts = ", ".join(f"{count} {status}" for status, count in status_counts(view).items())
    parts.append(_facts(found))
    if counts:
        parts.append(Text(f"Runs: {counts}."))
    return Group(*parts)


def plain_report(view: View, width: int = 80) -> str:
    """`text_report` as plain text of at most `width` columns."""
    console = Console(file=StringIO(), width=width, color_system=None, force_terminal=False)
    console.print(text_report(view))
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _facts(found: Answer) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", min_width=14, max_width=22)
    table.add_column()
    for heading, facts in found.groups:
        table.add_row("", "")
        table.add_row(Text(heading, style="bold not dim"), "")
        for fact in facts:
            value = Text(fact.value)
            if fact.note:
                value.append(f"  {fact.note}", style="dim")
            table.add_row(Text(fact.label), value)
    return table
