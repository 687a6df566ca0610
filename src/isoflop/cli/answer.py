"""How answers are printed: JSON for programs, short tables for people; answers on stdout, warnings on stderr."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from isoflop.errors import Notice


def print_json(answer: dict[str, Any]) -> None:
    """One JSON object on stdout, sorted keys. NaN and infinity are our mistakes: absent numbers are None."""
    click.echo(json.dumps(answer, sort_keys=True, indent=2, allow_nan=False))


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    text: Collection[int] = (0,),
    wrap: Collection[int] | None = None,
) -> None:
    """A table on stdout: the columns numbered in `text` to the left, numbers to the right.

    The columns numbered in `wrap` may wrap; without it the last one.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, show_edge=False)
    wraps = {len(header) - 1} if wrap is None else set(wrap)
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number in text else "right", no_wrap=number not in wraps)
    for row in rows:
        table.add_row(*row)
    _console(Console).print(table)


def print_facts(facts: Iterable[tuple[str, str]], *, title: str = "") -> None:
    """Two columns on stdout: what, and its value with its unit; values wrap at the terminal's width."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False, title=title or None, title_justify="left", pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, value)
    _console(Console).print(table)


def print_notices(notices: Iterable[Notice]) -> None:
    """Each warning on stderr, a line each."""
    for notice in dict.fromkeys(notices):
        click.echo(f"warning: {notice.message} [{notice.code}]", err=True)


def _console(console_type: Any) -> Any:
    # No markup: names may hold square brackets. No highlight: numbers need no colours.
    return console_type(markup=False, highlight=False, emoji=False)


def print_view(view: dict[str, Any]) -> None:
    """A study's answer as a short table on stdout."""
    from rich.console import Console

    from isoflop.report import text_report

    _console(Console).print(text_report(view))
