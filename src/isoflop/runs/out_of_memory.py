"""shortages.jsonl: a line each time that memory ran out in a step. Whoever starts next begins with half of that.

How many sequences a process takes at a time decides no number, so a run may change it between two starts, or two steps.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from isoflop.runs.jsonl import append_lines, read_lines
from isoflop.runs.parallel_config import ParallelConfig


@dataclass(frozen=True, kw_only=True)
class OutOfMemory:
    """Memory that ran out."""

    step: int
    """Optimiser steps taken before the one that did not fit; it is taken again, from its beginning."""
    micro_batch_sequences: int
    """Sequences that a process took at a time then."""
    launch: dict[str, Any]
    """The launch that it was met with, but for its `micro_batch_sequences`: another one may fit."""
    message: str
    """What was asked for, in the allocator's words."""
    time: float = field(default_factory=time.time)
    """Unix time in seconds."""


def out_of_memory_file(folder: Path) -> Path:
    """shortages.jsonl of the run folder `folder`."""
    return folder / "shortages.jsonl"


def record_out_of_memory(
    folder: Path, launch: ParallelConfig, *, step: int, micro_batch_sequences: int, message: str
) -> None:
    """Adds a line, on the disk when this returns; any process of a group may. Raises InputError on a full disk."""
    shortage = OutOfMemory(
        step=step, micro_batch_sequences=micro_batch_sequences, launch=_but_for_micro_batch(launch), message=message
    )
    append_lines(out_of_memory_file(folder), [asdict(shortage)], durable=True)


def out_of_memory_events(folder: Path) -> tuple[OutOfMemory, ...]:
    """Every shortage so far, oldest first; a torn line is left out.

    One of each launch and number of sequences: what did not fit is not tried again, but many processes may tell of it.
    """
    names = {f.name for f in fields(OutOfMemory)}
    met: dict[str, OutOfMemory] = {}
    for line in read_lines(out_of_memory_file(folder)).lines:
        if set(line) == names:
            told = OutOfMemory(**line)
            met.setdefault(json.dumps([told.launch, told.micro_batch_sequences], sort_keys=True), told)
    return tuple(met.values())


def smallest_failure(folder: Path, launch: ParallelConfig) -> OutOfMemory | None:
    """The shortage of `launch` with the fewest sequences at a time; None when it has had none."""
    met = [shortage for shortage in out_of_memory_events(folder) if shortage.launch == _but_for_micro_batch(launch)]
    return min(met, key=lambda shortage: shortage.micro_batch_sequences, default=None)


def config_after_out_of_memory(folder: Path, launch: ParallelConfig) -> ParallelConfig:
    """`launch` with no more sequences at a time than half of what did not fit, one at least."""
    met = smallest_failure(folder, launch)
    if met is None:
        return launch
    half, asked = max(1, met.micro_batch_sequences // 2), launch.micro_batch_sequences
    return replace(launch, micro_batch_sequences=half if asked is None else min(asked, half))


def _but_for_micro_batch(launch: ParallelConfig) -> dict[str, Any]:
    return replace(launch, micro_batch_sequences=None).as_json()
