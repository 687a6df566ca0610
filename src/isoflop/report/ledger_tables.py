"""The tables of a ledger, for the terminal, for Markdown and for its page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from isoflop.ledger import Entry, Hits, Ledger
from isoflop.report.formatting import DASH, interval_text, share_text
from isoflop.report.ledger_words import (
    BACKTESTS_NOTE,
    CONVENTIONS,
    FINDINGS,
    KIND_WORDS,
    LEVELS_NOTE,
    STUDIES_NOTE,
    counted_words,
    deviation_text,
    factor_text,
    hits_text,
    mean_interval,
    number_text,
    reach_text,
    sealed_text,
    signed,
    whole_percent,
    z_text,
)
from isoflop.report.panel import SmallTable


def coverage_table(ledger: Ledger) -> SmallTable:
    """Hits at each nominal level."""
    return SmallTable(
        heading="Intervals that held what came",
        columns=("nominal", "hits", "share of hits", "finding"),
        rows=tuple(_of_level(one) for one in ledger.coverage if one.of),
        note=f"{LEVELS_NOTE} {STUDIES_NOTE}",
    )


def _of_level(found: Hits) -> tuple[str, ...]:
    return (
        share_text(found.level),
        hits_text(found),
        interval_text(found.interval, whole_percent),
        FINDINGS[found.finding],
    )


def reach_table(ledger: Ledger) -> SmallTable:
    """Hits and mean deviation by kind and by how far beyond the data."""
    rows = tuple(
        (
            KIND_WORDS[one.kind],
            reach_text(one),
            hits_text(one.hits),
            DASH if one.log_ratio is None else signed(math.expm1(one.log_ratio.mean)),
            DASH if one.log_ratio is None else mean_interval(one.log_ratio),
        )
        for one in ledger.reaches
    )
    return SmallTable(
        heading="By how far beyond the data",
        columns=("kind", "compute", "held (90 %)", "mean deviation", "its interval"),
        rows=rows,
        note="Compute: that of the run over that of the largest run that the forecast was made from.",
    )


def entry_table(entries: Sequence[Entry], heading: str) -> SmallTable:
    """Each forecast that counts, with what came."""
    return SmallTable(
        heading=heading,
        columns=("forecast", "made", "compute", "predicted", "interval", "came", "deviation", "z"),
        rows=tuple(_row(entry) for entry in entries),
        note=CONVENTIONS,
    )


def _row(entry: Entry) -> tuple[str, ...]:
    how = number_text(entry)
    level = "" if entry.level is None or abs(entry.level - 0.9) < 1e-9 else f" ({share_text(entry.level)})"
    return (
        entry.name,
        sealed_text(entry),
        factor_text(entry),
        how(entry.predicted),
        interval_text(entry.interval, how) + level,
        DASH if entry.actual is None else how(entry.actual),
        deviation_text(entry),
        z_text(entry.z),
    )


def not_counted_table(ledger: Ledger) -> SmallTable:
    """Each forecast that does not count, with why."""
    rows = tuple((entry.name, sealed_text(entry), entry.why_not) for entry in ledger.entries if not entry.counted)
    return SmallTable(heading="Not counted", columns=("forecast", "made", "why not"), rows=rows)


def backtest_table(ledger: Ledger) -> SmallTable:
    """The backtests of studies, each with what came and the compute that a size would have wasted."""
    rows = tuple(
        (*_without_date(entry), DASH if entry.wasted is None else f"{100 * entry.wasted:.1f} %")
        for entry in ledger.backtests
        if entry.counted
    )
    held = ", ".join(
        f"{KIND_WORDS[one.kind]}: {hits_text(one.hits[-1])} held" for one in ledger.backtest_kinds if one.hits[-1].of
    )
    return SmallTable(
        heading="Backtests on a study's largest budget",
        columns=("backtest", "compute", "predicted", "interval", "came", "deviation", "z", "waste"),
        rows=rows,
        note=f"{BACKTESTS_NOTE} {held}." if held else BACKTESTS_NOTE,
    )


def _without_date(entry: Entry) -> tuple[str, ...]:
    name, _, *rest = _row(entry)
    return (name, *rest)


def summary_facts(ledger: Ledger) -> list[tuple[str, str]]:
    """What stands below the headline: how many count, and how wide their intervals are."""
    facts = [("Counted", f"{len(ledger.counted)} of {counted_words(len(ledger.entries), 'forecast')}")]
    for one in ledger.kinds:
        if one.half_width is not None and one.kind != "other":
            facts.append((f"Half-width, {KIND_WORDS[one.kind]}", f"{100 * one.half_width:.1f} % (median, as sealed)"))
        if one.z_spread is not None:
            facts.append((f"Spread of z, {KIND_WORDS[one.kind]}", f"{one.z_spread:.2f} (1: as wide as they should be)"))
    return facts
