"""Execute: has an engine do the runs that are missing, longest first, and keeps the ledger. The one driver."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from isoflop import __version__
from isoflop.arch import flops_by_convention, flops_per_token
from isoflop.errors import InputError, InterruptedStudy
from isoflop.runs.engines.base import Ended, Engine
from isoflop.runs.folder import Heartbeat, RunFolder
from isoflop.runs.ledger import Ledger
from isoflop.runs.lock import LockedError
from isoflop.runs.result import Reason, RunResult, counted_params

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
    ledger: Ledger,
    *,
    on_event: Callable[[RunEvent], None],
    flops: Callable[[RunFolder], float] = planned_flops,
    attempts: int = ATTEMPTS,
) -> tuple[RunResult, ...]:
    """Results of all `folders`, in their order, after doing or resuming what is missing; longest (`flops`) first.

    A run whose trainer is killed or crashes is started again; after `attempts` starts from the same step it gets a
    failed result. A run that failed by itself (diverged) keeps its result. A run that another process works on, such
    as a trainer that outlived its driver, is waited for. The caller holds the `study_lock` and closes the engine.

    Raises InterruptedStudy on Ctrl-C, after the trainers have saved their checkpoints, and InputError when a trainer
    refuses its input or the disk is full, after the others have saved theirs. In both cases the same call goes on.
    """
    order = list(dict.fromkeys(folders))
    driver = _Driver(engine=engine, ledger=ledger, on_event=on_event, attempts=attempts)
    ledger.record(*order)
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
    ledger: Ledger
    on_event: Callable[[RunEvent], None]
    attempts: int
    waiting: list[RunFolder] = field(default_factory=list)
    """Longest first."""
    running: dict[RunFolder, int] = field(default_factory=dict)
    """How many starts attempts.jsonl told of before ours."""
    foreign: list[RunFolder] = field(default_factory=list)
    """Locked by a process that is not ours."""
    earlier: Counter[RunFolder] = field(default_factory=Counter)
    """Starts before this driver's: whoever killed those may have killed their driver too, and they do not count."""
    stillborn: Counter[RunFolder] = field(default_factory=Counter)
    """Trainers that ended before they had recorded their start."""
    beats: dict[RunFolder, Heartbeat] = field(default_factory=dict)
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
        for folder in list(self.foreign):
            if not folder.is_locked():
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
            with suppress(InputError):  # a full disk is why we stop: the ledger is rebuilt from the folders anyway
                self.ledger.record(folder)

    def _start(self, folder: RunFolder) -> None:
        if folder.is_locked():
            self._wait_for(folder)
            return
        self.running[folder] = len(folder.attempts())
        stale = folder.read_heartbeat()  # of an earlier start: no news
        if stale is not None:
            self.beats[folder] = stale
        self.engine.start(folder)
        self.on_event(RunEvent(kind="started", folder=folder))

    def _wait_for(self, folder: RunFolder) -> None:
        self.foreign.append(folder)
        self.on_event(RunEvent(kind="waiting", folder=folder, message="a trainer of an earlier start works on it"))

    def _heed(self, ended: Ended) -> None:
        before = self.running.pop(ended.folder)
        began = len(ended.folder.attempts()) > before
        self.ever_started |= began
        self.stillborn[ended.folder] += not began
        if ended.outcome == "refused":
            self.waiting.append(ended.folder)
            raise InputError(ended.message)
        if self._finished(ended.folder):
            return
        # Met a lock that nobody holds any more: try again, but not for ever.
        if ended.outcome == "locked" and self.stillborn[ended.folder] < self.attempts:
            self._wait_for(ended.folder)
        elif ended.outcome == "stopped":  # by someone else, after a checkpoint: no fault of the run
            self._again(ended.folder, ended.message)
        else:
            self._failed(ended)

    def _finished(self, folder: RunFolder) -> bool:
        """Whether there is a result, whatever the exit code was: a trainer may be killed just after it."""
        result = folder.read_result()
        if result is not None:
            self.ever_started = True
            self.ledger.record(folder)
            self.on_event(RunEvent(kind="finished", folder=folder, result=result))
        return result is not None

    def _failed(self, ended: Ended) -> None:
        folder, message = ended.folder, ended.message or "its trainer ended without a result"
        if self.stillborn[folder] >= self.attempts and not self._any_started():
            raise InputError(f"no trainer gets as far as its first step: {message}; see {folder.log}")
        if max(self.stillborn[folder], fruitless_starts(folder, self.earlier[folder])) < self.attempts:
            self._again(folder, message)
            return
        with suppress(LockedError):  # then someone works on it after all
            give_up(folder, "killed" if ended.outcome == "killed" else "error", message)
        if not self._finished(folder):
            self._wait_for(folder)

    def _any_started(self) -> bool:
        return self.ever_started or any(len(f.attempts()) > before for f, before in self.running.items())

    def _again(self, folder: RunFolder, message: str) -> None:
        self.waiting.insert(0, folder)  # it was the longest left, and part of it is done
        self.ledger.record(folder)
        self.on_event(RunEvent(kind="retried", folder=folder, message=message))


def fruitless_starts(folder: RunFolder, earlier: int = 0) -> int:
    """How many of the last starts, after the first `earlier`, began at one and the same step: none of them came to a
    new checkpoint."""
    steps = [attempt.from_step for attempt in folder.attempts()[earlier:]]
    same = 0
    while same < len(steps) and steps[-1 - same] == steps[-1]:
        same += 1
    return same


def give_up(folder: RunFolder, reason: Reason, message: str) -> None:
    """Writes a failed result for a run that no trainer brings to an end, with what its heartbeat last told.

    Raises LockedError when a live process works on it. Deleting result.json has the run tried again.
    """
    spec, beat, starts = folder.read_spec(), folder.read_heartbeat(), len(folder.attempts())
    per_token = flops_by_convention(spec.architecture, spec.seq_len)
    with folder.lock():
        if folder.read_result() is not None:
            return
        folder.write_result(
            RunResult(
                run_id=folder.run_id,
                status="failed",
                reason=reason,
                message=f"given up after {starts} starts: {message}; delete {folder.result} to have it tried again",
                steps=beat.step if beat else None,
                tokens_seen=beat.tokens if beat else None,
                params=counted_params(spec.architecture),
                flops={name: value * beat.tokens for name, value in per_token.items()} if beat else {},
                train_loss_nats=None,
                val_loss_nats=None,
                val_loss_se=None,
                bits_per_byte=None,
                domains={},
                metric_version=None,
                wall_seconds=None,
                device=None,
                threads=None,
                code_version=__version__,
                torch_version=None,
                finished=time.time(),
                attempts=starts,
            )
        )


def _result_of(folder: RunFolder) -> RunResult:
    result = folder.read_result()
    assert result is not None, f"{folder.path} was finished without a result"
    return result
