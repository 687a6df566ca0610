"""Options of a device that the catalogue lacks, or of which the user knows other figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click
import cloup
from cloup import option_group

from isoflop.cli.options.types import QUANTITY, WholeNumber
from isoflop.cli.options.verb import flags
from isoflop.errors import InputError
from isoflop.hardware import Hardware
from isoflop.own_hardware import DeviceFigures, DeviceSource
from isoflop.plan import Cluster
from isoflop.plan.stated_budget import DEFAULT_DEVICE
from isoflop.units import MOST_DEVICES, parse_devices

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class OwnDevice:
    """A file of devices, and figures of the device of --gpus; None where not set."""

    hardware: Path | None
    device_peak: float | None
    device_memory: str | None
    device_bandwidth: str | None
    device_link: str | None
    device_network: str | None
    device_node: int | None
    device_product_share: float | None

    def device(self, gpus: str, what: str = "--gpus") -> Hardware:
        """Returns the device of `512xH100`: of the file, the catalogue or the figures. Raises InputError otherwise."""
        count, name = parse_devices(gpus, what)
        return self.devices.device(name, count)

    @property
    def devices(self) -> DeviceSource:
        """Where the device of --gpus, or of a plan's [layout], is known from."""
        return DeviceSource(file=self.hardware, figures=self._figures())

    def check_gpus(self, gpus: str | None) -> None:
        """Raises InputError for figures of a device without --gpus."""
        stated = [name for name in OwnDevice.__annotations__ if getattr(self, name) is not None and name != "hardware"]
        if gpus is None and stated:
            raise InputError(f"{flags(stated)}: of which device? add --gpus, such as --gpus 8xMYGPU")

    def _figures(self) -> DeviceFigures:
        return DeviceFigures(
            peak=self.device_peak,
            memory=self.device_memory,
            bandwidth=self.device_bandwidth,
            link=self.device_link,
            network=self.device_network,
            node_devices=self.device_node,
            product_share=self.device_product_share,
        )


@dataclass(frozen=True, kw_only=True)
class PricedDevice(OwnDevice):
    """The devices whose time and price are meant; None where not set."""

    gpus: str | None
    utilization: str | None
    price_per_hour: str | None

    def priced(self, *, days: float | None = None, max_price: str | None = None) -> Cluster | None:
        """Returns the devices of --gpus, `512xH100` or one `H100`; None without.

        Raises InputError for a wrong one, and for one without a count where `days` make it the budget.
        """
        if self.gpus is None:
            self.check_gpus(self.gpus)
            return None
        named = self.gpus if self.gpus[:1].isdigit() or days is not None else f"1x{self.gpus}"
        return Cluster.parse(
            named,
            days=days,
            utilization=self.utilization,
            price_per_hour=self.price_per_hour,
            max_price=max_price,
            device=self.device(named),
        )

    def priced_or_default(self) -> Cluster:
        """Returns the devices of --gpus, else one of the catalogue. Raises InputError for figures without --gpus."""
        if self.gpus is None and self.hardware is not None:
            raise InputError("--hardware: which of its devices? add --gpus, such as --gpus 8xMYGPU")
        return self.priced() or replace(self, gpus=DEFAULT_DEVICE).priced_or_default()


def priced_device_options(heading: str, whose: str) -> Callable[[F], F]:
    """Returns a decorator that adds the options of `PricedDevice` to a verb that prices FLOPs, as `isoflop plan`."""
    group = option_group(
        heading,
        cloup.option("--gpus", metavar="[COUNTx]DEVICE", help=f"Device of {whose}. [{DEFAULT_DEVICE}]"),
        cloup.option("--utilization", metavar="SHARE", help="Model FLOPs over peak. [of whole published runs]"),
        cloup.option("--price-per-hour", metavar="MONEY", help="Price of one device-hour. [a dated rate in USD]"),
    )

    def added(function: F) -> F:
        """The verb with both groups."""
        return group(own_device_options()(function))

    return added


def own_device_options(heading: str = "A device of your own, named in --gpus") -> Callable[[F], F]:
    """Returns a decorator that adds the options of `OwnDevice`."""
    return option_group(
        heading,
        cloup.option(
            "--hardware",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            metavar="FILE",
            help="TOML file with [[devices]]: name, peak, memory, bandwidth and what else is known.",
        ),
        cloup.option("--device-peak", type=QUANTITY, metavar="FLOPS", help="Dense FLOP/s in 16 bits: 165e12 or 165T."),
        cloup.option("--device-memory", metavar="BYTES", help="Memory of a device: 24GB."),
        cloup.option("--device-bandwidth", metavar="BYTES/s", help="Of its memory: 1.0TB/s."),
        cloup.option("--device-link", metavar="BYTES/s", help="To others of its node, one way: 450GB/s."),
        cloup.option("--device-network", metavar="BYTES/s", help="To other nodes, one way: 50GB/s."),
        cloup.option("--device-node", type=WholeNumber(1, MOST_DEVICES), help="Devices of a node. [all of them]"),
        cloup.option(
            "--device-product-share",
            type=QUANTITY,
            metavar="SHARE",
            help="Of the peak, what matrix products reach in training: gives a step time and a layout.",
        ),
    )
