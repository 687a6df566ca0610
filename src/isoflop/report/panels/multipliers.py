"""The multiplier of each evaluation set with its interval, on one axis."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.compare import Comparison
from isoflop.compare.result import Verdict
from isoflop.report.comparison_tables import set_table
from isoflop.report.comparison_words import AXIS_WORDS, VERDICTS, short_name, times_text
from isoflop.report.drawing import (
    Drawing,
    Kind,
    LegendEntry,
    PlotlyObject,
    layout,
    line,
    linear_axis,
    log_axis,
    log_ticks,
    points,
    spread,
    whiskers,
)
from isoflop.report.formatting import interval_text, share_text
from isoflop.report.panel import Absent, Panel, Table
from isoflop.report.record import Interval
from isoflop.report.style import GREEN, INK, MUTED, ORANGE, VERMILLION
from isoflop.units import format_number

_MOST_TICKS, _MOST_TICKS_NARROW = 6, 4
_COLOURS: dict[Verdict, str] = {"better": GREEN, "worse": VERMILLION, "equal": INK, "cannot_tell": ORANGE}
_SYMBOLS: dict[Verdict, str] = {"better": "circle", "worse": "square", "equal": "diamond", "cannot_tell": "circle-open"}
_KINDS: dict[Verdict, Kind] = {"better": "point", "worse": "square", "equal": "diamond", "cannot_tell": "open"}


@dataclass(frozen=True, kw_only=True)
class SetMultiplier:
    """A row of the figure."""

    name: str
    multiplier: float | None
    interval: Interval | None
    verdict: Verdict
    reachable: bool


def multipliers_of(comparison: Comparison) -> tuple[SetMultiplier, ...]:
    """The rows in the comparison's order."""
    return tuple(
        SetMultiplier(
            name=short_name(one.name, comparison.sets),
            multiplier=one.multiplier,
            interval=one.interval,
            verdict=one.verdict,
            reachable=one.reachable,
        )
        for one in comparison.sets
    )


def draw_multipliers(rows: tuple[SetMultiplier, ...], axis: str) -> Drawing:
    """A point and its interval a set; a line at 1, and at the right edge the sets that A does not reach."""
    seen = [1.0, *(x for row in rows for x in (row.multiplier, *(row.interval or ())) if x is not None)]
    low, high = spread(seen, 1.3)
    names = [row.name for row in reversed(rows)]
    data: list[PlotlyObject] = [
        line([1, 1], [-0.6, len(rows) - 0.4], MUTED, width=1, dash="dash", name="no difference")
    ]
    for verdict in VERDICTS:
        found = [row for row in rows if row.verdict == verdict and row.multiplier is not None]
        if found:
            data.append(_of_verdict(found, names, _COLOURS[found[0].verdict], _SYMBOLS[found[0].verdict]))
    beyond = [_beyond(row, names.index(row.name)) for row in rows if row.multiplier is None]
    title = f"multiplier of {axis} (1: no difference)"
    y_axis = {**linear_axis(""), "tickvals": list(range(len(names))), "showgrid": False}
    return Drawing(
        name="multipliers",
        describes=f"Multiplier of {axis} on each evaluation set with its interval",
        data=data,
        layout=layout(
            _times_axis(title, low, high, _MOST_TICKS),
            {**y_axis, "ticktext": names, "range": [-0.6, len(rows) - 0.4]},
            annotations=beyond,
        ),
        narrow={
            # the names stand above their rows: to the left of them the long ones would leave no room
            "xaxis": _times_axis(title, low, high, _MOST_TICKS_NARROW),
            "yaxis": {**y_axis, "showticklabels": False, "range": [-0.6, len(rows) - 0.1]},
            "annotations": [*beyond, *(_above(name, place) for place, name in enumerate(names))],
        },
        legend=tuple(
            LegendEntry(label=words, colour=_COLOURS[verdict], kind=_KINDS[verdict])
            for verdict, words in ((row.verdict, VERDICTS[row.verdict]) for row in _one_each(rows))
        ),
        height=110 + 34 * len(rows),
        narrow_height=110 + 46 * len(rows),
    )


def _times_axis(title: str, low: float, high: float, most: int) -> PlotlyObject:
    """A log axis with ticks such as ×0.5, ×1 and ×2."""
    ticks = log_ticks(low, high, most)
    return log_axis(title, low, high, tickvals=ticks, ticktext=[f"×{format_number(tick)}" for tick in ticks])


def _above(name: str, place: int) -> PlotlyObject:
    """The name of a row, above its left end."""
    return {
        "xref": "paper", "x": 0, "xanchor": "left", "xshift": 4, "y": place, "yanchor": "bottom", "yshift": 5,
        "text": name, "showarrow": False, "font": {"size": 11, "color": MUTED},
    }  # fmt: skip


def _one_each(rows: tuple[SetMultiplier, ...]) -> list[SetMultiplier]:
    """The first row of each verdict that has a point."""
    return list({row.verdict: row for row in reversed(rows) if row.multiplier is not None}.values())[::-1]


def _of_verdict(rows: list[SetMultiplier], names: list[str], colour: str, symbol: str) -> PlotlyObject:
    values = [row.multiplier for row in rows if row.multiplier is not None]
    ends = [row.interval or (None, None) for row in rows]
    texts = [
        f"{row.name}: ×{times_text(value)} ({interval_text(row.interval, times_text)})"
        for row, value in zip(rows, values, strict=True)
    ]
    return points(
        values,
        [float(names.index(row.name)) for row in rows],
        colour,
        texts,
        size=10,
        symbol=symbol,
        error_x=whiskers(values, [low for low, _ in ends], [high for _, high in ends], colour),
        name=VERDICTS[rows[0].verdict],
    )


def _beyond(row: SetMultiplier, place: int) -> PlotlyObject:
    """What stands in place of a point: out of reach, or that there is no verdict."""
    text = VERDICTS["cannot_tell"] if row.reachable else "out of reach →"
    return {
        "xref": "paper", "x": 1, "xanchor": "right", "y": place, "yanchor": "middle", "text": text, "showarrow": False,
        "font": {"size": 12, "color": INK},
    }  # fmt: skip


def multipliers_panel(comparison: Comparison) -> Panel | Absent:
    """The figure and the table of all evaluation sets."""
    rows = multipliers_of(comparison)
    if not rows:
        return Absent(sentence="Multipliers: there is no evaluation set on which both recipes were evaluated.")
    axis, table = AXIS_WORDS[comparison.axis], set_table(comparison)
    return Panel(
        name="sets",
        short="Evaluation sets",
        title="Each evaluation set on its own",
        lead=table.note,
        drawings=(draw_multipliers(rows, axis),),
        tables=(Table(columns=table.columns, rows=table.rows, words=(0, len(table.columns) - 1)),),
        caption=f"Bars: {share_text(comparison.level)} intervals. There is no multiplier of all sets together: what "
        "helps on one can cost on another.",
    )
