"""One section of the reproduced papers, as plain values: the printed numbers, those computed now, why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isoflop.codec import JsonObject, to_json
from isoflop.paper.printed import Printed
from isoflop.units import format_flops, format_number, format_quantity

How = Literal["words", "quantity", "flops", "loss", "gap", "share", "exponent", "digits", "short", "unwritten"]
"""How the values of a column are written; `unwritten` ones are in JSON only."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A printed number compared with ours."""

    what: str
    """What is counted or predicted, in few words."""
    published: Printed
    ours: float
    """In the unit of `published.value`."""
    why: str = ""
    """Why ours does not round to the printed digits; empty where it does."""

    @property
    def difference(self) -> float:
        """Ours over the printed number, less 1."""
        return self.ours / self.published.value - 1

    @property
    def same_digits(self) -> bool:
        """Whether ours rounds to what is printed."""
        return self.published.rounds_to(self.ours)

    def texts(self) -> tuple[str, str, str, str]:
        """(what, published, ours with a digit more, difference)."""
        return self.what, self.published.text, self.published.like(self.ours), self._difference_text()

    def _difference_text(self) -> str:
        if self.same_digits:
            return "same"
        size = 100 * self.difference
        return f"{format_number(size, 2, sign=True)} %" if abs(size) < 10 else f"{size:+.0f} %"

    def as_json(self) -> JsonObject:
        """{what, published, published_text, ours, difference, same_digits, why}."""
        return {
            "what": self.what,
            "published": self.published.value,
            "published_text": self.published.text,
            "ours": self.ours,
            "difference": self.difference,
            "same_digits": self.same_digits,
            "why": self.why,
        }


@dataclass(frozen=True, kw_only=True)
class Span:
    """A number with its interval."""

    value: float
    low: float
    high: float


Cell = str | float | Span | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a grid."""

    name: str
    """Key of its values in JSON."""
    title: str
    how: How = "words"
    """How its values are written."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of numbers that no paper prints: predictions of published laws."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    detail: bool = False
    """Whether it is left out where all sections are shown together in a terminal."""

    @property
    def written(self) -> tuple[Column, ...]:
        """The columns that are shown."""
        return tuple(column for column in self.columns if column.how != "unwritten")

    @property
    def heads(self) -> tuple[str, ...]:
        """The titles of the columns that are shown."""
        return tuple(column.title for column in self.written)

    @property
    def words(self) -> tuple[int, ...]:
        """Numbers of the shown columns that hold words, and are aligned to the left."""
        return tuple(number for number, column in enumerate(self.written) if column.how == "words")

    def texts(self) -> list[tuple[str, ...]]:
        """The rows as they are written, under `heads`."""
        return [
            tuple(
                cell_text(cell, column.how)
                for cell, column in zip(row, self.columns, strict=True)
                if column.how != "unwritten"
            )
            for row in self.rows
        ]

    def as_json(self) -> JsonObject:
        """{title, rows: [{column: value}]}; a number with an interval is {value, low, high}."""
        names = [column.name for column in self.columns]
        rows = [dict(zip(names, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": to_json(rows)}


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table or claim of a paper, reproduced."""

    name: str
    """As `isoflop paper --table NAME` takes it."""
    title: str
    source: str
    """Paper and place of what is printed."""
    lead: str
    """The result, in a sentence or two."""
    compared: tuple[Compared, ...] = ()
    grids: tuple[Grid, ...] = ()
    most: int | None = None
    """How many of `compared`, the furthest apart first, are shown where all sections stand together in a terminal."""
    missing: str = ""
    """What is missing and how to get it; empty where nothing is."""

    @property
    def same_digits(self) -> int:
        """How many of `compared` round to what is printed."""
        return sum(one.same_digits for one in self.compared)

    def as_json(self) -> JsonObject:
        """The object of `isoflop paper --json`."""
        return {
            "title": self.title,
            "source": self.source,
            "lead": self.lead,
            "compared": to_json(self.compared),
            "grids": to_json(self.grids),
            "missing": self.missing or None,
        }


def cell_text(cell: Cell, how: How) -> str:
    """A cell as it is written; a dash where there is no number.

    >>> cell_text(Span(value=1.54e11, low=1.4e11, high=1.7e11), "quantity"), cell_text(0.5788, "share")
    ('154B (140B to 170B)', '57.9 %')
    """
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Span):
        return f"{_written(cell.value, how)} ({_written(cell.low, how)} to {_written(cell.high, how)})"
    return _written(cell, how)


def _written(value: float, how: How) -> str:
    if how in ("digits", "short"):
        digits = 6 if how == "digits" else 4
        return format_quantity(value, digits) if abs(value) >= 1e6 else format_number(value, digits)
    if how == "gap":
        return format_number(value, 2) if abs(value) < 1e-3 else f"{value:.4f}"
    texts = {"loss": f"{value:.4f}", "share": f"{format_number(100 * value)} %", "exponent": f"{value:.3f}"}
    return texts.get(how) or (format_flops(value) if how == "flops" else format_quantity(value))
