"""Options that say what a planned model may take where it is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from isoflop.arch import MOST_OF_A_SHAPE
from isoflop.arch.memory import DTYPE_BYTES
from isoflop.errors import InputError
from isoflop.hardware import hardware_named
from isoflop.plan import ServingLimit
from isoflop.units import parse_bytes, parse_devices, parse_duration

F = TypeVar("F", bound=Callable[..., Any])

SERVING_OPTIONS = ("max_memory", "max_latency", "serve_on", "serve_format", "serve_batch")
_COUNT = click.IntRange(1, MOST_OF_A_SHAPE)
_LIMITS = SERVING_OPTIONS[:2]


def serving_options(function: F) -> F:
    """The options of SERVING_OPTIONS; read them with `read_serving`."""
    for option in reversed(
        (
            click.option("--max-memory", metavar="BYTES", help="Most weights and cache served, such as 80GB."),
            click.option("--max-latency", metavar="TIME", help="Longest time a generated token, such as 20ms."),
            click.option("--serve-on", metavar="COUNTxDEVICE", help="What serves: for --max-latency. [one of --gpus]"),
            click.option("--serve-format", type=click.Choice(list(DTYPE_BYTES)), help="Served weights. [bfloat16]"),
            click.option(
                "--serve-batch", type=click.IntRange(1, MOST_OF_A_SHAPE), help="Sequences served at once. [1]"
            ),
        )
    ):
        function = option(function)
    return function


def read_serving(given: dict[str, Any], gpus: str | None) -> ServingLimit | None:
    """The limit that the options name; None where none was given. Raises InputError for options without a limit."""
    if not any(name in given for name in _LIMITS):
        if given:
            alone = " and ".join(f"--{name.replace('_', '-')}" for name in given)
            raise InputError(f"plan: {alone}: of use beside --max-memory or --max-latency only; give one of these too")
        return None
    count, device = 1, None
    if "serve_on" in given:
        count, device = parse_devices(given["serve_on"], "--serve-on")
    elif gpus is not None:
        device = parse_devices(gpus)[1]
    return ServingLimit(
        memory_bytes=parse_bytes(given["max_memory"], "--max-memory") if "max_memory" in given else None,
        latency_seconds=parse_duration(given["max_latency"], "--max-latency") if "max_latency" in given else None,
        hardware=None if device is None else hardware_named(device),
        devices=count,
        weights=given.get("serve_format", ServingLimit.weights),
        sequences=given.get("serve_batch", ServingLimit.sequences),
    )
