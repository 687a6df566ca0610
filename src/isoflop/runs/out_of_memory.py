"""shortages.jsonl: one line per out-of-memory error; the next start halves the micro-batch.

How many sequences a process takes at a time decides no number of the run, so that it may change between two steps.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from isoflop.arch.layout import Layout
from isoflop.codec import from_json, to_json
from isoflop.errors import InputError
from isoflop.runs.jsonl import append_lines, read_lines
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.runs.placement import Memory

MEMORY_VARIABLE = "ISOFLOP_MEMORY"
"""Tells a trainer whose memory it uses, where another place may have more: what it runs out of there ends its start,
and an engine places the run again."""


@dataclass(frozen=True, kw_only=True)
class OutOfMemory:
    """A step for which the memory did not suffice."""

    step: int
    """Optimiser steps taken before it; it is taken again, from its beginning."""
    micro_batch_sequences: int
    """Sequences that a process took at a time then."""
    launch: dict[str, object]
    """The ParallelConfig that it happened with, without its `micro_batch_sequences`: another one may fit."""
    message: str
    """The allocator's message, which says how much was requested."""
    time: float = field(default_factory=time.time)
    """Unix time in seconds."""
    memory: Memory = "core"
    """Whose memory it was; `core` also where the run had no other place."""

    @property
    def devices(self) -> int:
        """Processes that shared the run."""
        layout = self.launch.get("layout")
        return Layout(**layout).devices if isinstance(layout, dict) else 1


def out_of_memory_file(folder: Path) -> Path:
    """shortages.jsonl of the run folder `folder`."""
    return folder / "shortages.jsonl"


def memory_here() -> Memory:
    """Whose memory this process uses, as the engine that started it says."""
    stated = os.environ.get(MEMORY_VARIABLE)
    return "shared" if stated == "shared" else "own" if stated == "own" else "core"


def record_out_of_memory(
    folder: Path, config: ParallelConfig, *, step: int, micro_batch_sequences: int, message: str
) -> None:
    """Adds a line, on the disk when this returns; any process of a group may. Raises InputError on a full disk."""
    event = OutOfMemory(
        step=step,
        micro_batch_sequences=micro_batch_sequences,
        launch=_but_for_micro_batch(config),
        message=message,
        memory=memory_here(),
    )
    append_lines(out_of_memory_file(folder), [to_json(event)], durable=True)


def out_of_memory_events(folder: Path) -> tuple[OutOfMemory, ...]:
    """Every out-of-memory error so far, oldest first; a torn line is left out.

    There is one for each config, number of sequences and memory: what did not fit is not tried again, but each of many
    processes may report it.
    """
    path = out_of_memory_file(folder)
    if not path.exists():  # as for nearly every run
        return ()
    events: dict[str, OutOfMemory] = {}
    for line in read_lines(path).lines:
        try:
            event = from_json(OutOfMemory, line, "shortage")
        except InputError:
            continue
        key = [event.launch, event.micro_batch_sequences, event.memory]
        events.setdefault(json.dumps(key, sort_keys=True), event)
    return tuple(events.values())


def smallest_failure(folder: Path, config: ParallelConfig) -> OutOfMemory | None:
    """The out-of-memory error of `config` in this process's memory with the fewest sequences at a time, if any."""
    here, launch = memory_here(), _but_for_micro_batch(config)
    events = [event for event in out_of_memory_events(folder) if (event.launch, event.memory) == (launch, here)]
    return min(events, key=lambda event: event.micro_batch_sequences, default=None)


def config_after_out_of_memory(folder: Path, config: ParallelConfig) -> ParallelConfig:
    """`config` with at most half of the sequences at a time that did not fit, and at least one."""
    failure = smallest_failure(folder, config)
    if failure is None:
        return config
    half, requested = max(1, failure.micro_batch_sequences // 2), config.micro_batch_sequences
    return replace(config, micro_batch_sequences=half if requested is None else min(requested, half))


def _but_for_micro_batch(config: ParallelConfig) -> dict[str, object]:
    return {**replace(config, micro_batch_sequences=None).as_json()}
