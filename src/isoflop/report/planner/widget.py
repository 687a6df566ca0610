"""The slider of the budget on a report: what the fit would train with another budget, by the planner page's script."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from isoflop.codec import Json, to_json
from isoflop.errors import InputError, RefusedError
from isoflop.fit import FitReport
from isoflop.hardware import hardware_catalogue
from isoflop.plan import fitted_source
from isoflop.report.document import resource
from isoflop.report.panel import Widget
from isoflop.report.planner.data import ShapeData, planner_data
from isoflop.report.planner.packed import rounded
from isoflop.report.planner.script import planner_script
from isoflop.report.style import FORECAST_COLOUR

_SCRIPTS = (
    "number_text.js",
    "drawing.js",
    "words.js",
    "profile_sketch.js",
    "slider.js",
    "first_picture.js",
    "widget.js",
)
"""Of `ui/`, in the order in which they build on each other."""
_UNUSED = ("dropped.js", "cluster_budget.js")
"""Of the planner's script: a report reads no files, and its budget is FLOPs."""
_COMMENTS_AND_INDENTS = re.compile(r"^(?: +(?://.*\n)?|//.*\n)|(?<=[;,{]) +//.*$", re.MULTILINE)
"""What a script on a report does without: a fifth of it. No string of these scripts continues over a line, or holds a
comment's mark after one of these signs."""
_DEVICES = "8xH100"
"""A node, of which hours and price are shown until another is chosen."""


def budget_widgets(report: FitReport | None, flops: float | None = None) -> tuple[Widget, ...]:
    """Returns the slider for a fit, from `flops` on or ten times its runs; none where no approach has a law."""
    data = None if report is None else _data_of(report)
    if report is None or data is None:
        return ()
    scripts = "\n".join([planner_script(without=_UNUSED), *(resource(f"planner/ui/{name}") for name in _SCRIPTS)])
    widget = Widget(
        name="budget",
        short="Another budget",
        title="With another budget",
        template="planner/ui/widget.html",
        values={"devices": [device.name for device in hardware_catalogue().values()]},
        script=_COMMENTS_AND_INDENTS.sub("", scripts),
        data={
            "planner": data,
            "start": flops or 10 * report.flops_range[1],
            "devices": _DEVICES,
            "colour": FORECAST_COLOUR,
        },
    )
    return (widget,)


@lru_cache(maxsize=2)
def _data_of(report: FitReport) -> Json:
    """Returns what the script computes from; None where no approach has a law. Takes seconds, so the last are kept."""
    try:
        data = planner_data([fitted_source(report)], ShapeData())
    except (RefusedError, InputError):
        return None
    # names the sources of no device, draws no other systems, and weighs no warnings
    devices = tuple(replace(device, source="") for device in data.devices)
    return _rounded(to_json(replace(data, codes={}, systems=(), devices=devices)))


def _rounded(value: Json) -> Json:
    """The same with every packed array rounded: to some 1e-5 of its range, far below what the page prints."""
    if isinstance(value, dict):
        return rounded(value) if "base64" in value else {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
