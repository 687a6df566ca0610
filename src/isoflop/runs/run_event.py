"""RunEvent: what a driver tells of a run, for displays and clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from isoflop.runs.folder import Heartbeat, RunFolder
from isoflop.runs.result import RunResult

EventKind = Literal["started", "progress", "retried", "waiting", "finished"]


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """What happened to a run, for a progress display."""

    kind: EventKind
    """`started` by the engine. `progress`: a new heartbeat. `retried`: its trainer ended without a result and will be
    started again. `waiting`: a process that is not ours works on it. `finished`: has a result."""
    folder: RunFolder
    heartbeat: Heartbeat | None = None
    """With `progress`."""
    result: RunResult | None = None
    """With `finished`."""
    message: str = ""
    """Why, with `retried` and `waiting`."""
