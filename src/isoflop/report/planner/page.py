"""The planner page as one HTML file: template, styles, data and script, with nothing to fetch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from isoflop import __version__
from isoflop.codec import to_json
from isoflop.files import write_bytes_atomically
from isoflop.hardware import Hardware
from isoflop.laws import published_names
from isoflop.laws.published import DEFAULT_LAW
from isoflop.plan import LawSource, published_source
from isoflop.plan.stated_budget import DEFAULT_DAYS, DEFAULT_DEVICE, StatedBudget, default_devices
from isoflop.report.document import Document, page_styles, render, resource
from isoflop.report.planner.data import ShapeData, planner_data
from isoflop.report.planner.form import FORM_OF
from isoflop.report.planner.script import planner_script
from isoflop.report.planner.sources import source_data
from isoflop.units import format_flops, format_number

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
    "profile_sketch.js",
    "fan.js",
    "figures.js",
    "controls.js",
    "planner.js",
)
"""Files of `ui/`, in the order in which they build on each other."""

DEFAULT_REQUEST = {"law": DEFAULT_LAW, "gpus": "512xH100", "days": "30"}
"""What a page asks before anything is typed: a month of a middling cluster."""

_TIMES_THE_RUNS = 10  # the budget that a fit's page asks first, over the largest compute of its runs


@dataclass(frozen=True, kw_only=True)
class DefaultDevices:
    """Devices of a sum without any."""

    device: str = DEFAULT_DEVICE
    days: float = DEFAULT_DAYS
    """Within which they spend it."""


@dataclass(frozen=True, kw_only=True)
class PlannerSettings:
    """What the page shows first, and which file stands for `--fit` in the command that it prints."""

    defaults: Mapping[str, str]
    """{option of `isoflop plan`: its text}."""
    default_devices: DefaultDevices
    """Of a link that states money alone."""
    fits: Mapping[str, str]
    """{name of a law on the page: the fit that it came from}."""
    own_devices: Mapping[str, str]
    """{name of a device of the user: the options that state it}, for the command that the page prints."""


@dataclass(frozen=True, kw_only=True)
class OwnDevices:
    """Devices of the user on the page, and what it begins with on them."""

    devices: tuple[Hardware, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    """{name of a device: the options that state it, as text for a shell}."""
    request: Mapping[str, str] = field(default_factory=dict)
    """{option of `isoflop plan`: its text}."""


NO_DEVICES = OwnDevices()
"""Only those of the catalogue."""


def planner_page(
    fit: LawSource | None = None,
    path: Path | None = None,
    budget: StatedBudget | None = None,
    own: OwnDevices = NO_DEVICES,
) -> str:
    """Returns the page with all published laws whose form it knows, and before them the law of a fit, read from `path`.

    It begins with `budget`; without one with DEFAULT_REQUEST, or of a fit with ten times the compute of its runs.

    Raises InputError where the fit's law is of a form that the page does not know.
    """
    published = [published_source(name) for name in published_names()]
    data = planner_data([source for source in published if type(source.law) in FORM_OF], ShapeData(), own.devices)
    defaults, fits = DEFAULT_REQUEST, dict[str, str]()
    if fit is not None and path is not None:
        data = replace(data, sources=(source_data(fit, path.name), *data.sources))
        flops = format_flops(fit.law.provenance.domain["flops"][1] * _TIMES_THE_RUNS)
        defaults, fits = {"law": path.name, "gpus": "8xH100", "flops": flops}, {path.name: str(path)}
    if budget is not None:
        defaults = {"law": defaults["law"], "gpus": defaults["gpus"], **_request_of(budget)}
    settings = PlannerSettings(
        defaults={**defaults, **own.request}, default_devices=DefaultDevices(), fits=fits, own_devices=own.options
    )
    document = Document(
        title="Planner · isoflop",
        description="How many parameters and tokens a budget is best spent on, how sure that is, and what it costs.",
        styles=(*page_styles(), resource("planner/ui/sketch.css"), resource("planner/ui/planner.css")),
        scripts=(planner_script(), *(resource(f"planner/ui/{name}") for name in PAGE_SCRIPTS)),
        data={"planner-data": to_json(data), "planner-page": to_json(settings)},
    )
    devices = [device.name for device in data.devices]
    return render(
        "planner/ui/planner.html", document, laws_count=len(data.sources), devices=devices, version=__version__
    )


def _request_of(budget: StatedBudget) -> dict[str, str]:
    """{option of `isoflop plan`: its text} of a budget; of money alone with the devices that `isoflop plan` takes."""
    if budget.flops is not None:
        return {"flops": format_number(budget.flops, 9)}
    if budget.price is not None:
        gpus = default_devices(budget.price)[0]
        return {"price": budget.price, **({} if gpus is None else {"gpus": gpus})}
    return {"gpus": str(budget.gpus), "days": format_number(budget.days or 0.0, 9)}


def write_planner_page(page: str, path: Path) -> Path:
    """Writes a page to `path` atomically and returns that. Raises InputError where it cannot be written."""
    write_bytes_atomically(path, page.encode())
    return path
