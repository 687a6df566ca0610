"""Printing of answers: JSON for programs, short tables for readers; answers on stdout, warnings on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click

from isoflop.cli.output.wrapping import wrapped_for
from isoflop.codes import weight_of
from isoflop.errors import printable, screenful

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from isoflop.codes import Grade
    from isoflop.errors import Notice
    from isoflop.report.record import StudyRecord

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
    from isoflop.report.terminal_tables import columns_table

    console, cells = _console(), [tuple(map(printable, row)) for row in rows]
    wraps = {len(header) - 1} if wrap is None else set(wrap)
    shown = _columns_that_fit([tuple(header), *cells], wraps, spare, console.width)
    if not shown:
        _print_blocks(header, cells, title=title)
        return
    place = {number: column for column, number in enumerate(shown)}
    table = columns_table(
        [header[number] for number in shown],
        [[row[number] for number in shown] for row in cells],
        title=title,
        text={place[number] for number in text if number in place},
        wrap={place[number] for number in wraps if number in place},
    )
    _print(console, table)
    if omitted := [name for number, name in enumerate(header) if number not in shown]:
        print_text(f"A wider terminal also shows {', '.join(omitted)}.")


def _columns_that_fit(
    rows: Sequence[Sequence[str]], wraps: Collection[int], spare: Collection[int], width: int
) -> list[int]:
    """Returns the columns that fit `width` without cutting a word; none where omitting the spare ones is not enough."""
    from isoflop.report.terminal_tables import BETWEEN

    least = [
        max(max(map(len, cell.split() if number in wraps else [cell]), default=0) for cell in column)
        for number, column in enumerate(zip(*rows, strict=True))
    ]
    shown = list(range(len(least)))
    for number in (None, *sorted(spare, reverse=True)):
        shown = [column for column in shown if column != number]
        if sum(least[column] for column in shown) + BETWEEN * (len(shown) - 1) <= width:
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
    """Prints a line on stdout or stderr, in a terminal wrapped at its width.

    Control characters are escaped: it may contain the name of a file or a run.
    """
    click.echo(wrapped_for(sys.stderr if err else sys.stdout, printable(line)), err=err)


def print_facts(facts: Iterable[tuple[str, str]], *, title: str = "") -> None:
    """Prints names and values in two columns on stdout; values wrap at the terminal's width."""
    from isoflop.report.terminal_tables import facts_table, verdict

    table = facts_table(((printable(name), verdict(screenful(value))) for name, value in facts), title=title)
    _print(_console(), table)


def print_notices(notices: Iterable[Notice]) -> None:
    """Prints each notice once on stderr, the weightiest first: warnings, then notes, dim in a terminal.

    In a terminal they are wrapped at its width; elsewhere each is one line.
    """
    ranks = {"unsound": 0, "care": 1, "note": 2}
    shown = sorted(dict.fromkeys(notices), key=lambda notice: ranks[weight_of(notice.code)])
    for notice in shown:
        weight = weight_of(notice.code)
        line = screenful(f"{'note' if weight == 'note' else 'warning'}: {notice.message} [{notice.code}]")
        if sys.stderr.isatty():
            width = min(shutil.get_terminal_size().columns, _WIDEST_TEXT)
            line = textwrap.fill(line, width=width, subsequent_indent="  ", break_on_hyphens=False)
            word, rest = line[: line.index(":") + 1], line[line.index(":") + 1 :]
            colour = {"unsound": "red", "care": "yellow"}.get(weight)
            line = _styled(word, fg=colour, dim=colour is None) + _styled(rest, dim=True)
        click.echo(line, err=True)
    if sys.stderr.isatty() and shown:
        click.echo(_styled("isoflop explain CODE says what to do about each.", dim=True), err=True)


def _styled(text: str, *, fg: str | None = None, dim: bool = False) -> str:
    """`text` in a colour, where the terminal has colours and NO_COLOR is not set, as rich has it for the rest."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
    return text if plain else click.style(text, fg=fg, dim=dim or None)


def grade_facts(grade: Grade) -> list[tuple[str, str]]:
    """Returns the rows of a grade: its word, then what would raise it, a code a row."""
    word, *remedies = grade.lines()
    return [("Grade", word), *(("", line) for line in remedies)]


def _print(console: Console, renderable: RenderableType) -> None:
    """Prints on stdout; in a pipe without the spaces that pad each line."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_rich(renderable: RenderableType) -> None:
    """Prints a text or table of rich on stdout, at the terminal's width (80 columns in a pipe)."""
    _print(_console(), renderable)


def _console() -> Console:
    from rich.console import Console

    # no markup: names may contain square brackets; no highlighting: numbers need no colours
    return Console(markup=False, highlight=False, emoji=False)


def print_study(record: StudyRecord) -> None:
    """A study's summary as a short table on stdout."""
    from isoflop.report.text import study_text

    print_rich(study_text(record))
