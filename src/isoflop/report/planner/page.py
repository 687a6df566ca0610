"""The planner page as one HTML file: template, styles, data and script, with nothing to fetch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isoflop import __version__
from isoflop.codec import to_json
from isoflop.files import write_bytes_atomically
from isoflop.laws import published_names
from isoflop.laws.published import DEFAULT_LAW
from isoflop.plan import LawSource, published_source
from isoflop.report.document import Document, page_styles, render, resource
from isoflop.report.planner.data import ShapeData, planner_data
from isoflop.report.planner.script import planner_script
from isoflop.report.planner.sources import FORM_OF
from isoflop.units import format_number

PAGE_SCRIPTS = (
    "quantities.js",
    "number_text.js",
    "drawing.js",
    "request.js",
    "words.js",
    "form.js",
    "answer.js",
    "sources.js",
    "slider.js",
    "valley.js",
    "fan.js",
    "figures.js",
    "controls.js",
    "planner.js",
)
"""Files of `ui/`, in the order in which they build on each other."""

DEFAULT_REQUEST = {"law": DEFAULT_LAW, "gpus": "512xH100", "days": "30"}
"""What a page asks before anything is typed: a month of a middling cluster."""

# Where a fit's runs end is the least that it can be asked for; the most that its forecasts may reach is a hundredfold.
_TIMES_THE_RUNS = 10


@dataclass(frozen=True, kw_only=True)
class PlannerSettings:
    """What the page shows first, and which file stands for `--fit` in the command that it prints."""

    defaults: Mapping[str, str]
    """{option of `isoflop plan`: its text}."""
    fits: Mapping[str, str]
    """{name of a law on the page: the fit that it came from}."""


def planner_page(fit: LawSource | None = None, path: Path | None = None) -> str:
    """Returns the page with all published laws whose form it knows, and the law of a fit, which was read from `path`.

    Raises InputError where the fit's law is of a form that the page does not know.
    """
    sources = [published_source(name) for name in published_names()]
    sources = [source for source in sources if type(source.law) in FORM_OF]
    defaults, fits = dict(DEFAULT_REQUEST), {}
    if fit is not None:
        sources.insert(0, fit)
        name = fit.law.provenance.name
        fits[name] = str(path)
        defaults = {
            "law": name,
            "gpus": "8xH100",
            "flops": format_number(fit.law.provenance.domain["flops"][1] * _TIMES_THE_RUNS),
        }
    data = planner_data(sources, ShapeData())
    document = Document(
        title="Planner · isoflop",
        description="How many parameters and tokens a budget is best spent on, how sure that is, and what it costs.",
        styles=(*page_styles(), resource("planner/ui/sketch.css"), resource("planner/ui/planner.css")),
        scripts=(planner_script(), *(resource(f"planner/ui/{name}") for name in PAGE_SCRIPTS)),
        data={"planner-data": to_json(data), "planner-page": to_json(PlannerSettings(defaults=defaults, fits=fits))},
    )
    devices = [device.name for device in data.devices]
    return render(
        "planner/ui/planner.html", document, laws_count=len(data.sources), devices=devices, version=__version__
    )


def write_planner_page(page: str, path: Path) -> Path:
    """Writes a page to `path` atomically and returns that. Raises InputError where it cannot be written."""
    write_bytes_atomically(path, page.encode())
    return path
