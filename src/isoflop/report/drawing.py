"""A drawing: the traces and layout that plotly.js takes, and the legend that the page sets in HTML above it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from isoflop.report.style import FONT, GRID, INK
from isoflop.units import format_flops, format_quantity

PlotlyObject: TypeAlias = dict[str, Any]
"""A trace, an axis, a layout or an annotation as plotly.js takes it: the border to a library without types."""

Kind = Literal["line", "dash", "dot", "dashdot", "point", "open", "diamond", "star", "square", "ramp"]

# A category axis takes names, every other axis numbers.
Places = Sequence[float] | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    """One swatch and its words. Legends are HTML: they wrap at any width and never cover a point."""

    label: str
    colour: str
    kind: Kind = "line"
    """`ramp` is a bar from `colour` to `colour_end`, with `label` at its start and `label_end` at its end."""
    colour_end: str = ""
    label_end: str = ""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One plotly figure with what the page needs to set it."""

    name: str
    """Unique on the page; the id of its element."""
    describes: str
    """What is drawn, for a screen reader."""
    data: list[PlotlyObject]
    layout: PlotlyObject
    narrow: PlotlyObject = field(default_factory=dict)
    """Top-level layout keys that replace those of `layout` where the figure is narrower than 560 pixels."""
    legend: tuple[LegendEntry, ...] = ()
    height: int = 400
    """Pixels on a wide window."""
    narrow_height: int = 330
    """Pixels on a narrow one."""


def layout(x: PlotlyObject, y: PlotlyObject, **more: object) -> PlotlyObject:
    """A plain layout with the two axes and nothing else on it."""
    return {
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 62, "r": 16, "t": 12, "b": 52},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "xaxis": x,
        "yaxis": y,
        **more,
    }


def linear_axis(title: str, **more: object) -> PlotlyObject:
    """A linear axis with its title, which names the unit."""
    return _axis(title, **more)


def log_axis(
    title: str, low: float, high: float, how: Callable[[float], str] = format_quantity, **more: object
) -> PlotlyObject:
    """A log axis from `low` to `high` with ticks written by `how`, unless `more` has its own."""
    ticks = log_ticks(low, high)
    written = {"tickvals": ticks, "ticktext": [how(tick) for tick in ticks]}
    return _axis(title, type="log", range=[math.log10(low), math.log10(high)], **(written | more))


def flops_axis(low: float, high: float, title: str = "training compute C (FLOPs)", **more: object) -> PlotlyObject:
    """A log axis of compute."""
    return log_axis(title, low, high, format_flops, **more)


def _axis(title: str, **more: object) -> PlotlyObject:
    return {
        "title": {"text": title, "standoff": 10},
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": "#b8c0c7",
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "#b8c0c7",
        "automargin": True,
        **more,
    }


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most about `most` round places in [low, high]: decades, thinned, or 1-2-5 steps where decades are too few.

    >>> log_ticks(8e3, 7e5)
    [10000.0, 20000.0, 50000.0, 100000.0, 200000.0, 500000.0]
    >>> log_ticks(1e10, 1e25)
    [1000000000000.0, 1000000000000000.0, 1e+18, 1e+21, 1e+24]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**e for e in range(first, last + 1) for step in steps]
        inside = [float(f"{tick:.3g}") for tick in ticks if low <= tick <= high]
        if len(inside) <= most:
            return inside
    decades = [e for e in range(first, last + 1) if low <= 10.0**e <= high]
    every = next(step for step in (1, 2, 3, 4, 5, 10, 20) if len(decades) / step <= most)
    return [float(f"1e{e}") for e in decades if e % every == 0]


def line(x: Sequence[float], y: Places, colour: str, **more: object) -> PlotlyObject:
    """A line trace. `dash` and `width` go to the line, the rest to the trace."""
    stroke = {"color": colour, "width": more.pop("width", 2), "dash": more.pop("dash", "solid")}
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "line": stroke, "hoverinfo": "skip", **more}


def points(
    x: Sequence[float], y: Places, colour: str | Sequence[str], texts: Sequence[str], **more: object
) -> PlotlyObject:
    """A marker trace with a hover text a point. `size`, `symbol` and `outline` go to the marker."""
    marker = {
        "color": colour,
        "size": more.pop("size", 7),
        "symbol": more.pop("symbol", "circle"),
        "line": {"color": more.pop("outline", "white"), "width": more.pop("outline_width", 1)},
    }
    return {
        "type": "scatter", "mode": "markers", "x": list(x), "y": list(y), "marker": marker,
        "text": list(texts), "hovertemplate": "%{text}<extra></extra>", **more,
    }  # fmt: skip


def band(x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str) -> PlotlyObject:
    """The area between `low` and `high`."""
    return {
        "type": "scatter", "mode": "lines", "x": [*x, *reversed(x)], "y": [*high, *reversed(low)], "fill": "toself",
        "fillcolor": colour, "line": {"width": 0, "color": colour}, "hoverinfo": "skip",
    }  # fmt: skip


def whiskers(
    values: Iterable[float], lows: Iterable[float | None], highs: Iterable[float | None], colour: str
) -> PlotlyObject:
    """`error_x` or `error_y` of asymmetric intervals; no whisker where a limit is missing."""
    rows = list(zip(values, lows, highs, strict=True))
    return {
        "type": "data", "symmetric": False, "color": colour, "thickness": 1.5, "width": 4,
        "array": [0 if high is None else max(high - value, 0) for value, _, high in rows],
        "arrayminus": [0 if low is None else max(value - low, 0) for value, low, _ in rows],
    }  # fmt: skip


def spread(values: Iterable[float], factor: float) -> tuple[float, float]:
    """(least / factor, most * factor) of positive values: the range of a log axis with room."""
    seen = list(values)
    return min(seen) / factor, max(seen) * factor


def room(values: Iterable[float], share: float = 0.08) -> list[float]:
    """[least, most] of values, widened by `share` of their distance: the range of a linear axis."""
    seen = list(values)
    by = (max(seen) - min(seen)) * share or abs(seen[0]) * 0.01 or 1.0
    return [min(seen) - by, max(seen) + by]
