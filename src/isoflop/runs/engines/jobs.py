"""The engine of clusters: a job a run folder, in whatever system queues and places jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from isoflop.runs.engine import STOP_SECONDS, Ended, Outcome, message_of, outcome_of
from isoflop.runs.engines.processes import ONE_PROCESS, Processes, trainer_command
from isoflop.runs.engines.supervisor import clear_command, write_command
from isoflop.runs.folder import RunFolder

LOOK_SECONDS = 0.1
"""Between two looks at the jobs while nothing has ended."""
COMMAND_SECONDS = 30.0
"""How long a supervisor may take to act on `kill` before its job is cancelled: its machine may be gone."""


@dataclass(frozen=True, kw_only=True)
class Gone:
    """A job that ended without its supervisor's report."""

    outcome: Outcome
    message: str
    """One sentence for people: what the system says of it."""


Report = tuple[int, str] | Gone
"""How a job ended: its trainer's exit code and the reason, or what the system says without a supervisor's report."""


class Job(Protocol):
    """A supervisor at work somewhere, or waiting for a machine."""

    def report(self) -> Report | None:
        """How it ended; None while it has not."""

    def waits(self) -> bool:
        """Whether it is known not to have begun."""

    def cancel(self) -> None:
        """Ends it from outside, whatever it does; nothing when it has ended."""


class JobSystem(Protocol):
    """Where jobs run."""

    def submit(self, folder: RunFolder, command: Sequence[str]) -> Job:
        """A job that keeps `command`, a trainer, at work on `folder`. Raises InputError when the system takes none."""

    def close(self) -> None:
        """Lets go of the system; the jobs have ended."""


@dataclass(kw_only=True)
class _Work:
    folder: RunFolder
    job: Job
    kill_by: float | None = None
    """When a job that was ordered to end is cancelled from outside."""


@dataclass(kw_only=True)
class JobEngine:
    """Has at most `workers` jobs in a JobSystem at a time; a stopped or preempted run gets another job when started.

    Commands go through the run folder, where a supervisor reads them: signals do not reach every machine.
    """

    system: JobSystem
    workers: int
    """Jobs at a time."""
    corpus: Path | None = None
    """Folder of the corpus; None: the one next to runs/."""
    command: Callable[[RunFolder], Sequence[str]] | None = None
    """Another trainer program."""
    processes: Processes = ONE_PROCESS
    """Of each run."""
    library: str = "own"
    """Who takes the steps: the trainer's option --library."""
    _work: list[_Work] = field(default_factory=list, init=False)

    @property
    def free(self) -> int:
        """How many more jobs may be had."""
        return self.workers - len(self._work)

    def next_of(self, waiting: Iterable[RunFolder]) -> RunFolder | None:
        """The longest."""
        return next(iter(waiting), None)

    def start(self, folder: RunFolder) -> None:
        """Submits a job for `folder`. Needs `free` > 0; raises InputError when the system takes none."""
        assert self.free > 0, "no free job"
        clear_command(folder)
        if self.command is not None:
            command = self.command(folder)
        else:
            command = trainer_command(folder, self.corpus, self.processes, self.library)
        self._work.append(_Work(folder=folder, job=self.system.submit(folder, command)))

    def poll(self, timeout: float) -> list[Ended]:
        """Jobs that ended; waits up to `timeout` seconds for the first."""
        deadline = time.monotonic() + timeout
        while not (ended := self._look()) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return ended

    def kill(self, folder: RunFolder) -> None:
        """Ends the trainer of `folder` at once, by its supervisor, or from outside when that does not answer."""
        for work in self._work:
            if work.folder == folder and work.kill_by is None:
                write_command(folder, "kill")
                work.kill_by = time.monotonic() + COMMAND_SECONDS

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Has all trainers save a checkpoint and end; cancels jobs that wait for a machine, and later what is left."""
        for work in self._work:
            write_command(work.folder, "stop")
            if work.job.waits():
                work.job.cancel()
        self._end_all(seconds)

    def close(self) -> None:
        """Kills the trainers still at work, and lets go of the system."""
        for work in self._work:
            write_command(work.folder, "kill")
            if work.job.waits():
                work.job.cancel()
        self._end_all(COMMAND_SECONDS)
        self.system.close()

    def _end_all(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        try:
            while self._work and time.monotonic() < deadline:
                self._look()
                time.sleep(LOOK_SECONDS)
        finally:  # also when a second Ctrl-C ends the waiting
            for work in self._work:
                work.job.cancel()
                clear_command(work.folder)
            self._work.clear()

    def _look(self) -> list[Ended]:
        ended = []
        for work in list(self._work):
            report = work.job.report()
            if report is None and work.kill_by is not None and time.monotonic() > work.kill_by:
                work.job.cancel()
                report = Gone(outcome="lost", message="its machine did not answer, and its job was cancelled")
            if report is not None:
                self._work.remove(work)
                clear_command(work.folder)
                ended.append(_ended(work.folder, report))
        return ended


def _ended(folder: RunFolder, report: Report) -> Ended:
    if isinstance(report, Gone):
        return Ended(folder=folder, outcome=report.outcome, message=report.message)
    code, words = report
    return Ended(folder=folder, outcome=outcome_of(code), message=message_of(code, words))
