"""Engine `local`: workers on this machine that stay warm; for a run of several processes, or on an accelerator, a job
on this machine, which is a supervisor in a thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ClassVar

from isoflop.runs.engine import Engine
from isoflop.runs.engines.jobs import Gone, Report
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.engines.settings import EngineRequest, EngineSettings
from isoflop.runs.engines.supervisor import supervise
from isoflop.runs.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class LocalSettings(EngineSettings):
    """Processes on this machine; study.toml has no table for them."""

    one_machine: ClassVar[str] = "this machine is one"
    trains_here: ClassVar[bool] = True

    def system(self, request: EngineRequest) -> LocalJobs:
        """A thread for each run."""
        return LocalJobs(slots=request.workers)

    def make(self, request: EngineRequest) -> Engine:
        """Warm workers where a run takes one process on a CPU; else a job for each run."""
        if request.processes.count > 1 or request.processes.device != "cpu":
            return super().make(request)
        options = []
        if request.library != "own":
            options = ["--device", request.worker_device, "--library", request.library]
        return LocalEngine(
            workers=request.workers,
            logs=request.logs,
            corpus=request.corpus,
            options=options,
            placement=request.placement if request.library == "own" else None,
        )


@dataclass(frozen=True)
class LocalJob:
    """A supervisor in a thread."""

    outcome: Future[tuple[int, str]]
    cancelled: threading.Event
    """Reaches the supervisor where a command does not: on a full disk."""

    def report(self) -> Report | None:
        """What the supervisor returned."""
        if not self.outcome.done():
            return None
        error = self.outcome.exception()
        return (
            self.outcome.result()
            if error is None
            else Gone(outcome="crashed", message=f"its supervisor failed: {error}")
        )

    def waits(self) -> bool:
        """Never: there is a thread for each slot."""
        return False

    def cancel(self) -> None:
        """Has the supervisor kill its trainer."""
        self.cancelled.set()
        if not self.outcome.cancel():
            self.outcome.exception()  # waits for it


@dataclass(kw_only=True)
class LocalJobs:
    """This machine, for runs of several processes or on accelerators; the others are a `LocalEngine`'s."""

    slots: int
    """Runs at a time."""
    _threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="supervisor")

    def submit(self, folder: RunFolder, command: Sequence[str]) -> LocalJob:
        """A thread that keeps a trainer."""
        cancelled = threading.Event()
        return LocalJob(self._threads.submit(supervise, str(folder.path), command, cancelled.is_set), cancelled)

    def close(self) -> None:
        """Nothing is left: its jobs have ended."""
        self._threads.shutdown()
