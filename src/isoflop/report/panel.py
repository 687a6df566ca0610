"""What a page is made of: panels with drawings and tables, key and value pairs, small tables, the summary on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from isoflop.report.drawing import Drawing


@dataclass(frozen=True, kw_only=True)
class KeyValue:
    """A label and its value, on one line."""

    label: str
    value: str
    """With unit, and interval where one is known."""
    note: str = ""
    """Convention or source, in few words."""


@dataclass(frozen=True, kw_only=True)
class SmallTable:
    """A small table of text, in a card or in the terminal."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """Below it."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a study or a fit comes to, most important first."""

    sentences: tuple[str, ...]
    """Each can stand alone."""
    groups: tuple[tuple[str, tuple[KeyValue, ...]], ...]
    """(heading, lines): the plan, then forecast and backtest; those that are known."""
    tables: tuple[SmallTable, ...]
    """The planned against the larger model, and the exponents by approach; those that are known."""
    not_identified: tuple[str, ...] = ()
    """What the data do not identify or an approach refused, instead of a number."""


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
    """What it shows, above it; empty where the panel says so."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One card of the methods: sentences, and a table of numbers below them."""

    heading: str
    lines: Sequence[str] = ()
    table: SmallTable | None = None


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
    """Columns of figures, and where there are fewer figures of tables too, on a wide window."""
    tables: tuple[Table, ...] = ()
    cards: tuple[tuple[str, tuple[KeyValue, ...]], ...] = ()
    """(heading, lines) of each card."""
    items: tuple[tuple[str, str], ...] = ()
    """(sentence, its source in small print) of a list."""
    caption: str = ""
    """Conventions, after the figure."""
    sources: tuple[str, ...] = ()
    """Papers behind what is drawn, folded away."""


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A panel that is left out, and the sentence that stands in its place."""

    sentence: str
    """What is missing and why."""


@dataclass(frozen=True, kw_only=True)
class GradeReason:
    """A warning or a refusal that sets a grade, in plain sentences."""

    code: str
    message: str
    """What it says here."""
    remedy: str
    """What would raise the grade."""


@dataclass(frozen=True, kw_only=True)
class PageGrade:
    """How far the answer of a page may be relied on, in its head."""

    word: Literal["sound", "with care", "do not use"]
    of: str = ""
    """What is graded, where that is not the whole page."""
    reasons: tuple[GradeReason, ...] = ()
    """Those that set it; none of a sound answer."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The figure of the first screen, below the headline and the grade."""

    drawing: Drawing
    caption: str
    """What its axes, units, marks and conventions are."""


@dataclass(frozen=True, kw_only=True)
class Widget:
    """A part of the page that answers as it is used, such as a slider: its HTML, its script and what the script reads.

    It has a section of its own after the summary. The script is the body of a function of three values: `root`, the
    section's element; `data`; and `page`, whose `page.drawings[name]` is what a figure of the page is drawn from
    ({data, layout, ...}, as plotly.js takes it) and whose `page.redraw(name)` draws it again after a change.
    """

    name: str
    """The section's id, and where its links lead; unique on the page."""
    short: str
    """Its link at the top of the page."""
    title: str
    template: str
    """Path within isoflop/report/ of a template of its HTML, which sees `widget` and, for figures of its own,
    `figures.figure(drawing)`; escaped as every template is."""
    values: Mapping[str, object] = field(default_factory=dict)
    """What else the template shows, as `widget["values"]`."""
    script: str = ""
    """JavaScript, see above."""
    data: object = None
    """What the script reads: anything that JSON can hold, without numbers that are not finite."""
    drawings: tuple[Drawing, ...] = ()
    """Its own figures, which the template places and the page draws."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that one HTML file shows."""

    title: str
    about: str
    """What kind of page it is, in a sentence."""
    created: float
    """Unix time."""
    versions: Mapping[str, str]
    """Of isoflop and what else made it."""
    summary: Summary
    """Its first sentence is the headline: it stands above the grade and the picture, the others below."""
    grade: PageGrade | None = None
    picture: Picture | None = None
    """None where there is nothing to draw yet."""
    panels: Sequence[Panel | Absent]
    """In order; an Absent stands where there is nothing to show."""
    methods: Sequence[Card] = field(default_factory=tuple)
    widgets: Sequence[Widget] = ()
    """After the summary, in order."""
