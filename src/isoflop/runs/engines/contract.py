"""The contract suite of engines: subclass EngineContract in a test file, say how to make the engine and its runs.

class TestLocal(EngineContract):
    def make_engine(self, tmp_path, workers): ...
    def make_folder(self, tmp_path, name, seed): ...
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from isoflop.errors import InterruptedStudy
from isoflop.runs.engines.base import Ended, Engine
from isoflop.runs.execute import RunEvent, execute
from isoflop.runs.folder import RunFolder
from isoflop.runs.ledger import Ledger
from isoflop.runs.lines import Lines

_Come = TypeVar("_Come")

PATIENCE_SECONDS = 120.0
"""How long a test waits for what must happen before it fails: a busy machine takes long to import a trainer."""


class EngineContract:
    """What every engine must do, whoever kills what. pytest passes `tmp_path`; nothing here needs pytest."""

    crashes = True
    """Whether `make_crash` is there."""

    def make_engine(self, tmp_path: Path, workers: int) -> Engine:
        """A new engine with `workers` slots."""
        raise NotImplementedError

    def make_folder(self, tmp_path: Path, name: str, seed: int) -> RunFolder:
        """A run in the folder of runs `tmp_path / name`, long enough to be killed half-way (a second or more), that
        depends on `seed`. It saves a checkpoint at least when stopped."""
        raise NotImplementedError

    def make_crash(self, folder: RunFolder) -> None:
        """Makes every trainer of `folder` crash from now on."""
        raise NotImplementedError

    def test_works_through_more_folders_than_it_has_slots(self, tmp_path: Path) -> None:
        """Every folder gets its result, each by one start."""
        folders = [self.make_folder(tmp_path, "runs", seed) for seed in range(3)]
        events = _executed(self.make_engine(tmp_path, 2), folders, tmp_path)
        assert [folder.status() for folder in folders] == ["done"] * 3
        assert [len(folder.attempts()) for folder in folders] == [1] * 3
        assert sorted(event.kind for event in events if event.kind != "progress") == ["finished"] * 3 + ["started"] * 3

    def test_a_killed_trainer_is_resumed_to_the_same_numbers(self, tmp_path: Path) -> None:
        """kill -9 at a heartbeat costs a start and changes no number; the run beside it goes on."""
        unbroken, killed = (self.make_folder(tmp_path, name, 0) for name in ("unbroken", "killed"))
        other = self.make_folder(tmp_path, "killed", 1)
        engine = self.make_engine(tmp_path, 2)
        kills: list[int] = []

        def kill_once(event: RunEvent) -> None:
            if event.kind == "progress" and event.folder == killed and event.heartbeat and not kills:
                kills.append(event.heartbeat.pid)
                os.kill(event.heartbeat.pid, signal.SIGKILL)

        events = _executed(engine, [killed, other], tmp_path, kill_once, close=False)
        assert [event.folder for event in events if event.kind == "retried"] == [killed]
        assert (len(killed.attempts()), len(other.attempts())) == (2, 1)
        _executed(engine, [unbroken], tmp_path)
        _assert_same_run(unbroken, killed)

    def test_a_folder_started_twice_is_worked_on_once(self, tmp_path: Path) -> None:
        """The second trainer meets the lock and leaves."""
        folder = self.make_folder(tmp_path, "runs", 0)
        engine = self.make_engine(tmp_path, 2)
        try:
            engine.start(folder)
            first = _wait(folder.read_heartbeat)
            os.kill(first.pid, signal.SIGSTOP)  # held up, or it might be done before the second is there
            engine.start(folder)
            (second,) = _ended(engine, 1)
            os.kill(first.pid, signal.SIGCONT)
            (last,) = _ended(engine, 1)
        finally:
            engine.close()
        assert (second.outcome, last.outcome) == ("locked", "finished")
        assert (folder.status(), len(folder.attempts())) == ("done", 1)

    def test_stop_keeps_what_was_done(self, tmp_path: Path) -> None:
        """A stopped run continues after its first step, to the same numbers."""
        stopped, unbroken = (self.make_folder(tmp_path, name, 0) for name in ("stopped", "unbroken"))
        engine = self.make_engine(tmp_path, 1)
        try:
            engine.start(stopped)
            _wait(stopped.read_heartbeat)
            engine.stop()
            assert stopped.status() == "interrupted"
            assert engine.free == 1
        finally:
            engine.close()
        _executed(self.make_engine(tmp_path, 1), [stopped, unbroken], tmp_path)
        assert [attempt.from_step > 0 for attempt in stopped.attempts()] == [False, True]
        _assert_same_run(unbroken, stopped)

    def test_ctrl_c_is_resumable(self, tmp_path: Path) -> None:
        """Ctrl-C in the driver raises InterruptedStudy; the same call does the rest."""
        folders = [self.make_folder(tmp_path, "runs", seed) for seed in range(2)]

        def interrupt(event: RunEvent) -> None:
            if event.kind == "progress":
                raise KeyboardInterrupt

        try:
            _executed(self.make_engine(tmp_path, 1), folders, tmp_path, interrupt)
            raise AssertionError("expected InterruptedStudy")
        except InterruptedStudy as error:
            assert "0 of 2 runs done, 2 left" in str(error)  # noqa: PT017 - this file does without pytest
        _executed(self.make_engine(tmp_path, 1), folders, tmp_path)
        assert [folder.status() for folder in folders] == ["done"] * 2
        assert sorted(len(folder.attempts()) for folder in folders) == [1, 2]

    def test_a_result_is_never_made_twice(self, tmp_path: Path) -> None:
        """A trainer started on a finished folder changes nothing."""
        folder = self.make_folder(tmp_path, "runs", 0)
        engine = self.make_engine(tmp_path, 1)
        try:
            engine.start(folder)
            first = _ended(engine, 1)
            facts = folder.result.read_bytes()
            engine.start(folder)
            second = _ended(engine, 1)
        finally:
            engine.close()
        assert [ended.outcome for ended in first + second] == ["finished"] * 2
        assert folder.result.read_bytes() == facts
        assert len(folder.attempts()) == 1

    def test_a_crash_fails_the_run_and_not_the_others(self, tmp_path: Path) -> None:
        """A run that always crashes gets a failed result with its numbers unknown."""
        if not self.crashes:
            return
        crashing, sound = (self.make_folder(tmp_path, "runs", seed) for seed in range(2))
        self.make_crash(crashing)
        _executed(self.make_engine(tmp_path, 2), [sound, crashing], tmp_path)
        assert (sound.status(), crashing.status()) == ("done", "failed")
        result = crashing.read_result()
        assert result is not None
        assert (result.reason, result.val_loss_nats) == ("error", None)


def _executed(
    engine: Engine,
    folders: list[RunFolder],
    tmp_path: Path,
    on_event: Callable[[RunEvent], None] = lambda _: None,
    *,
    close: bool = True,
) -> list[RunEvent]:
    events: list[RunEvent] = []

    def heard(event: RunEvent) -> None:
        events.append(event)
        on_event(event)

    # A test that hangs says nothing: stop the trainers when it takes too long.
    alarm = threading.Timer(PATIENCE_SECONDS, engine.stop, (0.0,))
    alarm.start()
    try:
        execute(folders, engine, Ledger(tmp_path / "study.db", tmp_path / "runs"), on_event=heard)
    finally:
        alarm.cancel()
        if close:
            engine.close()
    return events


def _ended(engine: Engine, count: int) -> list[Ended]:
    ended: list[Ended] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(ended) < count:
        assert time.monotonic() < deadline, f"{len(ended)} of {count} runs ended"
        ended += engine.poll(0.1)
    return ended


def _wait(come: Callable[[], _Come | None]) -> _Come:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := come()) is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def _assert_same_run(one: RunFolder, other: RunFolder) -> None:
    """Same losses, bit for bit, and the same metrics but for the clock: no line lost, none doubled."""
    first, second = one.read_result(), other.read_result()
    assert first is not None
    assert second is not None
    for name in ("steps", "tokens_seen", "flops", "train_loss_nats", "val_loss_nats", "bits_per_byte"):
        assert getattr(first, name) == getattr(second, name), name
    assert _without_clock(one.read_metrics()) == _without_clock(other.read_metrics())


def _without_clock(metrics: Lines) -> list[dict[str, object]]:
    return [{key: value for key, value in line.items() if key != "wall_seconds"} for line in metrics.lines]
