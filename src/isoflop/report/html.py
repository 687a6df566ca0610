"""One self-contained report.html: plotly.js inside, no network, no font from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from isoflop.files import write_bytes_atomically
from isoflop.report.dark_colours import dark_colours
from isoflop.report.document import Document, page_styles, render, resource, script_json
from isoflop.report.drawing import Drawing
from isoflop.report.formatting import moment
from isoflop.report.panel import Absent, Page, Panel, Widget
from isoflop.report.series_names import series_names

_DIGITS = 8
"""Significant digits of the points of lines and surfaces: more than any loss has, and half the text."""


def write_page(page: Page, path: Path) -> Path:
    """Write `page` to `path` atomically and return that. Raises InputError where it cannot be written."""
    write_bytes_atomically(path, page_html(page).encode())
    return path


def page_html(page: Page) -> str:
    """The whole page as text."""
    shown = [panel for panel in page.panels if isinstance(panel, Panel)]
    drawings = [drawing for panel in shown for drawing in panel.drawings]
    drawings += [page.picture.drawing] if page.picture else []
    drawings += [drawing for widget in page.widgets for drawing in widget.drawings]
    document = Document(
        title=f"{page.title} · isoflop report",
        description=next(iter(page.summary.sentences), page.about),
        styles=page_styles(),
        scripts=(
            resource("assets/plotly-cartesian.min.js"),
            _page_script(),
            *map(_widget_script, page.widgets),
        ),
        data={
            "drawings": {drawing.name: _drawing_json(drawing) for drawing in drawings},
            "dark-colours": dark_colours([drawing.data, drawing.layout, drawing.narrow] for drawing in drawings),
            **{f"{widget.name}-data": widget.data for widget in page.widgets},
        },
    )
    absent = [panel.sentence for panel in page.panels if isinstance(panel, Absent)]
    return render("templates/page.html", document, page=page, panels=shown, absent=absent, made=moment(page.created))


def _page_script() -> str:
    """The page's own scripts, in the order in which they build on each other, in one scope."""
    text = resource("planner/ui/number_text.js")
    own = "\n".join(resource(f"scripts/{name}.js") for name in ("figures", "zoom", "downloads", "paper", "page"))
    return f'globalThis.isoflop ??= {{}};\n{text}\n(function () {{\n"use strict";\n{own}\n}})();'


def _widget_script(widget: Widget) -> str:
    name = script_json(widget.name)
    return f"isoflopPage.widget({name}, function (root, data, page) {{\n{widget.script}\n}});"


def _drawing_json(drawing: Drawing) -> dict[str, object]:
    return {
        "data": [{**_shortened(trace), "name": name} for trace, name in _named(drawing)],
        "layout": drawing.layout,
        "narrow": drawing.narrow,
        "height": drawing.height,
        "narrow_height": drawing.narrow_height,
    }


def _named(drawing: Drawing) -> Iterator[tuple[Mapping[str, object], str]]:
    return zip(drawing.data, series_names(drawing), strict=True)


def _shortened(trace: Mapping[str, object]) -> dict[str, object]:
    """A trace; of lines and surfaces, which have many points, to _DIGITS digits. Markers are runs, and stay exact."""
    markers = "markers" in str(trace.get("mode", "")) or trace.get("type") not in ("scatter", "contour")
    return {name: part if markers else _rounded(part) for name, part in trace.items()}


def _rounded(value: object) -> object:
    """`value` with every number inside to _DIGITS significant digits; whole numbers as they are."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value
