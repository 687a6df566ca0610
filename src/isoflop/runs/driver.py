"""The driver: has an engine do the runs that are missing, longest first, and keeps the run index up to date."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from isoflop.errors import InputError, InterruptedStudy
from isoflop.regular_files import open_to_append
from isoflop.runs.engine import Ended, Engine
from isoflop.runs.failed_run import restarts_without_progress, write_failed_result
from isoflop.runs.folder import Heartbeat, RunFolder
from isoflop.runs.kept import ask_for
from isoflop.runs.liveness import HUNG_SECONDS, LOST_SECONDS, Liveness, timeout_seconds, unseen_message
from isoflop.runs.lock import LockedError
from isoflop.runs.result import RunResult
from isoflop.runs.run_event import RunEvent
from isoflop.runs.run_index import RunIndex
from isoflop.runs.run_order import RunOrder
from isoflop.units import format_duration

ATTEMPTS = 3
"""Starts from the same step after which a run is failed: one failure is bad luck, three are the run's own."""
POLL_SECONDS = 0.25
"""How often heartbeats are read: four times as often as they are written."""


def execute(
    folders: Iterable[RunFolder],
    engine: Engine,
    run_index: RunIndex,
    *,
    on_event: Callable[[RunEvent], None],
    on_stop: Callable[[], None] = lambda: None,
    attempts: int = ATTEMPTS,
    hung_seconds: float = HUNG_SECONDS,
    lost_seconds: float = LOST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[RunResult, ...]:
    """Results of all `folders`, in their order, after doing or resuming what is missing; longest first.

    A run that begins from another of them is started once that one has kept its checkpoint, or has ended; what is to be
    kept is asked for here.
    A run whose trainer is killed or crashes is started again; after `attempts` starts from the same step it gets a
    failed result. A run that failed by itself (diverged) keeps its result. A run that another process works on, such
    as a trainer that outlived its driver, is waited for. A trainer that is idle by `clock` for longer than
    `liveness.timeout_seconds` (at least `hung_seconds`) is killed and counts as killed. A run whose trainer may still
    be at work on another machine, unseen, is started again only after such a timeout (at least `lost_seconds`). The
    caller holds the study's lock and closes the engine.

    Raises InterruptedStudy on Ctrl-C, after `on_stop` and the trainers' checkpoints, and InputError when a trainer
    refuses its input, the disk is full or every trainer fails before its first step, after the others have saved
    theirs. The same call resumes in each case.
    """
    order = list(dict.fromkeys(folders))
    driver = Driver(engine=engine, run_index=run_index, on_event=on_event, attempts=attempts,
                    hung_seconds=hung_seconds, lost_seconds=lost_seconds, liveness=Liveness(clock=clock))  # fmt: skip
    run_index.record(*order)
    missing_runs = [folder for folder in order if folder.read_result() is None]
    driver.order = RunOrder.of(missing_runs)
    driver.waiting = driver.order.longest_first(missing_runs)
    for folder, begins in driver.order.begins.items():
        ask_for(RunFolder(folder.path.parent / begins.run), begins.step)
    driver.earlier.update({folder: len(folder.attempts()) for folder in driver.waiting})
    missing = len(driver.waiting)
    try:
        while driver.unfinished:
            driver.step()
    except KeyboardInterrupt:
        on_stop()
        driver.stop()
        left = driver.unfinished
        text = f"interrupted: {missing - left} of {missing} runs done, {left} left; the same command resumes"
        raise InterruptedStudy(text) from None
    except BaseException:
        driver.stop()
        raise
    return tuple(_result_of(folder) for folder in order)


@dataclass(kw_only=True)
class Driver:
    """Where each unfinished run is: waiting for a slot, running in the engine, locked elsewhere, or undecided."""

    engine: Engine
    run_index: RunIndex
    on_event: Callable[[RunEvent], None]
    attempts: int
    hung_seconds: float
    lost_seconds: float
    waiting: list[RunFolder] = field(default_factory=list)
    """Longest first."""
    order: RunOrder = field(default_factory=RunOrder)
    running: dict[RunFolder, int] = field(default_factory=dict)
    """{folder: starts that attempts.jsonl listed before ours}"""
    locked_elsewhere: list[RunFolder] = field(default_factory=list)
    """Locked by a process that is not ours, or possibly at work where its lock is not seen."""
    undecided: list[Ended] = field(default_factory=list)
    """Failed `attempts` times before the first step while no other trainer had got that far yet."""
    earlier: Counter[RunFolder] = field(default_factory=Counter)
    """Starts by earlier drivers, which do not count: whatever killed those may have killed their driver too."""
    failed_before_start: Counter[RunFolder] = field(default_factory=Counter)
    """Trainers in a row that ended before they had recorded their start."""
    heartbeats: dict[RunFolder, Heartbeat] = field(default_factory=dict)
    liveness: Liveness = field(default_factory=Liveness)
    hung: dict[RunFolder, str] = field(default_factory=dict)
    """{folder without a sign of life for too long: the message about it}"""
    known_to_be_free: set[RunFolder] = field(default_factory=set)
    """Folders whose last trainer is known to be gone, so that nobody can be at work on them unseen."""
    ever_started: bool = False
    """Whether any trainer got as far as its first step under this driver."""

    @property
    def unfinished(self) -> int:
        """Runs without a result."""
        return len(self.waiting) + len(self.running) + len(self.locked_elsewhere) + len(self.undecided)

    def step(self) -> None:
        """Fills the engine, handles what ended, reads the heartbeats."""
        # a run that no trainer could start may mean that no trainer can: that is found out before others are started
        while self.engine.free > 0 and not self.undecided and (folder := self._next()) is not None:
            self.waiting.remove(folder)
            self._start(folder)
        for ended in self.engine.poll(POLL_SECONDS):
            self._on_ended(ended)
        self._decide()
        for folder in [*self.running, *self.locked_elsewhere]:
            beat = folder.read_heartbeat()
            if beat is not None and beat != self.heartbeats.get(folder):
                self.heartbeats[folder] = beat
                self.on_event(RunEvent(kind="progress", folder=folder, heartbeat=beat))
        for folder in list(self.running):
            self._kill_if_hung(folder)
        for folder in list(self.locked_elsewhere):
            self._report_if_hung(folder)
            if not folder.is_locked() and not self._may_be_alive(folder):
                self.locked_elsewhere.remove(folder)
                if not self._finished(folder):
                    self.waiting.insert(0, folder)

    def _next(self) -> RunFolder | None:
        """The run to start now; None where all that wait begin from others that have not got there, or where the
        engine has a better place for each of them once another has ended."""
        under_way = [*self.running, *self.locked_elsewhere]
        ready = self.order.ready(self.waiting, {run.run_id for run in [*self.waiting, *under_way]})
        folder = self.engine.next_of(ready)
        # nobody is on the way to what they wait for: specs were edited, and a trainer says which
        return self.engine.next_of(self.waiting) if folder is None and self.waiting and not under_way else folder

    def stop(self) -> None:
        """Stops all trainers after a checkpoint and records where their runs are."""
        self.engine.stop()
        for folder in list(self.running):
            del self.running[folder]
            if folder.read_result() is None:
                self.waiting.append(folder)
            with suppress(InputError):  # a full disk is why we stop: the run index is rebuilt from the folders anyway
                self.run_index.record(folder)

    def _start(self, folder: RunFolder) -> None:
        if folder.is_locked():
            self._wait_for(folder, "a trainer of an earlier start works on it")
            return
        if self._may_be_alive(folder):
            self._wait_for(folder, unseen_message(folder, self.lost_seconds))
            return
        self.liveness.forget(folder)
        self.hung.pop(folder, None)
        self.running[folder] = len(folder.attempts())
        stale = folder.read_heartbeat()  # of an earlier start: no progress
        if stale is not None:
            self.heartbeats[folder] = stale
        self.engine.start(folder)
        self.on_event(RunEvent(kind="started", folder=folder))

    def _wait_for(self, folder: RunFolder, message: str) -> None:
        self.locked_elsewhere.append(folder)
        self.on_event(RunEvent(kind="waiting", folder=folder, message=message))

    def _may_be_alive(self, folder: RunFolder) -> bool:
        """Whether a trainer may be at work on it on another machine, its lock unseen: it has not been idle enough."""
        if folder in self.known_to_be_free or not folder.unseen_holder():
            return False
        idle = self.liveness.idle_seconds(folder)
        if idle > self.lost_seconds and idle > timeout_seconds(folder, self.lost_seconds):
            self.known_to_be_free.add(folder)
        return folder not in self.known_to_be_free

    def _kill_if_hung(self, folder: RunFolder) -> None:
        # Before it has recorded its start a job may be waiting for a machine, for days. Whether it has is asked first:
        # a start recorded in between is a sign of life that `idle_seconds` must see.
        began = len(folder.attempts()) > self.running[folder]
        idle = self._idle_too_long(folder)
        if idle and began:
            message = f"its trainer gave no sign of life for {idle} and was killed"
            self.hung[folder] = message
            self.liveness.forget(folder)
            self.engine.kill(folder)
            with suppress(OSError, InputError), open_to_append(folder.log) as log:
                log.write(f"{message}\n".encode())

    def _report_if_hung(self, folder: RunFolder) -> None:
        """Reports once whom the driver waits for: another process's trainer is not ours to kill."""
        if folder in self.hung or not folder.is_locked():
            return
        idle = self._idle_too_long(folder)
        if idle:
            self.hung[folder] = (
                f"{folder.holder()} holds the run's lock and has given no sign of life for {idle}; stop that process"
            )
            self.on_event(RunEvent(kind="waiting", folder=folder, message=self.hung[folder]))

    def _idle_too_long(self, folder: RunFolder) -> str:
        """How long it has been idle, with the limit; empty within the limit."""
        idle = self.liveness.idle_seconds(folder)
        # the limit is worked out from metrics.jsonl, which is read only where it can matter
        limit = timeout_seconds(folder, self.hung_seconds) if idle > self.hung_seconds else idle
        return f"{format_duration(idle)} (limit: {format_duration(limit)})" if idle > limit else ""

    def _on_ended(self, ended: Ended) -> None:
        folder, before = ended.folder, self.running.pop(ended.folder)
        if folder in self.hung:
            ended = replace(ended, message=self.hung.pop(folder))
        self.known_to_be_free.discard(folder)
        if ended.outcome not in ("lost", "locked"):
            self.known_to_be_free.add(folder)
        if len(folder.attempts()) > before:
            self.ever_started = True
            self.failed_before_start[folder] = 0
        elif ended.outcome != "stopped":
            self.failed_before_start[folder] += 1
        if ended.outcome == "refused":
            self.waiting.append(folder)
            raise InputError(ended.message)
        if self._finished(folder):
            return
        # A lock whose holder is gone: try again, a limited number of times.
        if ended.outcome == "locked" and self.failed_before_start[folder] < self.attempts:
            self._wait_for(folder, "another process works on it")
        elif ended.outcome == "stopped":  # by someone else, after a checkpoint: no fault of the run
            self._retry(folder, ended.message)
        elif self.failed_before_start[folder] >= self.attempts and not self.ever_started:
            self.undecided.append(ended)
        else:
            self._on_failure(ended)

    def _finished(self, folder: RunFolder) -> bool:
        """Whether there is a result, whatever the exit code was: a trainer may be killed just after it."""
        result = folder.read_result()
        if result is not None:
            self.ever_started = True
            self.run_index.record(folder)
            self.on_event(RunEvent(kind="finished", folder=folder, result=result))
        return result is not None

    def _decide(self) -> None:
        """Fails the undecided runs once another trainer got further; raises InputError once none can any more."""
        if not self.undecided:
            return
        if self.ever_started or any(len(f.attempts()) > before for f, before in self.running.items()):
            failures, self.undecided = self.undecided, []
            for ended in failures:
                self._on_failure(ended)
        elif not self.running:
            ended = self.undecided[0]
            raise InputError(f"every trainer failed before its first step: {ended.reason}; see {ended.folder.log}")

    def _on_failure(self, ended: Ended) -> None:
        folder = ended.folder
        failures = max(self.failed_before_start[folder], restarts_without_progress(folder, self.earlier[folder]))
        if failures < self.attempts:
            self._retry(folder, ended.reason)
            return
        with suppress(LockedError):  # then someone works on it after all
            write_failed_result(folder, "killed" if ended.outcome in ("killed", "lost") else "error", ended.reason)
        if not self._finished(folder):
            self._wait_for(folder, "another process works on it")

    def _retry(self, folder: RunFolder, message: str) -> None:
        self.waiting.insert(0, folder)  # it was the longest left, and part of it is done
        self.run_index.record(folder)
        self.on_event(RunEvent(kind="retried", folder=folder, message=message))


def _result_of(folder: RunFolder) -> RunResult:
    result = folder.read_result()
    assert result is not None, f"{folder.path} was finished without a result"
    return result
