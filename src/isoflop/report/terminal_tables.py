"""The one look of answers in a terminal: names with values, tables under a line, and colours that words say too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

BETWEEN = 2
"""Spaces between two columns of a table of numbers."""
_STYLES = {
    "sound": "green",
    "with care": "yellow",
    "do not use": "red",
    "caution": "yellow",
    "refused": "red",
    "inside the interval": "green",
    "outside the interval": "yellow",
}
"""{how a value begins or ends: its colour}."""


def verdict(text: str) -> Text:
    """A value, coloured where it begins or ends with a grade or a verdict."""
    for words, style in _STYLES.items():
        if text.startswith(words) or text.endswith(words):
            return Text(text, style=style)
    return Text(text)


def facts_table(facts: Iterable[tuple[str, Text]], *, title: str = "") -> Table:
    """Names, which do not wrap, and values, which do."""
    table = Table(box=None, show_header=False, title=title or None, title_justify="left", pad_edge=False)
    table.title_style = "bold"
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(name), value)
    return table


def columns_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    text: Collection[int] = (0,),
    wrap: Collection[int] = (),
) -> Table:
    """A row a line under a header. Columns numbered in `text` are aligned left, the others right; `wrap` may wrap."""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.title_style = "bold"
    for number, name in enumerate(header):
        justify: Literal["left", "right"] = "left" if number in text else "right"
        table.add_column(name, justify=justify, no_wrap=number not in wrap)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
