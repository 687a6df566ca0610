"""Jobs on this machine: a supervisor in a thread for each run of several processes, or of an accelerator."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from isoflop.runs.engines.jobs import Gone, Report
from isoflop.runs.engines.supervisor import supervise
from isoflop.runs.folder import RunFolder


@dataclass(frozen=True)
class LocalJob:
    """A supervisor in a thread."""

    kept: Future[tuple[int, str]]
    cancelled: threading.Event
    """Reaches the supervisor where an order does not: on a full disk."""

    def report(self) -> Report | None:
        """What the supervisor returned."""
        if not self.kept.done():
            return None
        error = self.kept.exception()
        return (
            self.kept.result() if error is None else Gone(outcome="crashed", message=f"its supervisor failed: {error}")
        )

    def waits(self) -> bool:
        """Never: there is a thread for each slot."""
        return False

    def cancel(self) -> None:
        """Has the supervisor kill its trainer."""
        self.cancelled.set()
        if not self.kept.cancel():
            self.kept.exception()  # it has heeded


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
