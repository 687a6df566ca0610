"""How answers are printed: JSON for programs, short tables for people; answers on stdout, warnings on stderr."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import click

from isoflop.errors import printable, screenful

if TYPE_CHECKING:
    from isoflop.errors import Notice

_BETWEEN = 3
"""Columns of the terminal between two of a table."""
_WIDEST_TEXT = 100
_PIECES = 65_536


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on stdout, sorted keys. NaN and infinity are our mistakes: absent numbers are None.

    Joined by blocks, as a million rows that were left out are 40 million pieces, and nothing is printed before all is
    made.
    """
    pieces = json.JSONEncoder(sort_keys=True, indent=2, allow_nan=False).iterencode(answer)
    blocks = []
    while block := "".join(islice(pieces, _PIECES)):
        blocks.append(block)
    for block in blocks:
        click.echo(block, nl=False)
    click.echo()


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    text: Collection[int] = (0,),
    wrap: Collection[int] | None = None,
    spare: Collection[int] = (),
) -> None:
    """A table on stdout: the columns numbered in `text` to the left, numbers to the right.

    The columns numbered in `wrap` may wrap; without it the last one. Nothing is cut: where the terminal is too narrow,
    columns of `spare` are left out and named below, the last first, and where that is not enough a row is a block.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console, made = _console(Console), [tuple(map(printable, row)) for row in rows]
    wraps = {len(header) - 1} if wrap is None else set(wrap)
    kept = _columns_that_fit([tuple(header), *made], wraps, spare, console.width)
    if not kept:
        _print_blocks(header, made, title=title)
        return
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, show_edge=False)
    for number in kept:
        justify: Literal["left", "right"] = "left" if number in text else "right"
        table.add_column(header[number], justify=justify, no_wrap=number not in wraps)
    for row in made:
        table.add_row(*(row[number] for number in kept))
    console.print(table)
    if left := [name for number, name in enumerate(header) if number not in kept]:
        print_text(f"A wider terminal shows {', '.join(left)} too.")


def _columns_that_fit(
    rows: Sequence[Sequence[str]], wraps: Collection[int], spare: Collection[int], width: int
) -> list[int]:
    """Numbers of the columns that `width` has room for without cutting a word; none where too few can be left out."""
    least = [
        max(max(map(len, cell.split() if number in wraps else [cell]), default=0) for cell in column)
        for number, column in enumerate(zip(*rows, strict=True))
    ]
    kept = list(range(len(least)))
    for number in (None, *sorted(spare, reverse=True)):
        kept = [column for column in kept if column != number]
        if sum(least[column] for column in kept) + _BETWEEN * (len(kept) - 1) <= width:
            return kept
    return []


def _print_blocks(header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str) -> None:
    """A block a row: its first cell, and below it each other one behind its column's name."""
    if title:
        print_text(title)
    for name, *cells in rows:
        print_text(name)
        named = zip(header[1:], cells, strict=True)
        print_facts([(f"  {column}", cell) for column, cell in named if cell])


def print_text(text: str, indent: str = "") -> None:
    """A paragraph on stdout, broken at the terminal's width, its lines after the first behind `indent`."""
    text = printable(text)
    width = min(shutil.get_terminal_size().columns, _WIDEST_TEXT)
    click.echo(textwrap.fill(text, width=width, subsequent_indent=indent, break_on_hyphens=False))


def say(line: str, *, err: bool = False) -> None:
    """A line that may hold the name of a file or a run, on stdout or stderr, as a terminal may be sent it."""
    click.echo(printable(line), err=err)


def print_facts(facts: Iterable[tuple[str, str]], *, title: str = "") -> None:
    """Two columns on stdout: what, and its value with its unit; values wrap at the terminal's width."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, title=title or None, title_justify="left", pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(printable(name), screenful(value))
    _console(Console).print(table)


def print_notices(notices: Iterable[Notice]) -> None:
    """Each warning on stderr, a line each."""
    for notice in dict.fromkeys(notices):
        click.echo(screenful(f"warning: {notice.message} [{notice.code}]"), err=True)


def _console(console_type: Any) -> Any:
    # No markup: names may hold square brackets. No highlight: numbers need no colours.
    return console_type(markup=False, highlight=False, emoji=False)


def print_view(view: dict[str, Any]) -> None:
    """A study's answer as a short table on stdout."""
    from rich.console import Console

    from isoflop.report import text_report

    _console(Console).print(text_report(view))
