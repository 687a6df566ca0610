"""The figures of a page by name, for plotly and matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from isoflop.errors import InputError, close_names
from isoflop.report.drawing import Drawing, LegendEntry, PlotlyObject
from isoflop.report.panel import Page, Panel

PlotlyFigure: TypeAlias = Any
"""`plotly.graph_objects.Figure`: plotly has no types."""
FIRST = "overview"
"""Name of the picture that the page begins with."""
_SYMBOLS = {"point": "circle", "open": "circle-open", "diamond": "diamond", "star": "star", "square": "square"}


def page_drawings(page: Page) -> dict[str, Drawing]:
    """{name: drawing} of a page's picture and panels: a panel's name where it has one drawing, else each drawing's."""
    found = {} if page.picture is None else {FIRST: page.picture.drawing}
    for panel in page.panels:
        if isinstance(panel, Panel):
            alone = len(panel.drawings) == 1
            found |= {panel.name if alone else drawing.name: drawing for drawing in panel.drawings}
    return found


def drawing_named(drawings: Mapping[str, Drawing], name: str) -> Drawing:
    """The drawing called `name`. Raises InputError, which lists the names, for another."""
    if name not in drawings:
        near = close_names(name, drawings)
        raise InputError(f"figure: there are {', '.join(drawings)}; got {name!r}; did you mean {near}?")
    return drawings[name]


def plotly_figure(drawing: Drawing) -> PlotlyFigure:
    """`drawing` as a Figure of plotly, on white, with legend and zoom. Raises InputError where plotly is missing."""
    try:
        import plotly.graph_objects as go  # a third of a second that only figures need
    except ImportError as error:
        raise InputError("figure: needs plotly; install it with: pip install 'isoflop[notebook]'") from error
    layout = {
        **drawing.layout,
        "paper_bgcolor": "white",  # its inks are dark, and a notebook may be dark too
        "plot_bgcolor": "white",
        "height": drawing.height,
        "dragmode": "zoom",
        "showlegend": bool(drawing.legend),
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0},
        "xaxis": {**drawing.layout["xaxis"], "fixedrange": False},
        "yaxis": {**drawing.layout["yaxis"], "fixedrange": False},
    }
    # the names of traces are the columns of the page's data; here the legend names what is drawn
    data = [{**trace, "name": None, "showlegend": False} for trace in drawing.data]
    return go.Figure(data=[*data, *(_swatch(entry) for entry in drawing.legend if entry.kind != "ramp")], layout=layout)


def _swatch(entry: LegendEntry) -> PlotlyObject:
    """A trace without points that stands for `entry` in the legend."""
    shown: PlotlyObject = {"type": "scatter", "x": [None], "y": [None], "name": entry.label, "hoverinfo": "skip"}
    if entry.kind in _SYMBOLS:
        return {
            **shown,
            "mode": "markers",
            "marker": {"color": entry.colour, "symbol": _SYMBOLS[entry.kind], "size": 8},
        }
    dash = "solid" if entry.kind == "line" else entry.kind
    return {**shown, "mode": "lines", "line": {"color": entry.colour, "dash": dash, "width": 2}}
