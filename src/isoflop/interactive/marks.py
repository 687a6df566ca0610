"""A drawing as plain marks: lines, areas, points with whiskers, labels and axes, to draw without plotly.js."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from isoflop.report.drawing import Drawing, PlotlyObject
from isoflop.report.style import INK

_RGBA = re.compile(r"rgba\((\d+),(\d+),(\d+),([\d.]+)\)")
_MOST_TICKS = 6


@dataclass(frozen=True, kw_only=True)
class Colour:
    """A colour with its opacity."""

    solid: str
    """`#rrggbb`."""
    alpha: float = 1.0

    @classmethod
    def of(cls, written: str) -> Colour:
        """The colour that `#rrggbb`, `rgba(r,g,b,a)` or `white` write."""
        if matched := _RGBA.fullmatch(written.replace(" ", "")):
            return cls(
                solid="#" + "".join(f"{int(part):02x}" for part in matched.groups()[:3]), alpha=float(matched[4])
            )
        return cls(solid="#ffffff" if written == "white" else written)


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """A line through points, or the area inside it."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: Colour
    width: float = 0.0
    """Pixels; 0 for no line."""
    dash: str = "solid"
    """solid, dash, dot or dashdot."""
    fill: Colour | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """A symbol at a place, with its whiskers."""

    x: float
    y: float
    colour: Colour
    symbol: str
    """As plotly.js names it; `-open` for an outline alone."""
    size: float
    """Pixels across."""
    edge: Colour
    edge_width: float
    x_ends: tuple[float, float] | None = None
    y_ends: tuple[float, float] | None = None
    whisker: Colour | None = None


@dataclass(frozen=True, kw_only=True)
class Label:
    """Words at a place."""

    x: float
    y: float
    lines: tuple[str, ...]
    bold: bool
    colour: Colour
    size: float
    across: str
    """left, center or right: which end of the words is at the place."""
    along: str
    """top, middle or bottom."""
    shift: tuple[float, float]
    """Pixels to the right and upwards."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The range of one direction and what is written along it."""

    title: str
    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """Where `value` lies, from 0 at `low` to 1 at `high`."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Whether `value` is on the axis, up to rounding."""
        return -1e-9 <= self.share(value) <= 1 + 1e-9


@dataclass(frozen=True, kw_only=True)
class Marks:
    """All that a drawing shows, in order."""

    x: Axis
    y: Axis
    shapes: tuple[Stroke | Point, ...]
    labels: tuple[Label, ...]


def marks_of(drawing: Drawing) -> Marks | None:
    """The marks of `drawing`; None where it has other ones, as contours, which plotly.js alone draws."""
    if any(trace["type"] != "scatter" for trace in drawing.data):
        return None
    x, y = (_axis(drawing.layout[f"{name}axis"], _values(drawing.data, name)) for name in "xy")
    shapes = tuple(shape for trace in drawing.data for shape in _shapes(trace))
    labels = tuple(_label(one, x, y) for one in drawing.layout.get("annotations", ()))
    return Marks(x=x, y=y, shapes=shapes, labels=labels)


def _values(data: Iterable[PlotlyObject], name: str) -> list[float]:
    return [float(value) for trace in data for value in trace[name] if value is not None]


def _axis(axis: PlotlyObject, values: Sequence[float]) -> Axis:
    log = axis.get("type") == "log"
    low, high = axis.get("range") or (min(values), max(values))
    if log and "range" in axis:
        low, high = 10.0**low, 10.0**high
    written = zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=True)
    ticks = tuple((float(value), str(text)) for value, text in written) or _round_ticks(low, high)
    return Axis(title=axis["title"]["text"], low=float(low), high=float(high), log=log, ticks=ticks)


def _round_ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Round places between the ends, at steps of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10((high - low) / _MOST_TICKS))
    step = next(step * power for step in (1, 2, 5, 10) if (high - low) / (step * power) <= _MOST_TICKS)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step), math.floor(high / step)
    return tuple((k * step, f"{k * step:.{digits}f}") for k in range(first, last + 1))


def _shapes(trace: PlotlyObject) -> list[Stroke | Point]:
    places = [(float(x), float(y)) for x, y in zip(trace["x"], trace["y"], strict=True)]
    if trace["mode"] == "markers":
        return [_point(trace, i, x, y) for i, (x, y) in enumerate(places)]
    if not places:
        return []
    line = trace.get("line", {})
    return [
        Stroke(
            x=tuple(x for x, _ in places),
            y=tuple(y for _, y in places),
            colour=Colour.of(line.get("color", INK)),
            width=float(line.get("width", 2)),
            dash=line.get("dash", "solid"),
            fill=Colour.of(trace["fillcolor"]) if trace.get("fill") else None,
        )
    ]


def _point(trace: PlotlyObject, i: int, x: float, y: float) -> Point:
    marker = trace["marker"]
    bars = trace.get("error_x") or trace.get("error_y")
    return Point(
        x=x,
        y=y,
        colour=Colour.of(_at(marker["color"], i)),
        symbol=_at(marker["symbol"], i),
        size=float(_at(marker["size"], i)),
        edge=Colour.of(_at(marker["line"]["color"], i)),
        edge_width=float(_at(marker["line"]["width"], i)),
        x_ends=_ends(trace.get("error_x"), i, x),
        y_ends=_ends(trace.get("error_y"), i, y),
        whisker=Colour.of(bars["color"]) if bars else None,
    )


def _at(value: Any, i: int) -> Any:
    return value[i] if isinstance(value, list | tuple) else value


def _ends(bars: PlotlyObject | None, i: int, value: float) -> tuple[float, float] | None:
    if bars is None or not (bars["array"][i] or bars["arrayminus"][i]):
        return None
    return value - bars["arrayminus"][i], value + bars["array"][i]


def _label(note: PlotlyObject, x: Axis, y: Axis) -> Label:
    text = str(note["text"])
    return Label(
        # plotly.js takes the places of words on a log axis as logarithms
        x=10.0 ** note["x"] if x.log else float(note["x"]),
        y=10.0 ** note["y"] if y.log else float(note["y"]),
        lines=tuple(re.sub(r"</?b>", "", part) for part in text.split("<br>")),
        bold="<b>" in text,
        colour=Colour.of(note["font"]["color"]),
        size=float(note["font"]["size"]),
        across=note.get("xanchor", "center"),
        along=note.get("yanchor", "middle"),
        shift=(float(note.get("xshift", 0)), float(note.get("yshift", 0))),
    )
