"""Execute: has an engine do the runs that are missing, longest first, and keeps the run index. The one driver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from isoflop.arch import flops_per_token
from isoflop.errors import InputError, InterruptedStudy
from isoflop.regular_files import open_to_append
from isoflop.runs.engine import Ended, Engine
from isoflop.runs.failed_run import restarts_without_progress, write_failed_result
from isoflop.runs.folder import Heartbeat, RunFolder
from isoflop.runs.liveness import HUNG_SECONDS, LOST_SECONDS, Liveness, timeout_seconds
from isoflop.runs.lock import LockedError
from isoflop.runs.result import RunResult
from isoflop.runs.run_index import RunIndex
from isoflop.units import format_duration

ATTEMPTS = 3
"""Starts from one and the same step before a run is given up: once is bad luck, three times is the run."""
POLL_SECONDS = 0.25
"""How often heartbeats are looked at: four times as often as they are written."""

EventKind = Literal["started", "progress", "retried", "waiting", "finished"]


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """What a progress display is told."""

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


def planned_flops(folder: RunFolder) -> float:
    """FLOPs (`matmul`) that the spec of `folder` asks for: the order in which runs are started."""
    spec = folder.read_spec()
    return spec.tokens * flops_per_token(spec.architecture, spec.seq_len)


def execute(
    folders: Iterable[RunFolder],
    engine: Engine,
    run_index: RunIndex,
    *,
    on_event: Callable[[RunEvent], None],
    flops: Callable[[RunFolder], float] = planned_flops,
    attempts: int = ATTEMPTS,
    hung_seconds: float = HUNG_SECONDS,
    lost_seconds: float = LOST_SECONDS,
) -> tuple[RunResult, ...]:
    """Results of all `folders`, in their order, after doing or resuming what is missing; longest (`flops`) first.

    A run whose trainer is killed or crashes is started again; after `attempts` starts from the same step it gets a
    failed result. A run that failed by itself (diverged) keeps its result. A run that another process works on, such
    as a trainer that outlived its driver, is waited for. A trainer that is idle for longer than
    `liveness.timeout_seconds` (at least `hung_seconds`) is killed and counts as killed. A run whose trainer may still
    be at work on another machine, unseen, is started again only after such a timeout (at least `lost_seconds`). The
    caller holds the `study_lock` and closes the engine.

    Raises InterruptedStudy on Ctrl-C, after the trainers have saved their checkpoints, and InputError when a trainer
    refuses its input or the disk is full, after the others have saved theirs. In both cases the same call goes on.
    """
    order = list(dict.fromkeys(folders))
    driver = _Driver(
        engine=engine,
        run_index=run_index,
        on_event=on_event,
        attempts=attempts,
        hung_seconds=hung_seconds,
        lost_seconds=lost_seconds,
    )
    run_index.record(*order)
    driver.waiting = sorted((f for f in order if f.read_result() is None), key=flops, reverse=True)
    driver.earlier.update({folder: len(folder.attempts()) for folder in driver.waiting})
    missing = len(driver.waiting)
    try:
        while driver.unfinished:
            driver.turn()
    except KeyboardInterrupt:
        driver.halt()
        left = driver.unfinished
        text = f"interrupted: {missing - left} of {missing} runs done, {left} left; the same command goes on"
        raise InterruptedStudy(text) from None
    except BaseException:
        driver.halt()
        raise
    return tuple(_result_of(folder) for folder in order)


@dataclass(kw_only=True)
class _Driver:
    """Where each unfinished run is: waiting for a worker, running in ours, or foreign."""

    engine: Engine
    run_index: RunIndex
    on_event: Callable[[RunEvent], None]
    attempts: int
    hung_seconds: float
    lost_seconds: float
    waiting: list[RunFolder] = field(default_factory=list)
    """Longest first."""
    running: dict[RunFolder, int] = field(default_factory=dict)
    """How many starts attempts.jsonl told of before ours."""
    foreign: list[RunFolder] = field(default_factory=list)
    """Locked by a process that is not ours, or perhaps at work where its lock is not seen."""
    earlier: Counter[RunFolder] = field(default_factory=Counter)
    """Starts before this driver's: whoever killed those may have killed their driver too, and they do not count."""
    stillborn: Counter[RunFolder] = field(default_factory=Counter)
    """Trainers that ended before they had recorded their start."""
    beats: dict[RunFolder, Heartbeat] = field(default_factory=dict)
    watch: Liveness = field(default_factory=Liveness)
    hung: dict[RunFolder, str] = field(default_factory=dict)
    """Silent for too long: what is said of them."""
    dead: set[RunFolder] = field(default_factory=set)
    """Whoever worked on these is known to be gone."""
    ever_started: bool = False
    """Whether any trainer got as far as its first step here."""

    @property
    def unfinished(self) -> int:
        return len(self.waiting) + len(self.running) + len(self.foreign)

    def turn(self) -> None:
        """Fill the engine, hear what ended, look at the heartbeats."""
        while self.waiting and self.engine.free > 0:
            self._start(self.waiting.pop(0))
        for ended in self.engine.poll(POLL_SECONDS):
            self._heed(ended)
        for folder in [*self.running, *self.foreign]:
            beat = folder.read_heartbeat()
            if beat is not None and beat != self.beats.get(folder):
                self.beats[folder] = beat
                self.on_event(RunEvent(kind="progress", folder=folder, heartbeat=beat))
        for folder in list(self.running):
            self._kill_if_hung(folder)
        for folder in list(self.foreign):
            self._tell_if_hung(folder)
            if not folder.is_locked() and not self._may_live(folder):
                self.foreign.remove(folder)
                if not self._finished(folder):
                    self.waiting.insert(0, folder)

    def halt(self) -> None:
        """Stop all trainers gently and write down where things stand."""
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
        if self._may_live(folder):
            self._wait_for(folder, _unseen(folder, self.lost_seconds))
            return
        self.watch.forget(folder)
        self.hung.pop(folder, None)
        self.running[folder] = len(folder.attempts())
        stale = folder.read_heartbeat()  # of an earlier start: no news
        if stale is not None:
            self.beats[folder] = stale
        self.engine.start(folder)
        self.on_event(RunEvent(kind="started", folder=folder))

    def _wait_for(self, folder: RunFolder, message: str) -> None:
        self.foreign.append(folder)
        self.on_event(RunEvent(kind="waiting", folder=folder, message=message))

    def _may_live(self, folder: RunFolder) -> bool:
        """Whether a trainer may be at work on it on another machine, its lock unseen: it has not been silent enough."""
        if folder in self.dead or not folder.unseen_holder():
            return False
        silence = self.watch.idle_seconds(folder)
        if silence > self.lost_seconds and silence > timeout_seconds(folder, self.lost_seconds):
            self.dead.add(folder)
        return folder not in self.dead

    def _kill_if_hung(self, folder: RunFolder) -> None:
        # Before it has recorded its start a job may be waiting for a machine, for days. Whether it has is asked first:
        # a start recorded in between is a sign of life that the silence must know of.
        began = len(folder.attempts()) > self.running[folder]
        silence = self._silence_too_long(folder)
        if silence and began:
            message = f"its trainer gave no sign of life for {silence} and was killed"
            self.hung[folder] = message
            self.watch.forget(folder)
            self.engine.kill(folder)
            with suppress(OSError, InputError), open_to_append(folder.log) as log:
                log.write(f"{message}\n".encode())

    def _tell_if_hung(self, folder: RunFolder) -> None:
        """A trainer of someone else is not ours to kill: says once whom the driver waits for."""
        if folder in self.hung or not folder.is_locked():
            return
        silence = self._silence_too_long(folder)
        if silence:
            self.hung[folder] = f"{folder.holder()} works on it and has given no sign of life for {silence}; end it"
            self.on_event(RunEvent(kind="waiting", folder=folder, message=self.hung[folder]))

    def _silence_too_long(self, folder: RunFolder) -> str:
        """How long it has been silent, and the limit; empty within the limit."""
        silence = self.watch.idle_seconds(folder)
        limit = timeout_seconds(folder, self.hung_seconds) if silence > self.hung_seconds else silence
        return f"{format_duration(silence)} (limit: {format_duration(limit)})" if silence > limit else ""

    def _heed(self, ended: Ended) -> None:
        before = self.running.pop(ended.folder)
        if ended.folder in self.hung:
            ended = replace(ended, message=self.hung.pop(ended.folder))
        self.dead.discard(ended.folder)
        if ended.outcome not in ("lost", "locked"):
            self.dead.add(ended.folder)
        began = len(ended.folder.attempts()) > before
        self.ever_started |= began
        if began:
            self.stillborn[ended.folder] = 0
        elif ended.outcome != "stopped":
            self.stillborn[ended.folder] += 1
        if ended.outcome == "refused":
            self.waiting.append(ended.folder)
            raise InputError(ended.message)
        if self._finished(ended.folder):
            return
        # Met a lock that nobody holds any more: try again, but not for ever.
        if ended.outcome == "locked" and self.stillborn[ended.folder] < self.attempts:
            self._wait_for(ended.folder, "another process works on it")
        elif ended.outcome == "stopped":  # by someone else, after a checkpoint: no fault of the run
            self._again(ended.folder, ended.message)
        else:
            self._failed(ended)

    def _finished(self, folder: RunFolder) -> bool:
        """Whether there is a result, whatever the exit code was: a trainer may be killed just after it."""
        result = folder.read_result()
        if result is not None:
            self.ever_started = True
            self.run_index.record(folder)
            self.on_event(RunEvent(kind="finished", folder=folder, result=result))
        return result is not None

    def _failed(self, ended: Ended) -> None:
        folder, message = ended.folder, ended.message or "its trainer ended without a result"
        if self.stillborn[folder] >= self.attempts and not self._any_started():
            raise InputError(f"no trainer gets as far as its first step: {message}; see {folder.log}")
        if max(self.stillborn[folder], restarts_without_progress(folder, self.earlier[folder])) < self.attempts:
            self._again(folder, message)
            return
        with suppress(LockedError):  # then someone works on it after all
            write_failed_result(folder, "killed" if ended.outcome in ("killed", "lost") else "error", message)
        if not self._finished(folder):
            self._wait_for(folder, "another process works on it")

    def _any_started(self) -> bool:
        return self.ever_started or any(len(f.attempts()) > before for f, before in self.running.items())

    def _again(self, folder: RunFolder, message: str) -> None:
        self.waiting.insert(0, folder)  # it was the longest left, and part of it is done
        self.run_index.record(folder)
        self.on_event(RunEvent(kind="retried", folder=folder, message=message))


def _unseen(folder: RunFolder, least: float) -> str:
    limit = format_duration(timeout_seconds(folder, least))
    return (
        f"{folder.unseen_holder()} began it and may still be at work there; it is started again after {limit} of "
        f"silence, or at once when {folder.lock_file} is deleted"
    )


def _result_of(folder: RunFolder) -> RunResult:
    result = folder.read_result()
    assert result is not None, f"{folder.path} was finished without a result"
    return result
