"""On how many nodes an exported run starts, and the lines that start it there."""

from __future__ import annotations

import math

from isoflop.plan.export.engine_run import EngineRun

_USUAL_NODE = 8  # GPUs of a node, where the catalogue has none and for devices that come in pods
_PORT = 29_500  # of torchrun's own examples


def devices(value: EngineRun) -> int:
    """Devices that the run is started on: those of its layout, or the most of the plan's that divide its batch.

    Of a plan without devices, as many of one node as divide it.
    """
    if value.layout is not None:
        return value.layout.devices
    shares = value.sequences // (value.micro_batch_sequences or 1)
    if value.planned_devices is None:
        return math.gcd(_USUAL_NODE, shares)
    return next(count for count in range(min(value.planned_devices, shares), 0, -1) if shares % count == 0)


def nodes(value: EngineRun) -> tuple[int, int]:
    """(nodes, devices on each): as few nodes as there can be with as many devices on each."""
    node = value.node_devices
    most = _USUAL_NODE if node is None or node > 2 * _USUAL_NODE else node
    count = devices(value)
    each = next(ways for ways in range(min(most, count), 0, -1) if count % ways == 0)
    return count // each, each


def launch_entry(value: EngineRun, program: str, *, before: str = "", first: str = "") -> str:
    """An entry of `fill_in`: which devices, and below it the command that starts `program` on them.

    `first` is what to do before, in words; `before` stands before torchrun on its line.
    """
    count, each = nodes(value)
    words = f"{first}, then" if first else "start it"
    lead = f"{before} " if before else ""
    if count == 1:
        where = f"{words} on {each} device{'s' if each > 1 else ''}{_others(value)}:"
        return f"{where}\n{lead}torchrun --standalone --nproc-per-node={each} {program}"
    where = f"{words} on each of {count} nodes of {each} devices, HEAD being the name of one of them:"
    meeting = f"--rdzv-backend=c10d --rdzv-endpoint=HEAD:{_PORT}"
    return f"{where}\n{lead}torchrun --nnodes={count} --nproc-per-node={each} {meeting} \\\n    {program}"


def _others(value: EngineRun) -> str:
    """Which other numbers of devices do, where none were planned for."""
    if value.layout is not None:
        return ""
    return f" (or another number that divides {value.sequences // (value.micro_batch_sequences or 1):,})"
