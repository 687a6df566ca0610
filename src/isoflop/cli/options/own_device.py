"""Options of a device that the catalogue lacks, or of which the user knows other figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click
import cloup
from cloup import option_group

from isoflop.cli.options.types import QUANTITY, WholeNumber
from isoflop.cli.options.verb import flags
from isoflop.errors import InputError
from isoflop.hardware import Hardware
from isoflop.own_hardware import DeviceFigures, device_named
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
        return device_named(name, count=count, file=self.hardware, figures=self._figures())

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


def own_device_options(function: F) -> F:
    """Adds the options of `OwnDevice`."""
    return option_group(
        "A device of your own, named in --gpus",
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
        cloup.option("--device-node", type=WholeNumber(1, MOST_DEVICES), help="Devices of a node. [all of --gpus]"),
        cloup.option(
            "--device-product-share",
            type=QUANTITY,
            metavar="SHARE",
            help="Of the peak, what matrix products reach in training: gives a step time and a layout.",
        ),
    )(function)
