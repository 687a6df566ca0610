"""`isoflop planner`: one page that plans in the browser, without a server."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isoflop.cli.options.law import read_law
from isoflop.cli.options.own_device import PricedDevice, priced_device_options
from isoflop.cli.options.types import OUT, PATH
from isoflop.cli.options.verb import picked, verb
from isoflop.cli.output.tables import say
from isoflop.errors import InputError
from isoflop.own_hardware import DeviceSource, read_devices
from isoflop.plan.stated_budget import StatedBudget

if TYPE_CHECKING:
    from isoflop.report.planner.page import OwnDevices


@verb("isoflop planner '$2M'", "isoflop planner --fit fit.json -o ours.html")
@click.argument("budget", required=False)
@click.option("--fit", type=PATH, help="Start with a fit from `isoflop fit FILE --out FIT`, or a study.")
@click.option("--approach", help="Approach of the fit: parametric, isoflop or envelope. [the first with a law]")
@priced_device_options("Devices that the page begins with", "the page")
@click.option("--out", "-o", type=OUT, default=Path("planner.html"), help="File to write. [planner.html]")
def command(budget: str | None, fit: Path | None, approach: str | None, out: Path, **options: object) -> None:
    """Write a page that plans in the browser: type a budget, and size, tokens, loss, time and money follow.

    The page is one file that opens from disk, needs no server and sends nothing anywhere. Its link holds every input.
    BUDGET is what it begins with: FLOPs such as 1e21, money such as '$2M', or '512xH100 30d'.
    """
    from isoflop.report.planner.page import planner_page, write_planner_page

    if options["gpus"] is not None and budget is not None and StatedBudget.parse(budget).gpus is not None:
        raise InputError(f"planner: the budget {budget} and --gpus state devices twice; omit one")

    if fit is None and approach is not None:
        raise InputError("--approach: needs --fit; a published law belongs to one approach")
    if out == fit:
        raise InputError(f"{out}: the page would replace the fit that it is made from; choose another --out")
    if out.is_dir():
        raise InputError(f"{out}: expected a file to write, got a folder")
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder; create it, or choose another --out")
    stated = None if budget is None else StatedBudget.parse(budget)
    source = None if fit is None else read_law(None, fit, approach)
    page = planner_page(source, fit, stated, _own(picked(PricedDevice, options)))
    say(str(write_planner_page(page, out)))


def _own(asked: PricedDevice) -> OwnDevices:
    """The devices that the options state, and the request that the page begins with. Raises InputError as plans do."""
    from isoflop.report.planner.page import OwnDevices

    cluster = asked.priced()  # a wrong figure, share or price is refused here, and not by the page
    devices = {} if asked.hardware is None else read_devices(asked.hardware)
    options = dict.fromkeys(devices, shlex.join(DeviceSource(file=asked.hardware).words))
    if cluster is not None and asked.devices.figures.stated:
        devices = {**devices, cluster.hardware.name: cluster.hardware}
        options[cluster.hardware.name] = shlex.join(asked.devices.words)
    stated = {"utilization": asked.utilization, "price-per-hour": asked.price_per_hour}
    stated |= {"gpus": None if cluster is None else cluster.name}
    request = {name: text for name, text in stated.items() if text is not None}
    return OwnDevices(devices=tuple(devices.values()), options=options, request=request)
