"""Printing of a layout on devices, for `isoflop plan` and `isoflop count`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from isoflop.arch.layout import Layout
from isoflop.plan import LayoutEstimate
from isoflop.units import format_bytes, format_duration, format_number, format_quantity, percent

_WAYS = ("data", "sharded", "tensor", "pipeline", "interleaved")
_RECOMPUTED = {
    "none": "no activation recomputation",
    "selective": "recomputing every second product",
    "full": "recomputing whole layers",
}


def placement_facts(placement: LayoutEstimate) -> list[tuple[str, str]]:
    """Returns rows for a layout on devices: its degrees, memory and speed."""
    step, memory = placement.time, placement.memory
    over = ": does not fit" if memory.total > placement.device_bytes else ""
    return [
        ("Layout", ways_of(placement.layout) or "one device"),
        ("", f"{_micro_batches(placement)}, {_RECOMPUTED[placement.recompute]}"),
        (
            "Memory a device",
            f"{format_bytes(memory.total)} ({_ends(memory.total_range, format_bytes)}) of "
            f"{format_bytes(placement.device_bytes)}{over}",
        ),
        (
            "Step",
            f"{format_seconds(step.seconds)} ({_ends(step.seconds_range, format_seconds)}) for "
            f"{format_quantity(step.tokens)} tokens, {format_quantity(step.tokens_per_second)} a second",
        ),
        ("", f"{percent(step.utilization)} of peak ({_ends(step.utilization_range, percent)}), predicted"),
    ]


def ways_of(layout: Layout) -> str:
    """Returns the degrees of parallelism above one, as text; empty where all are one."""
    return " x ".join(f"{degree} {name}" for name in _WAYS if (degree := getattr(layout, name)) > 1)


def _micro_batches(placement: LayoutEstimate) -> str:
    steps, micro = placement.micro_batches, placement.micro_batch_sequences
    return f"{steps} micro-batch{'es' * (steps > 1)} of {micro} sequence{'s' * (micro > 1)} a step"


def _ends(ends: Sequence[float], written: Callable[[float], str]) -> str:
    """Returns a range as text."""
    return " to ".join(map(written, ends))


def format_seconds(seconds: float) -> str:
    """Returns seconds with three digits, or as a duration where they are long."""
    return f"{format_number(seconds)} s" if seconds < 999.5 else format_duration(seconds)
