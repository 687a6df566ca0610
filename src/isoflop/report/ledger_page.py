"""The page of a ledger of forecasts."""

from __future__ import annotations

import time

from isoflop.codes import grade_of
from isoflop.ledger import Ledger
from isoflop.report.drawing import Drawing
from isoflop.report.ledger_tables import (
    backtest_table,
    coverage_table,
    entry_table,
    not_counted_table,
    reach_table,
    summary_facts,
)
from isoflop.report.ledger_words import (
    BACKTESTS_NOTE,
    CONVENTIONS,
    KIND_WORDS,
    LEVELS_NOTE,
    STUDIES_NOTE,
    headline,
    lean_sentence,
)
from isoflop.report.page_grade import shown_grade
from isoflop.report.panel import Absent, Card, KeyValue, Page, Panel, Picture, SmallTable, Summary, Table
from isoflop.report.panels.ledger_deviations import draw_deviations
from isoflop.report.panels.ledger_hits import draw_hits
from isoflop.report.panels.ledger_scores import draw_scores
from isoflop.report.record import versions


def ledger_page(ledger: Ledger) -> Page:
    """The share of intervals that held, the forecasts one by one, and what does not count."""
    return Page(
        title="Ledger of forecasts",
        about="What was predicted before it was known, what came, and how often the intervals held it.",
        created=time.time(),
        versions=versions(),
        summary=Summary(
            sentences=(headline(ledger), *(line for one in ledger.kinds if (line := lean_sentence(one)))),
            groups=(("Forecasts", tuple(KeyValue(label=name, value=value) for name, value in summary_facts(ledger))),),
            tables=tuple(table for table in (coverage_table(ledger),) if table.rows),
        ),
        grade=None
        if not ledger.counted
        else shown_grade(
            grade_of(notice.code for notice in ledger.notices),
            {notice.code: notice.message for notice in reversed(ledger.notices)},
        ),
        picture=_picture(ledger),
        panels=(_scores(ledger), _reaches(ledger), _entries(ledger), *_not_counted(ledger), *_backtests(ledger)),
        methods=_methods(ledger),
    )


def _picture(ledger: Ledger) -> Picture | None:
    if not any(one.of for one in ledger.coverage):
        return None
    return Picture(
        drawing=draw_hits(ledger.coverage),
        caption="A point above the dashed line: the intervals held more often than they state, so they are wider than "
        "they need be; below it they are too narrow. Bars that cross the line do not tell.",
    )


def _scores(ledger: Ledger) -> Panel | Absent:
    drawing = draw_scores(ledger.entries)
    if drawing is None:
        return Absent(sentence="z over time: no forecast that counts has an interval.")
    return Panel(
        name="scores",
        short="z over time",
        title="Outcomes against forecasts over time",
        lead="Where the intervals are right, half of the points lie in the inner band and nine of ten in all three.",
        drawings=(drawing,),
        caption=CONVENTIONS,
    )


def _reaches(ledger: Ledger) -> Panel | Absent:
    table = reach_table(ledger)
    everything = [*ledger.entries, *ledger.backtests]
    drawings: list[Drawing] = [one for kind in KIND_WORDS if (one := draw_deviations(everything, kind)) is not None]
    if not table.rows and not drawings:
        return Absent(sentence="By how far beyond the data: no forecast counts yet.")
    return Panel(
        name="reaches",
        short="By reach",
        title="By how far beyond the data",
        lead=table.note,
        drawings=tuple(drawings),
        columns=2,
        tables=(_wide(table, words=(0, 1)),) if table.rows else (),
        caption="Bars: the interval that was stated, about the outcome; one that crosses 0 held it.",
    )


def _entries(ledger: Ledger) -> Panel | Absent:
    table = entry_table(ledger.counted, "Forecasts that count")
    if not table.rows:
        return Absent(sentence="Forecasts that count: there are none yet.")
    return Panel(
        name="forecasts",
        short="Forecasts",
        title="Forecasts that count",
        lead="Made before the outcome was known, in the order in which they were made.",
        tables=(_wide(table, words=(0, 1)),),
        caption=CONVENTIONS,
        items=tuple(
            (f"{one.name}: from {one.made_from or 'nothing that is stated'}", one.evidence) for one in ledger.counted
        ),
    )


def _not_counted(ledger: Ledger) -> list[Panel]:
    table = not_counted_table(ledger)
    if not table.rows:
        return []
    lead = "Listed, so that nothing is left out in silence; they have no part in any number above."
    return [
        Panel(
            name="left-out",
            short="Not counted",
            title="Forecasts that do not count",
            lead=lead,
            tables=(_wide(table, words=(0, 1, 2)),),
        )
    ]


def _backtests(ledger: Ledger) -> list[Panel]:
    table = backtest_table(ledger)
    if not table.rows:
        return []
    return [
        Panel(
            name="backtests",
            short="Backtests",
            title="Backtests on a study's largest budget",
            lead=table.note,
            tables=(_wide(table, words=(0,)),),
            caption="Waste: share of the compute that a run of the predicted size would have wasted.",
        )
    ]


def _wide(table: SmallTable, words: tuple[int, ...]) -> Table:
    return Table(columns=table.columns, rows=table.rows, words=words)


def _methods(ledger: Ledger) -> list[Card]:
    cards = (
        Card(heading="Hits", lines=(LEVELS_NOTE, STUDIES_NOTE)),
        Card(heading="Signs", lines=(CONVENTIONS,)),
        Card(heading="Backtests", lines=(BACKTESTS_NOTE,) if ledger.backtests else ()),
        Card(heading="Notices", lines=tuple(notice.message for notice in ledger.notices)),
        Card(heading="Versions", lines=tuple(f"{name} {version}" for name, version in versions().items())),
    )
    return [card for card in cards if card.lines]
