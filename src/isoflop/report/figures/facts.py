"""What an answer is made of: sentences, facts and small tables, as text; the page and the terminal set them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One line of the answer."""

    label: str
    value: str
    """With unit, and interval where one is known."""
    note: str = ""
    """Convention or source, in few words."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A small table of the answer."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """What is said under it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the study found, most important first."""

    sentences: tuple[str, ...]
    """Each can stand alone."""
    groups: tuple[tuple[str, tuple[Fact, ...]], ...]
    """(heading, facts): the plan, then forecast and backtest; those that are known."""
    grids: tuple[Grid, ...]
    """The planned against the larger model, and the exponents by approach; those that are known."""
    unsaid: tuple[str, ...]
    """What the data do not identify or an approach refused, said instead of printed."""
