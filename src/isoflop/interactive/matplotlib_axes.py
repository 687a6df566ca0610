"""A drawing on axes of matplotlib."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal, TypeAlias

from isoflop.errors import InputError
from isoflop.interactive.marks import Axis, Marks, Stroke
from isoflop.report.drawing import LegendEntry

Axes: TypeAlias = Any
"""`matplotlib.axes.Axes`, which is not imported for its type: type checkers would then read all of matplotlib."""
_DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-."}
_MARKERS = {
    "circle": "o", "diamond": "D", "square": "s", "star": "*", "triangle-up": "^", "triangle-down": "v", "line-ew": "_",
}  # fmt: skip
_KINDS = {"point": "o", "open": "o", "diamond": "D", "square": "s", "star": "*"}
_POINTS = 0.75  # a pixel of the page in points of 1/72 inch


def new_axes(height: int) -> Axes:
    """Axes of a new figure as tall as the drawing. Raises InputError where matplotlib is not installed."""
    try:
        # half a second that only this function needs
        plt = import_module("matplotlib.pyplot")
    except ImportError as error:
        raise InputError("plot: needs matplotlib; install it with: pip install matplotlib") from error
    _, axes = plt.subplots(figsize=(7.2, height / 100), layout="constrained")
    return axes


def draw_on(axes: Axes, marks: Marks, legend: tuple[LegendEntry, ...]) -> None:
    """Draws `marks` and the legend on `axes`, and sets their scales, ranges, ticks and titles."""
    for one in marks.shapes:
        if isinstance(one, Stroke):
            if one.fill is not None:
                axes.fill(one.x, one.y, color=one.fill.solid, alpha=one.fill.alpha, linewidth=0)
            elif one.width:
                look = {"color": one.colour.solid, "linewidth": one.width * _POINTS, "linestyle": _DASHES[one.dash]}
                axes.plot(one.x, one.y, **look)
            continue
        if one.whisker is not None:
            for way, value, ends in (("xerr", one.x, one.x_ends), ("yerr", one.y, one.y_ends)):
                if ends is not None:
                    bars = {way: [[value - ends[0]], [ends[1] - value]]}
                    axes.errorbar(one.x, one.y, ecolor=one.whisker.solid, elinewidth=1.2, capsize=3, fmt="none", **bars)
        hollow = one.symbol.endswith("-open")
        axes.plot(
            one.x,
            one.y,
            marker=_MARKERS.get(one.symbol.removesuffix("-open"), "o"),
            markersize=one.size * _POINTS,
            markerfacecolor="none" if hollow else one.colour.solid,
            markeredgecolor=one.colour.solid if hollow else one.edge.solid,
            markeredgewidth=one.edge_width * _POINTS,
            alpha=one.colour.alpha,
            linestyle="none",
        )
    for label in marks.labels:
        axes.annotate(
            "\n".join(label.lines),
            (label.x, label.y),
            xytext=tuple(_POINTS * shift for shift in label.shift),
            textcoords="offset points",
            color=label.colour.solid,
            fontsize=label.size * _POINTS,
            fontweight="bold" if label.bold else "normal",
            ha=label.across,
            va={"middle": "center"}.get(label.along, label.along),
        )
    _set_axis(axes, "x", marks.x)
    _set_axis(axes, "y", marks.y)
    axes.grid(visible=True, color="#e6e9ec", linewidth=0.8)
    axes.set_axisbelow(True)
    _add_legend(axes, legend)


def _set_axis(axes: Axes, way: Literal["x", "y"], axis: Axis) -> None:
    # the scale first: setting it resets ticks and limits
    axes.set(**{f"{way}scale": "log" if axis.log else "linear"})
    ticks = axes.xaxis if way == "x" else axes.yaxis
    ticks.set_ticks([value for value, _ in axis.ticks], [text for _, text in axis.ticks])
    ticks.set_ticks([], minor=True)
    axes.set(**{f"{way}lim": (axis.low, axis.high), f"{way}label": axis.title})


def _add_legend(axes: Axes, legend: tuple[LegendEntry, ...]) -> None:
    lines: Any = import_module("matplotlib.lines")
    handles = [
        lines.Line2D(
            [],
            [],
            color=entry.colour,
            label=entry.label,
            linestyle="none" if entry.kind in _KINDS else _DASHES.get(entry.kind, "-"),
            marker=_KINDS.get(entry.kind),
            markerfacecolor="none" if entry.kind == "open" else entry.colour,
        )
        for entry in legend
    ]
    if handles:
        axes.legend(handles=handles, fontsize="small", framealpha=0.85, edgecolor="none")
