"""A section of the page: its words, drawings and tables."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.report.draw.drawing import Drawing
from isoflop.report.figures.facts import Fact


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
    cards: tuple[tuple[str, tuple[Fact, ...]], ...] = ()
    """(heading, facts) of cards beside each other."""
    items: tuple[tuple[str, str], ...] = ()
    """(sentence, what is said of it in small) of a list."""
    caption: str = ""
    """Conventions, after the figure."""
    sources: tuple[str, ...] = ()
    """Papers behind what is drawn, folded away."""
