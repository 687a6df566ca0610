"""The answer as a short table in the terminal; reads well from 60 columns on."""

from __future__ import annotations

from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from isoflop.report.figures.answer import Fact, Grid, answer
from isoflop.report.figures.record import status_counts
from isoflop.report.view import View


def text_report(view: View) -> RenderableType:
    """The same answer as at the top of the page, for `rich.print`."""
    found = answer(view)
    parts: list[RenderableType] = [Text(sentence) for sentence in found.sentences]
    parts += [Text(f"! {sentence}", style="yellow") for sentence in found.unsaid]
    for heading, facts in found.groups:
        parts += [Text(f"\n{heading}", style="bold"), _facts(facts)]
    for grid in found.grids:
        parts += [Text(f"\n{grid.heading}", style="bold"), _grid(grid)]
        if grid.note:
            parts.append(Text(grid.note, style="dim"))
    counts = ", ".join(f"{count} {status}" for status, count in status_counts(view).items())
    if counts:
        parts.append(Text(f"\nRuns: {counts}."))
    return Group(*parts)


def plain_report(view: View, width: int = 80) -> str:
    """`text_report` as plain text of at most `width` columns."""
    file = StringIO()
    Console(file=file, width=width, color_system=None, force_terminal=False).print(text_report(view))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _facts(facts: tuple[Fact, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for fact in facts:
        value = Text(fact.value)
        if fact.note:
            value.append(f"  {fact.note}", style="dim")
        table.add_row(Text(fact.label), value)
    return table


def _grid(grid: Grid) -> Table:
    table = Table(box=None, show_header=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for i, column in enumerate(grid.columns):
        table.add_column(column, overflow="fold", justify="left" if i == 0 else "right")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table
