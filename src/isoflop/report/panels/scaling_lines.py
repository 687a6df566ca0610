"""Lines and markers of an optimum against compute: what the figures of optima and of published systems share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from isoflop.laws import published_law
from isoflop.report.drawing import Kind, PlotlyObject, points, whiskers
from isoflop.report.style import INK, MUTED, PURPLE
from isoflop.units import format_flops, format_quantity

LINE_POINTS = 40
"""Places of a line against compute."""
Quantity = Literal["params", "tokens"]

LAWS = {
    "hoffmann2022-1": "Hoffmann 2022, approach 1",
    "hoffmann2022-2": "Hoffmann 2022, approach 2",
    "hoffmann2022-3": "Hoffmann 2022, approach 3",
    "besiroglu2024": "Besiroglu 2024",
}


@dataclass(frozen=True, kw_only=True)
class ScalingLine:
    """An optimum against compute, by one approach or one published law."""

    name: str
    """`envelope`, `isoflop`, `parametric`, or a published law's name."""
    label: str
    """In words, for a legend."""
    flops: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    """Lower limit at each of `flops`; empty where no band is known."""
    high: tuple[float, ...] = ()
    source: str = ""
    """Paper and place of a published law; empty for the study's own."""


def published_lines(quantity: Quantity, low: float, high: float) -> tuple[ScalingLine, ...]:
    """The four laws at LINE_POINTS places from `low` to `high` FLOPs, each with C = 6 N D as it was fitted."""
    flops = np.geomspace(low, high, LINE_POINTS)
    lines = []
    for name, label in LAWS.items():
        law = published_law(name)
        optimum = law.optimum(flops)[0 if quantity == "params" else 1]
        lines.append(
            ScalingLine(
                name=name,
                label=label,
                flops=tuple(map(float, flops)),
                values=tuple(map(float, optimum)),
                source=f"{law.provenance.paper}, {law.provenance.place}",
            )
        )
    return tuple(lines)


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A point with an interval or a label: a vertex, the plan, a published system."""

    label: str
    flops: float
    value: float
    low: float | None = None
    high: float | None = None
    source: str = ""


def scaling_line(
    name: str, label: str, flops: ArrayLike, values: ArrayLike, low: ArrayLike = (), high: ArrayLike = ()
) -> ScalingLine:
    """The line through `values` at `flops`; without its band where a limit of it is not finite."""
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        low, high = (), ()
    c, optimum, below, above = (tuple(map(float, np.asarray(column))) for column in (flops, values, low, high))
    return ScalingLine(name=name, label=label, flops=c, values=optimum, low=below, high=above)


# Published laws differ by dash and grey: colour is for the study's own three approaches.
LAW_STROKES: dict[str, tuple[str, Kind]] = {
    "hoffmann2022-1": ("#3f4a53", "dash"),
    "hoffmann2022-2": ("#3f4a53", "dot"),
    "hoffmann2022-3": ("#8b959d", "dashdot"),
    "besiroglu2024": (PURPLE, "dash"),
}


def marker_trace(
    marks: tuple[Marker, ...], colour: str, symbol: str, size: int, *, outline_width: float = 1
) -> PlotlyObject:
    """The trace of `marks` with their intervals as whiskers."""
    values = [mark.value for mark in marks]
    texts = [
        f"{mark.label}<br>{format_flops(mark.flops)} FLOPs: {format_quantity(mark.value)}"
        + (f" ({format_quantity(mark.low)} to {format_quantity(mark.high)})" if mark.low and mark.high else "")
        for mark in marks
    ]
    bars = whiskers(values, [mark.low for mark in marks], [mark.high for mark in marks], colour)
    # An open symbol is drawn by its outline alone, which is white elsewhere.
    outline = colour if symbol.endswith("-open") else "white"
    flops = [mark.flops for mark in marks]
    stroke = {"outline": outline, "outline_width": outline_width}
    return points(flops, values, colour, texts, size=size, symbol=symbol, error_y=bars, **stroke)


def label_at(text: str, x: float, y: float, shift: tuple[int, int]) -> PlotlyObject:
    """An annotation of the point (x, y) on two log axes, `shift` pixels from it."""
    return {
        "x": math.log10(x), "y": math.log10(y), "ax": shift[0], "ay": shift[1],
        "text": text, "showarrow": True, "arrowhead": 0, "arrowwidth": 0.8, "arrowcolor": MUTED, "standoff": 5,
        "font": {"size": 11, "color": INK}, "bgcolor": "rgba(255,255,255,0.75)", "borderpad": 1,
    }  # fmt: skip
