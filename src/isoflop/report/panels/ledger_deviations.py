"""How far outcomes came from their forecasts, against how far beyond their data the forecasts reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

from isoflop.ledger import Entry
from isoflop.ledger.entry import Kind
from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    room,
    spread,
    whiskers,
)
from isoflop.report.drawing import Kind as Mark
from isoflop.report.ledger_words import KIND_WORDS, deviation_text, factor_text
from isoflop.report.style import BLUE, MUTED, ORANGE
from isoflop.units import format_number

_GROUPS: tuple[tuple[bool, str, str, str, Mark], ...] = (
    (False, "forecast", BLUE, "circle", "point"),
    (True, "backtest", ORANGE, "circle-open", "open"),
)
"""(whether backtests, in words, colour, symbol, mark of the legend)."""


def draw_deviations(entries: Sequence[Entry], kind: Kind) -> Drawing | None:
    """A point a forecast of `kind` whose factor is known, with its interval about the outcome; None without any."""
    shown = [one for one in entries if one.counted and one.kind == kind and one.factor and one.log_ratio is not None]
    if not shown:
        return None
    low, high = spread([one.factor or 1.0 for one in shown], 1.4)
    data, legend, seen = [line([low, high], [0, 0], MUTED, width=1)], [], [0.0]
    for backtest, words, colour, symbol, mark in _GROUPS:
        own = [one for one in shown if (one.source == "backtest") == backtest]
        if not own:
            continue
        values = [100 * math.expm1(one.log_ratio or 0.0) for one in own]
        ends = [_interval(one) for one in own]
        seen += [*values, *(end for pair in ends for end in pair if end is not None)]
        data.append(
            points(
                [one.factor or 1.0 for one in own],
                values,
                colour,
                [f"{one.name}, {factor_text(one)}: came {deviation_text(one)}" for one in own],
                size=9,
                symbol=symbol,
                outline=colour if backtest else "white",
                outline_width=2 if backtest else 1,
                error_y=whiskers(values, [end for end, _ in ends], [end for _, end in ends], colour),
            )
        )
        legend.append(LegendEntry(label=f"{words}, with its interval", colour=colour, kind=mark))
    return Drawing(
        name=f"deviations-{kind}",
        describes=f"Outcome over forecast of {KIND_WORDS[kind]} against how far beyond the data they are",
        data=data,
        layout=layout(
            log_axis(
                "compute of the run over that of its data", low, high, lambda value: f"×{format_number(value, 6)}"
            ),
            linear_axis(f"{KIND_WORDS[kind]}: outcome over forecast − 1 (%)", range=room(seen, 0.12)),
        ),
        legend=tuple(legend),
        height=360,
        narrow_height=310,
    )


def _interval(entry: Entry) -> tuple[float | None, float | None]:
    """The outcome over each end of the stated interval, less 1, in per cent: 0 lies between where it held."""
    if entry.interval is None or entry.actual is None:
        return None, None
    low, high = entry.interval
    return 100 * (entry.actual / high - 1), 100 * (entry.actual / low - 1)
