"""What engines must survive: nothing finished is lost, nothing is counted twice, no number changes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from isoflop.errors import InputError
from isoflop.runs.engines.contract.runs import TIMEOUT_SECONDS, EngineRuns, Fault, executed, facts, half, wait_for
from isoflop.runs.folder import RunFolder, run_folders
from isoflop.runs.out_of_memory import out_of_memory_events
from isoflop.runs.run_event import RunEvent
from isoflop.runs.run_index import RunIndex

HUNG_SECONDS = 60.0
"""A trainer of the suite is held to hang after this: longer than a busy machine keeps one from its next step,
or one that was started again from its first."""
FAST = 20.0
"""Seconds that pass for the driver in a second in which its trainer is known to be stopped: no test waits a minute."""


class EngineFaults(EngineRuns):
    """Faults of processes, machines, disks, clocks and models."""

    def test_a_trainer_killed_at_random_steps_comes_to_the_same_numbers(self, tmp_path: Path) -> None:
        """each kill -9 costs a start and changes no number; the other run continues."""
        killed, other = (self.make_folder(tmp_path, "killed", seed) for seed in range(2))
        last = killed.read_spec().steps * 3 // 4
        moments = sorted(random.Random(0).sample(range(1, last), 3))
        self.hold(killed, moments[0])
        dead: list[int] = []

        def kill(event: RunEvent) -> None:
            """Kills the trainer at each of the drawn steps."""
            beat = event.heartbeat
            if event.folder != killed or beat is None or beat.pid in dead or len(dead) == len(moments):
                return
            if beat.step < moments[len(dead)]:
                return
            dead.append(beat.pid)
            _kill([beat.pid])
            if len(dead) < len(moments):
                self.hold(killed, moments[len(dead)])
            else:
                self.release(killed)

        events = executed(self.make_engine(tmp_path, 2), [killed, other], tmp_path, kill)
        assert len(dead) == len(killed.attempts()) - 1 == len(moments)
        assert [event.folder for event in events if event.kind == "retried"] == [killed] * len(moments)
        assert len(other.attempts()) == 1
        assert facts(killed) == self.unbroken(tmp_path)

    def test_a_lost_machine_costs_a_start(self, tmp_path: Path) -> None:
        """Everything on the machine of a trainer ends at once, and another is found."""
        folder = self.make_folder(tmp_path, "lost", 0)
        self.hold(folder, half(folder))
        gone: list[int] = []

        def lose(event: RunEvent) -> None:
            """Ends everything on the trainer's machine at its first heartbeat."""
            if event.heartbeat and not gone:
                gone.extend(self.machine(event.heartbeat))
                _kill(gone)
                self.release(folder)

        executed(self.make_engine(tmp_path, 1), [folder], tmp_path, lose)
        assert gone
        assert len(folder.attempts()) == 2
        assert facts(folder) == self.unbroken(tmp_path)

    def test_a_killed_driver_loses_nothing(self, tmp_path: Path) -> None:
        """Its trainers may save and end, or live on: the next driver continues or waits for them."""
        folders = [self.make_folder(tmp_path / "study", "runs", seed) for seed in range(3)]
        self.hold(folders[0], half(folders[0]))
        driver = self.driver(tmp_path / "study", 2)
        with subprocess.Popen(driver, stdout=subprocess.DEVNULL) as first:
            wait_for(lambda: any(folder.read_heartbeat() for folder in folders))
            first.kill()
        self.release(folders[0])
        subprocess.run(driver, check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS)
        assert {folder.status() for folder in run_folders(tmp_path / "study" / "runs")} == {"done"}
        rows = RunIndex(tmp_path / "study" / "study.db", tmp_path / "study" / "runs").rows()
        assert sorted(str(row["run_id"]) for row in rows) == sorted(folder.run_id for folder in folders)
        assert facts(folders[0]) == self.unbroken(tmp_path)

    def test_a_hung_trainer_is_killed_and_started_again(self, tmp_path: Path) -> None:
        """A process that exists and does nothing is detected by its idle time."""
        folder = self.make_folder(tmp_path, "hung", 0)
        self.hold(folder, half(folder))
        held: list[int] = []
        clock = _Clock()

        def hold(event: RunEvent) -> None:
            """Stops the trainer (SIGSTOP) once it has taken a step; time is fast until it is detected."""
            if event.heartbeat and event.heartbeat.step > 1 and not held:
                held.append(event.heartbeat.pid)
                os.kill(event.heartbeat.pid, signal.SIGSTOP)
                self.release(folder)
                clock.run(FAST)
            elif event.kind == "retried":
                clock.run(1.0)

        engine = self.make_engine(tmp_path, 1)
        events = executed(engine, [folder], tmp_path, hold, hung_seconds=HUNG_SECONDS, clock=clock)
        messages = [event.message for event in events if event.kind == "retried"]
        assert len(messages) == 1, messages
        assert messages[0].startswith("its trainer gave no sign of life for")
        assert len(folder.attempts()) == 2
        assert facts(folder) == self.unbroken(tmp_path)

    def test_torn_files_and_a_clock_set_back_change_no_number(self, tmp_path: Path) -> None:
        """The checkpoint before a torn one is taken, a torn line of metrics is left out, the clock decides nothing."""
        folder = self.make_folder(tmp_path, "torn", 0)
        self.hold(folder, half(folder))
        engine = self.make_engine(tmp_path, 1)
        try:
            engine.start(folder)
            wait_for(lambda: len(_checkpoints(folder)) > 1)
            engine.stop()
        finally:
            engine.close()
        self.release(folder)
        before, newest = (int(path.name.removeprefix("step-")) for path in _checkpoints(folder))
        for file in _checkpoints(folder)[-1].iterdir():
            os.truncate(file, file.stat().st_size // 2)
        with open(folder.metrics, "ab") as metrics:
            metrics.write(b'{"step": 7, "train_lo\x00\x00')
        tomorrow = time.time() + 86400
        for path in (folder.heartbeat, folder.metrics, folder.attempts_file):
            os.utime(path, (tomorrow, tomorrow))
        executed(self.make_engine(tmp_path, 1), [folder], tmp_path)
        assert [attempt.from_step for attempt in folder.attempts()] == [0, before]
        assert before < newest
        assert facts(folder) == self.unbroken(tmp_path)

    def test_a_full_disk_stops_the_study_and_room_lets_it_go_on(self, tmp_path: Path) -> None:
        """A disk full in the middle of a checkpoint is one message, and the same call resumes to the same numbers."""
        folder = self.make_folder(tmp_path, "full", 0)
        self.make_fault(folder, "full_disk")
        try:
            executed(self.make_engine(tmp_path, 1), [folder], tmp_path)
            raise AssertionError("expected InputError")
        except InputError as error:
            assert "disk full while writing" in str(error)  # noqa: PT017 - this file does without pytest
        assert folder.status() == "interrupted"
        self.clear_fault(folder, "full_disk")
        executed(self.make_engine(tmp_path, 1), [folder], tmp_path)
        assert facts(folder) == self.unbroken(tmp_path)

    def test_faults_of_the_model_are_recorded_and_not_retried(self, tmp_path: Path) -> None:
        """A loss that is not finite, or a step that does not fit: the same start would only end the same way."""
        reasons: dict[Fault, str] = {"diverge": "diverged", "out_of_memory": "out_of_memory"}
        folders = [self.make_folder(tmp_path, "model", seed) for seed in range(2)]
        for folder, fault in zip(folders, reasons, strict=True):
            self.make_fault(folder, fault)
        events = executed(self.make_engine(tmp_path, 2), folders, tmp_path)
        for folder, reason in zip(folders, reasons.values(), strict=True):
            result = folder.read_result()
            assert result is not None
            assert (result.status, result.reason, result.val_loss_nats) == ("failed", reason, None)
            assert len(folder.attempts()) == 1
        assert not [event for event in events if event.kind == "retried"]

    def test_memory_that_runs_out_halves_the_micro_batch(self, tmp_path: Path) -> None:
        """The step is taken again with half as many sequences at a time; that is recorded, and holds after a kill."""
        folder = self.make_folder(tmp_path, "tight", 0)
        self.make_fault(folder, "tight_memory")
        self.hold(folder, half(folder))
        killed: list[int] = []

        def kill(event: RunEvent) -> None:
            """Kills the trainer once, at its first heartbeat."""
            if event.heartbeat and not killed:
                killed.append(event.heartbeat.pid)
                _kill(killed)
                self.release(folder)

        executed(self.make_engine(tmp_path, 1), [folder], tmp_path, kill)
        spec, result = folder.read_spec(), folder.read_result()
        assert result is not None
        batch = spec.batch_tokens // spec.seq_len
        assert [(met.step, met.micro_batch_sequences) for met in out_of_memory_events(folder.path)] == [(0, batch)]
        assert (result.status, result.shortages, result.micro_batch_sequences) == ("done", 1, batch // 2)
        assert self.same_but_for_rounding(facts(folder), self.unbroken(tmp_path))

    def test_a_crash_fails_the_run_and_not_the_others(self, tmp_path: Path) -> None:
        """A run that always crashes gets a failed result with its numbers unknown."""
        sound, crashing = (self.make_folder(tmp_path, "runs", seed) for seed in range(2))
        self.make_fault(crashing, "crash")
        executed(self.make_engine(tmp_path, 2), [sound, crashing], tmp_path)
        assert (sound.status(), crashing.status()) == ("done", "failed")
        result = crashing.read_result()
        assert result is not None
        assert (result.reason, result.val_loss_nats) == ("error", None)


class _Clock:
    """Steady seconds, which pass at a speed that may be changed."""

    def __init__(self) -> None:
        self._now, self._read, self._speed = 0.0, time.monotonic(), 1.0

    def __call__(self) -> float:
        """The seconds so far."""
        read = time.monotonic()
        self._now, self._read = self._now + self._speed * (read - self._read), read
        return self._now

    def run(self, speed: float) -> None:
        """From now on `speed` seconds pass in one."""
        self()
        self._speed = speed


def _checkpoints(folder: RunFolder) -> list[Path]:
    return sorted(folder.checkpoints.glob("step-*")) if folder.checkpoints.exists() else []


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
