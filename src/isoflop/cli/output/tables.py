"""Printing of answers: JSON for programs, short tables for readers; answers on stdout, warnings on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Literal

import click

from isoflop.codes import weight_of
from isoflop.errors import printable, screenful

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from isoflop.codes import Grade
    from isoflop.errors import Notice
    from isoflop.report.record import StudyRecord

_BETWEEN = 3
"""Spaces between two columns of a table."""
_WIDEST_TEXT = 100
_PIECES = 65_536


def print_json(answer: Mapping[str, object]) -> None:
    """Prints one JSON object with sorted keys on stdout. Raises ValueError for NaN and infinity.

    The text is joined in blocks, since a million dropped rows are 40 million pieces, and printed only when it is
    complete.
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
    """Prints a table on stdout: columns numbered in `text` are aligned left, the others right.

    The columns numbered in `wrap` may wrap; by default the last one. Nothing is cut: where the terminal is too narrow,
    columns of `spare` are omitted, the last first, and named below the table; where that is not enough, each row
    becomes a block of lines.
    """
    from rich import box
    from rich.table import Table

    console, cells = _console(), [tuple(map(printable, row)) for row in rows]
    wraps = {len(header) - 1} if wrap is None else set(wrap)
    shown = _columns_that_fit([tuple(header), *cells], wraps, spare, console.width)
    if not shown:
        _print_blocks(header, cells, title=title)
        return
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, show_edge=False)
    for number in shown:
        justify: Literal["left", "right"] = "left" if number in text else "right"
        table.add_column(header[number], justify=justify, no_wrap=number not in wraps)
    for row in cells:
        table.add_row(*(row[number] for number in shown))
    _print(console, table)
    if omitted := [name for number, name in enumerate(header) if number not in shown]:
        print_text(f"A wider terminal also shows {', '.join(omitted)}.")


def _columns_that_fit(
    rows: Sequence[Sequence[str]], wraps: Collection[int], spare: Collection[int], width: int
) -> list[int]:
    """Returns the columns that fit `width` without cutting a word; none where omitting the spare ones is not enough."""
    least = [
        max(max(map(len, cell.split() if number in wraps else [cell]), default=0) for cell in column)
        for number, column in enumerate(zip(*rows, strict=True))
    ]
    shown = list(range(len(least)))
    for number in (None, *sorted(spare, reverse=True)):
        shown = [column for column in shown if column != number]
        if sum(least[column] for column in shown) + _BETWEEN * (len(shown) - 1) <= width:
            return shown
    return []


def _print_blocks(header: Sequence[str], rows: Sequence[Sequence[str]], *, title: str) -> None:
    """Prints each row as a block: its first cell, and below it the others, each after the name of its column."""
    if title:
        print_text(title)
    for name, *cells in rows:
        print_text(name)
        named = zip(header[1:], cells, strict=True)
        print_facts([(f"  {column}", cell) for column, cell in named if cell])


def print_text(text: str, indent: str = "") -> None:
    """Prints a paragraph on stdout, wrapped at the terminal's width, with `indent` before all lines but the first."""
    text = printable(text)
    width = min(shutil.get_terminal_size().columns, _WIDEST_TEXT)
    click.echo(textwrap.fill(text, width=width, subsequent_indent=indent, break_on_hyphens=False))


def say(line: str, *, err: bool = False) -> None:
    """Prints a line on stdout or stderr. Control characters are escaped: it may contain the name of a file or a run."""
    click.echo(printable(line), err=err)


def print_facts(facts: Iterable[tuple[str, str]], *, title: str = "") -> None:
    """Prints names and values in two columns on stdout; values wrap at the terminal's width."""
    from rich.table import Table

    table = Table(box=None, show_header=False, title=title or None, title_justify="left", pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(printable(name), screenful(value))
    _print(_console(), table)


def print_notices(notices: Iterable[Notice]) -> None:
    """Prints each notice once on stderr, the weightiest first: warnings, then notes, dim in a terminal.

    In a terminal they are wrapped at its width; elsewhere each is one line.
    """
    ranks = {"unsound": 0, "care": 1, "note": 2}
    shown = sorted(dict.fromkeys(notices), key=lambda notice: ranks[weight_of(notice.code)])
    for notice in shown:
        is_note = weight_of(notice.code) == "note"
        line = screenful(f"{'note' if is_note else 'warning'}: {notice.message} [{notice.code}]")
        if sys.stderr.isatty():
            width = min(shutil.get_terminal_size().columns, _WIDEST_TEXT)
            line = textwrap.fill(line, width=width, subsequent_indent="  ", break_on_hyphens=False)
            line = click.style(line, dim=is_note)
        click.echo(line, err=True)
    if sys.stderr.isatty() and shown:
        click.echo(click.style("isoflop explain CODE says what to do about each.", dim=True), err=True)


def grade_fact(grade: Grade) -> tuple[str, str]:
    """Returns the row of a grade: its word and the codes that set it."""
    return "Grade", grade.word + (f": {', '.join(grade.codes)}" if grade.codes else "")


def _print(console: Console, renderable: RenderableType) -> None:
    """Prints on stdout; in a pipe without the spaces that pad each line."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _console() -> Console:
    from rich.console import Console

    # no markup: names may contain square brackets; no highlighting: numbers need no colours
    return Console(markup=False, highlight=False, emoji=False)


def print_study(record: StudyRecord) -> None:
    """A study's summary as a short table on stdout."""
    from isoflop.report.text import study_text

    _print(_console(), study_text(record))
