"""Trainers that hang, and trainers that may be at work unseen: what a driver does about silence."""

import os
import time
from contextlib import ExitStack

import pytest

from isoflop.runs.driver import execute
from isoflop.runs.engine import Ended

from .scripted import ScriptedEngine, finish, run


class DeafEngine(ScriptedEngine):
    """Its trainers log one step and then do nothing until they are killed, the first `hanging` times."""

    def __init__(self, hanging):
        super().__init__(finish)
        self.hanging = hanging

    def start(self, folder):
        super().start(folder)
        if len(self.started) <= self.hanging:
            folder.record_attempt(0)
            folder.append_metrics([{"step": 1, "wall_seconds": 0.001}])

    def poll(self, timeout):
        if len(self.started) > self.hanging:
            return super().poll(timeout)
        time.sleep(0.05)
        done = [folder for folder in self.running if self.killed]
        self.killed, self.running = [], [folder for folder in self.running if folder not in done]
        return [Ended(folder=folder, outcome="killed", message="SIGKILL") for folder in done]


@pytest.mark.parametrize(("hanging", "status"), [(1, "done"), (2, "done"), (3, "failed")])
def test_a_hung_trainer_is_killed_and_started_again(folders, run_index, hanging, status):
    engine = DeafEngine(hanging)
    results, events = run(folders[:1], engine, run_index, hung_seconds=0.3)
    said = [event.message for event in events if event.kind == "retried"]
    assert len(said) == min(hanging, 2)
    assert all(message.startswith("its trainer gave no sign of life for") for message in said)
    assert "(limit: " in said[0]
    assert results[0].status == status
    if status == "failed":
        assert (results[0].reason, results[0].attempts) == ("killed", 3)
        assert "no sign of life" in results[0].message


def test_a_job_that_has_not_begun_is_not_taken_for_hung(folders, run_index):
    """It may wait in a queue for days: only its start is recorded by itself."""
    polls = iter(range(20))

    class Queue(ScriptedEngine):
        def poll(self, timeout):
            if next(polls, None) is not None:
                time.sleep(0.02)
                return []
            return super().poll(timeout)

    engine = Queue(finish)
    results, _ = run(folders[:1], engine, run_index, hung_seconds=0.1)
    assert (engine.killed, results[0].status) == ([], "done")


def test_nobody_is_started_next_to_a_trainer_that_may_live_on_another_machine(folders, run_index):
    lost = folders[1]
    lost.record_attempt(0)
    lost.append_metrics([{"step": 1, "wall_seconds": 0.001}])
    lost.lock_file.write_text("process 7 on elsewhere\n")
    beats = [0]

    class Elsewhere(ScriptedEngine):
        def poll(self, timeout):
            beats[0] += 1
            if beats[0] < 10:  # it goes on for a while, then its machine is lost
                lost.beat(step=beats[0], tokens=64, train_loss_nats=2.0, always=True)
            assert lost not in self.started or beats[0] >= 10
            time.sleep(0.05)
            return super().poll(0.0)

    engine = Elsewhere(finish)
    results, events = run(folders, engine, run_index, lost_seconds=0.4)
    mine = [event for event in events if event.folder == lost and event.kind != "progress"]
    assert [event.kind for event in mine] == ["waiting", "started", "finished"]
    assert "process 7 on elsewhere started it and may still be at work there" in mine[0].message
    assert f"when {lost.lock_file} is deleted" in mine[0].message
    assert [result.status for result in results] == ["done"] * 3


def test_deleting_the_lock_file_says_that_its_holder_is_gone(folders, run_index):
    (lost,) = folders[:1]
    lost.lock_file.write_text("process 7 on elsewhere\n")
    engine = ScriptedEngine(finish)

    def on_event(event):
        if event.kind == "waiting":
            lost.lock_file.unlink()

    (result,) = execute([lost], engine, run_index, on_event=on_event)
    assert result.status == "done"


def test_where_the_engine_knows_that_a_trainer_ended_nobody_waits(folders, run_index):
    (folder,) = folders[:1]
    for outcome, waits in (("killed", False), ("lost", True)):
        folder.result.unlink(missing_ok=True)

        def script(folder, outcome=outcome):
            if folder.lock_file.exists() and folder.unseen_holder():
                return finish(folder)
            folder.record_attempt(0)
            folder.append_metrics([{"step": 1, "wall_seconds": 0.001}])
            folder.lock_file.write_text("process 7 on elsewhere\n")
            return outcome

        folder.lock_file.unlink(missing_ok=True)
        _, events = run([folder], ScriptedEngine(script), run_index, lost_seconds=0.3)
        assert [event.kind for event in events] == [
            "started",
            "retried",
            *(["waiting"] if waits else []),
            "started",
            "finished",
        ]


def test_an_orphan_that_hangs_is_told_of_once(folders, run_index):
    """It is not ours to kill; the driver waits, and says whom it waits for."""
    (orphan,) = folders[:1]
    orphan.append_metrics([{"step": 1, "wall_seconds": 0.001}])
    engine = ScriptedEngine(finish)
    said = []

    def on_event(event):
        if event.kind == "waiting":
            said.append(event.message)
        if len(said) == 2:
            holding.close()

    holding = ExitStack()
    holding.enter_context(orphan.lock())
    (result,) = execute([orphan], engine, run_index, on_event=on_event, hung_seconds=0.3)
    assert result.status == "done"
    assert said[0] == "a trainer of an earlier start works on it"
    assert said[1].startswith(f"process {os.getpid()} on ")
    assert "has given no sign of life for" in said[1]
    assert len(said) == 2
