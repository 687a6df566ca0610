"""Options that limit what a planned model may need where it is served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click
import cloup
from cloup import option_group

from isoflop.arch import MOST_OF_A_SHAPE
from isoflop.arch.memory import DTYPE_BYTES
from isoflop.cli.options.own_device import OwnDevice
from isoflop.cli.options.types import WholeNumber
from isoflop.cli.options.verb import flags
from isoflop.errors import InputError
from isoflop.own_hardware import device_named
from isoflop.plan import ServingLimit
from isoflop.units import parse_bytes, parse_devices, parse_duration

F = TypeVar("F", bound=Callable[..., object])


@dataclass(frozen=True, kw_only=True)
class ServingOptions:
    """Limits where the model is served, and what serves it; None where not set."""

    max_memory: str | None
    max_latency: str | None
    serve_on: str | None
    serve_format: str | None
    serve_batch: int | None


def serving_options(function: F) -> F:
    """Adds the options of `ServingOptions`."""
    return option_group(
        "Limits on serving",
        cloup.option("--max-memory", metavar="BYTES", help="Limit on weights and cache when served, such as 80GB."),
        cloup.option("--max-latency", metavar="TIME", help="Limit on the time per generated token, such as 20ms."),
        cloup.option("--serve-on", metavar="COUNTxDEVICE", help="Serving devices, for --max-latency. [one of --gpus]"),
        cloup.option(
            "--serve-format", type=click.Choice(list(DTYPE_BYTES)), help="Format of the served weights. [bfloat16]"
        ),
        cloup.option("--serve-batch", type=WholeNumber(1, MOST_OF_A_SHAPE), help="Sequences served concurrently. [1]"),
    )(function)


def read_serving(options: ServingOptions, gpus: str | None, own: OwnDevice) -> ServingLimit | None:
    """Returns the limit that the options state, or None. Raises InputError for serving options without a limit."""
    if options.max_memory is None and options.max_latency is None:
        if names := [name for name, value in vars(options).items() if value is not None]:
            raise InputError(f"plan: {flags(names)}: needs --max-memory or --max-latency; add one of them")
        return None
    count, device = 1, None
    if options.serve_on is not None:
        count = parse_devices(options.serve_on, "--serve-on")[0]
        device = device_named(parse_devices(options.serve_on, "--serve-on")[1], file=own.hardware)
    elif gpus is not None:
        device = own.device(gpus)
    return ServingLimit(
        memory_bytes=None if options.max_memory is None else parse_bytes(options.max_memory, "--max-memory"),
        latency_seconds=None if options.max_latency is None else parse_duration(options.max_latency, "--max-latency"),
        hardware=device,
        devices=count,
        weights=options.serve_format or ServingLimit.weights,
        sequences=options.serve_batch or ServingLimit.sequences,
    )
