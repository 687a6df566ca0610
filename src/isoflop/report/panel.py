"""What a page is made of: panels with drawings and tables, key and value pairs, small tables, the summary on top."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.report.drawing import Drawing


@dataclass(frozen=True, kw_only=True)
class KeyValue:
    """One line of the answer."""

    label: str
    value: str
    """With unit, and interval where one is known."""
    note: str = ""
    """Convention or source, in few words."""


@dataclass(frozen=True, kw_only=True)
class SmallTable:
    """A small table of the answer."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """What is said under it."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the study found, most important first."""

    sentences: tuple[str, ...]
    """Each can stand alone."""
    groups: tuple[tuple[str, tuple[KeyValue, ...]], ...]
    """(heading, facts): the plan, then forecast and backtest; those that are known."""
    grids: tuple[SmallTable, ...]
    """The planned against the larger model, and the exponents by approach; those that are known."""
    unsaid: tuple[str, ...]
    """What the data do not identify or an approach refused, said instead of printed."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under column heads."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    states: tuple[str, ...] = ()
    """Status a row, where rows have one."""
    words: tuple[int, ...] = ()
    """Columns set as words, to the left; the others are numbers, to the right."""
    tall: bool = False
    """Whether it scrolls in a box of its own."""
    plain: bool = False
    """Whether it stands inside a card, without a frame."""
    heading: str = ""
    """What it shows, above it; empty where the panel has said so."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One section of the page."""

    name: str
    """The section's id."""
    short: str
    """Its link at the top of the page."""
    title: str
    lead: str
    """What there is to see, before the figure."""
    drawings: tuple[Drawing, ...] = ()
    columns: int = 1
    """Figures, and where there are fewer than that tables, beside each other on a wide window."""
    tables: tuple[Table, ...] = ()
    cards: tuple[tuple[str, tuple[KeyValue, ...]], ...] = ()
    """(heading, facts) of cards beside each other."""
    items: tuple[tuple[str, str], ...] = ()
    """(sentence, what is said of it in small) of a list."""
    caption: str = ""
    """Conventions, after the figure."""
    sources: tuple[str, ...] = ()
    """Papers behind what is drawn, folded away."""


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A panel that is left out, and the sentence that stands in its place."""

    sentence: str
    """What is missing and why, for a person."""
