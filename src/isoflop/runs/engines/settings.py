"""The base of an engine's settings: what study.toml may say of it, what a study must know of it, how it is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from isoflop.errors import Notice
from isoflop.runs.engine import Engine
from isoflop.runs.engines.jobs import JobEngine, JobSystem
from isoflop.runs.engines.placing import Placement
from isoflop.runs.engines.processes import ONE_PROCESS, Device, Processes
from isoflop.runs.folder import RunFolder

_Settings = TypeVar("_Settings", bound="EngineSettings")
Library = Literal["own", "olmo"]
"""Who takes the optimiser steps in a trainer: its option --library."""


@dataclass(frozen=True, kw_only=True)
class EngineRequest:
    """What an engine is made for."""

    workers: int
    """Runs at a time."""
    logs: Path
    """Folder for the logs of the engine."""
    corpus: Path
    """Folder of the corpus."""
    processes: Processes = ONE_PROCESS
    """Of each run."""
    library: Library = "own"
    placement: Placement | None = None
    """Cores and accelerators of this machine, and what runs need of them; None: cores alone."""
    worker_device: Device = "cpu"
    """Of workers that train one run after another on this machine."""


@dataclass(frozen=True, kw_only=True)
class JobPreview:
    """A job that is not submitted."""

    asks: Mapping[str, object] = field(default_factory=dict)
    """{option: value} in the words of the engine's system; empty where it is asked for nothing."""
    script: str | None = None
    """What is handed to sbatch; None for other systems."""


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Table [name] of study.toml and plan.toml: a subclass has its keys as fields, with defaults, and says how the
    engine is made. Its values come from a file and may be anything: types are checked on reading, ranges by
    `annotated_types`, and what goes together in `__post_init__`, which raises ValueError."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    library: ClassVar[Library] = "own"
    families: ClassVar[tuple[str, ...] | None] = None
    """Architecture families that it trains; None: all."""
    one_machine: ClassVar[str] = "this engine uses one"
    """Why one run cannot span several machines; empty: it can."""
    trains_here: ClassVar[bool] = False
    """Whether trainers run on this machine, with its devices."""
    memory_key: ClassVar[str] = ""
    """The key to raise where a job's memory is too small, such as `memory_gb in [slurm]`."""

    @property
    def started_by(self) -> str | None:
        """The engine that starts the processes instead of this one; None: this one does."""
        return None

    @property
    def job_memory_bytes(self) -> float | None:
        """Memory of a process; None: what this machine has."""
        return None

    def for_cluster(self: _Settings) -> tuple[_Settings, tuple[Notice, ...]]:
        """(these settings as the cluster takes them, what to warn of). May ask the cluster."""
        return self, ()

    def commands(self) -> list[str]:
        """What else than the trainer these settings have run, a line each: a received study may not run it unasked."""
        return []

    def adapted(self, request: EngineRequest) -> EngineRequest:
        """The request for the engine that starts the processes."""
        return request

    def preview(self, folder: RunFolder, processes: Processes) -> JobPreview:
        """The job that would train `folder`. Raises InputError where the library that says it is missing."""
        del folder, processes
        return JobPreview()

    def system(self, request: EngineRequest) -> JobSystem:
        """Where the jobs of `request` run. Raises InputError when it cannot be had."""
        raise NotImplementedError

    def make(self, request: EngineRequest) -> Engine:
        """The engine: a job for each run on `system`. Raises InputError when it cannot be had."""
        return JobEngine(
            system=self.system(request),
            workers=request.workers,
            corpus=request.corpus,
            processes=request.processes,
            library=request.library,
        )


_LONGEST_SHOWN = 200
"""Characters of a value in a message."""


def shown(value: object) -> str:
    """A value of a settings file in a message: as JSON, so that nothing in it moves a terminal's cursor, and cut."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
