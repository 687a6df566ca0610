"""running.json: how far a study is that runs now, and when it is expected to end. Its driver writes it and removes it.

It is a hint for `isoflop status`, worth no fsync and no error: where it cannot be written the study continues.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge

from isoflop.codec import JsonObject, from_json, to_json
from isoflop.errors import InputError
from isoflop.files import read_json, write_json_atomically
from isoflop.runs.lock import is_held
from isoflop.runs.run_event import RunEvent
from isoflop.study.folder import StudyFolder
from isoflop.study.listener import Listener, PassingListener, RunsAhead
from isoflop.study.progress import Progress
from isoflop.study.training_stages import Study

WRITE_SECONDS = 2.0
"""Shortest time between two writes within a stage; a write takes half a millisecond."""

Seconds = Annotated[float, Ge(0)]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A study at work, as its driver last reported it."""

    stage: str
    """Name of the stage, such as `sweep`."""
    began: float
    """Unix time at which this driver started, in seconds."""
    ends: float | None
    """Unix time at which the study is expected to end; None while nothing is expected."""
    known: bool
    """Whether the speed of its runs was observed."""
    runs_done: int
    """Runs that have their result."""
    runs: int
    """Runs that are designed so far: the final two are once the sweep is fitted."""

    def seconds_so_far(self, now: float) -> float:
        """Returns the seconds since this driver started."""
        return max(0.0, now - self.began)

    def seconds_left(self, now: float) -> float | None:
        """Returns the seconds until the study ends; None where that is not known or has passed."""
        return None if self.ends is None or self.ends <= now else self.ends - now

    def at(self, now: float) -> JsonObject:
        """`{stage, elapsed_seconds, remaining_seconds, remaining_known, runs_done, runs}` at the Unix time `now`.

        The time remaining is null where it is not known or the expected end has passed.
        """
        left = self.seconds_left(now)
        return {
            "stage": self.stage,
            "elapsed_seconds": self.seconds_so_far(now),
            "remaining_seconds": left,
            "remaining_known": self.known and left is not None,
            "runs_done": self.runs_done,
            "runs": self.runs,
        }


def read_running(folder: StudyFolder) -> Running | None:
    """Returns what the driver of a study reports; None where no driver is at work, or has not reported yet."""
    try:
        if not is_held(folder.path / "lock"):
            return None
        return from_json(Running, read_json(folder.running), str(folder.running))
    except (OSError, InputError):  # not there yet, or a link: a hint is not worth an error
        return None


@contextmanager
def reported(study: Study) -> Generator[Study]:
    """The study with a listener that also keeps running.json, until the block ends. The caller holds its lock."""
    recorder = _Recorder(study.folder, study.listener)
    try:
        yield replace(study, listener=recorder)
    finally:
        with suppress(OSError):
            study.folder.running.unlink(missing_ok=True)


class _Recorder(PassingListener):
    """Passes every event on, and writes what they add up to."""

    def __init__(self, folder: StudyFolder, listener: Listener) -> None:
        super().__init__(listener)
        self._folder = folder
        self._progress, self._began, self._written = Progress(), time.time(), 0.0

    def stage(self, name: str) -> None:
        """Begins a stage."""
        self._progress.stage(name)
        self._write()
        super().stage(name)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Takes what the stages are expected to take."""
        self._progress.expect(seconds)
        self._write()
        super().expect(seconds)

    def runs(self, ahead: RunsAhead) -> None:
        """Takes the runs of a stage."""
        self._progress.runs(ahead)
        self._write()
        super().runs(ahead)

    def run(self, event: RunEvent) -> None:
        """Takes an event of a run."""
        self._progress.run(event)
        if time.monotonic() - self._written >= WRITE_SECONDS:
            self._write()
        super().run(event)

    def _write(self) -> None:
        self._written = time.monotonic()
        progress, left = self._progress, self._progress.time_left()
        now = Running(
            stage=progress.stage_name,
            began=self._began,
            ends=None if left is None else time.time() + left.seconds,
            known=left is not None and left.known,
            runs_done=progress.done,
            runs=progress.designed,
        )
        with suppress(OSError, InputError):
            write_json_atomically(self._folder.running, to_json(now), durable=False)
