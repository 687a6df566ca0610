"""The parts of the contract suite of engines: the runs of a test file, and how they are driven and compared."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, TypeVar

from isoflop.codec import JsonObject
from isoflop.runs.driver import execute
from isoflop.runs.engine import Ended, Engine
from isoflop.runs.folder import Heartbeat, RunFolder
from isoflop.runs.liveness import HUNG_SECONDS
from isoflop.runs.result import OF_THE_CLOCK
from isoflop.runs.run_event import RunEvent
from isoflop.runs.run_index import RunIndex

_Come = TypeVar("_Come")
Facts: TypeAlias = tuple[dict[str, object], list[JsonObject]]
"""Facts of a result, and the lines of its metrics."""

TIMEOUT_SECONDS = 3000.0
"""How long a test waits for what must happen. It only ends a test that hangs: a busy machine is many times slower."""

Fault = Literal["crash", "diverge", "full_disk", "out_of_memory", "tight_memory"]
"""What `make_fault` brings about: an exception at the start, a loss that is not finite, a disk without room for
the next checkpoint, memory that runs out in a step even with one sequence at a time, memory that does with all of a
batch at a time."""


class EngineRuns(ABC):
    """How to make an engine and its runs. pytest passes `tmp_path`; nothing here needs pytest."""

    _unbroken: ClassVar[dict[type, Facts]] = {}

    @abstractmethod
    def make_engine(self, tmp_path: Path, workers: int) -> Engine:
        """A new engine with `workers` slots."""

    @abstractmethod
    def make_folder(self, tmp_path: Path, name: str, seed: int) -> RunFolder:
        """A run in the folder of runs `tmp_path / name`, long enough to be killed half-way (a second or more), that
        depends on `seed`. It saves a checkpoint when stopped and a few times before, and keeps two."""

    @abstractmethod
    def make_fault(self, folder: RunFolder, fault: Fault) -> None:
        """Makes every trainer of `folder` meet `fault` from now on."""

    @abstractmethod
    def clear_fault(self, folder: RunFolder, fault: Fault) -> None:
        """Removes `fault`."""

    @abstractmethod
    def hold(self, folder: RunFolder, step: int) -> None:
        """Has every trainer of `folder` that reaches `step` report it in its heartbeat and wait there from now on.

        It waits alive and obeys a stop. A fault hits a working trainer there, however busy the machine is.
        """

    @abstractmethod
    def release(self, folder: RunFolder) -> None:
        """Removes `hold`; a trainer that waits continues."""

    @abstractmethod
    def driver(self, study: Path, workers: int) -> list[str]:
        """A program that does the runs in `study / "runs"` with this engine and prints the kinds of its events."""

    def machine(self, beat: Heartbeat) -> list[int]:
        """Processes that end with the machine of a trainer: it, and what runs next to it."""
        return [beat.pid]

    def same_but_for_rounding(self, facts: object, expected: object) -> bool:
        """Whether facts are the same but for what sums in another order round; such as here exactly."""
        return bool(facts == expected)

    def unbroken(self, tmp_path: Path) -> Facts:
        """The facts of the run of seed 0, left alone; done once for all tests of a class."""
        kind = type(self)
        if kind not in self._unbroken:
            folder = self.make_folder(tmp_path, "unbroken", 0)
            executed(self.make_engine(tmp_path, 1), [folder], tmp_path)
            self._unbroken[kind] = facts(folder)
        return self._unbroken[kind]


def executed(
    engine: Engine,
    folders: list[RunFolder],
    tmp_path: Path,
    on_event: Callable[[RunEvent], None] = lambda _: None,
    *,
    hung_seconds: float = HUNG_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> list[RunEvent]:
    """Does `folders` with `engine` and closes it; returns what happened. Idle trainers are timed by `clock`."""
    events: list[RunEvent] = []

    def heard(event: RunEvent) -> None:
        events.append(event)
        on_event(event)

    # A test that hangs says nothing: stop the trainers when it takes too long.
    alarm = threading.Timer(TIMEOUT_SECONDS, engine.stop, (0.0,))
    alarm.start()
    try:
        run_index = RunIndex(tmp_path / "study.db", folders[0].path.parent)
        execute(folders, engine, run_index, on_event=heard, hung_seconds=hung_seconds, clock=clock)
    finally:
        alarm.cancel()
        engine.close()
    return events


def all_ended(engine: Engine, count: int) -> list[Ended]:
    """The next `count` runs that end."""
    ended: list[Ended] = []
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len(ended) < count:
        assert time.monotonic() < deadline, f"{len(ended)} of {count} runs ended"
        ended += engine.poll(0.1)
    return ended


def wait_for(come: Callable[[], _Come | None]) -> _Come:
    """What `come` returns once that is something."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (result := come()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return result


def half(folder: RunFolder) -> int:
    """The step in the middle of a run."""
    return folder.read_spec().steps // 2


def facts(folder: RunFolder) -> Facts:
    """Losses, bit for bit, and the metrics but for the clock: equal where no line was lost and none was doubled."""
    result = folder.read_result()
    assert result is not None
    names = ("status", "steps", "tokens_seen", "flops", "train_loss_nats", "val_loss_nats", "bits_per_byte")
    lines = [{k: v for k, v in line.items() if k not in OF_THE_CLOCK} for line in folder.read_metrics().lines]
    return {name: getattr(result, name) for name in names}, lines
