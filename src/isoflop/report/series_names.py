"""What each trace of a drawing is called in its table of data: as the trace says, else as the legend does."""

from __future__ import annotations

from isoflop.report.drawing import Drawing, LegendEntry, PlotlyObject

_LINES = {"solid": "line", "dash": "dash", "dot": "dot", "dashdot": "dashdot"}
_MARKS = {"circle": "point", "circle-open": "open", "diamond": "diamond", "square": "square", "star": "star"}


def series_names(drawing: Drawing) -> list[str]:
    """A name a trace, in order; its number where neither the trace nor the legend has one.

    An entry of the legend is that of a trace by colour and kind, by colour alone where one has it, by kind alone for
    points of many colours. A band takes the name of its line.
    """
    return [
        str(trace.get("name") or _name(trace, drawing.legend) or f"series {place}")
        for place, trace in enumerate(drawing.data, 1)
    ]


def _name(trace: PlotlyObject, legend: tuple[LegendEntry, ...]) -> str:
    if trace["type"] == "contour":
        return legend[0].label.removesuffix(", low") if legend else ""
    colour, kind = _looks(trace)
    same = [entry for entry in legend if entry.colour == colour and entry.kind != "ramp"]
    found = [entry for entry in same if entry.kind == kind] or same
    if not colour:
        found = [entry for entry in legend if entry.kind == kind]
    if len(found) != 1:
        return ""
    name = found[0].label
    return name + (", interval" if trace.get("fill") == "toself" and "interval" not in name else "")


def _looks(trace: PlotlyObject) -> tuple[str, str]:
    """(colour `#rrggbb`, kind of legend entry); without a colour where its points have several."""
    if "fillcolor" in trace:
        return _solid(trace["fillcolor"]), "line"
    if "lines" in trace["mode"]:
        return trace["line"]["color"], _LINES.get(trace["line"].get("dash", "solid"), "line")
    marker = trace["marker"]
    symbols, colours = marker.get("symbol", "circle"), marker["color"]
    symbol = symbols if isinstance(symbols, str) else symbols[0]
    alone = isinstance(colours, str) or len(set(colours)) == 1
    colour = "" if not alone else colours if isinstance(colours, str) else colours[0]
    return _solid(colour), _MARKS.get(symbol, "point")


def _solid(colour: str) -> str:
    """`rgba(r,g,b,a)` as #rrggbb; another colour as it is."""
    if not colour.startswith("rgba("):
        return colour
    return "#" + "".join(f"{int(channel):02x}" for channel in colour[5:-1].split(",")[:3])
