import os
import signal
import sys
from contextlib import closing

import pytest
from waiting import next_ended, wait_until

from isoflop.errors import InputError
from isoflop.runs.engines.local import SPAWNS, LocalEngine, usable_cores
from isoflop.runs.engines.worker import worker_environment
from isoflop.runs.folder import RunFolder

from .. import step_driver
from ..conftest import small_spec
from .stepping import StepContract


def step_engine(tmp_path, workers=1):
    return step_driver.step_engine("local", tmp_path / "logs", workers)


class TestContract(StepContract):
    kind = "local"


def test_a_worker_takes_one_run_after_another(tmp_path):
    folders = [RunFolder.create(tmp_path / "runs", small_spec(steps=2, seed=seed)) for seed in range(3)]
    with closing(step_engine(tmp_path)) as engine:
        for folder in folders:
            assert engine.free == 1
            engine.start(folder)
            assert engine.free == 0
            assert [(end.folder, end.outcome, end.message) for end in next_ended(engine)] == [(folder, "finished", "")]
        assert len({folder.attempts()[0].pid for folder in folders}) == 1


class Waiting(LocalEngine):
    """Assigns a folder to a new worker only when that has had time to end."""

    def _spawn(self, place, memory):
        worker = super()._spawn(place, memory)
        worker.process.wait(30)
        return worker


def test_workers_that_end_at_once_are_not_started_for_ever(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec())
    program = [sys.executable, "-c", "import sys; sys.exit('no such library')"]
    with closing(Waiting(workers=2, logs=tmp_path / "logs", command=program)) as engine:
        message = rf"{SPAWNS} worker processes in a row ended with exit code 1 .*no such library.*worker-0\.log"
        with pytest.raises(InputError, match=message):
            engine.start(folder)
        assert engine.free == 2
        assert engine._alive == []


def test_the_worker_of_a_killed_run_is_replaced(tmp_path):
    first, second = (RunFolder.create(tmp_path / "runs", small_spec(seed=seed)) for seed in range(2))
    for folder in (first, second):
        step_driver.hold(folder, 5)
    with closing(step_engine(tmp_path)) as engine:
        engine.start(first)
        wait_until(first.read_heartbeat)
        os.kill(first.read_heartbeat().pid, signal.SIGKILL)
        (end,) = next_ended(engine)
        assert (end.folder, end.outcome) == (first, "killed")
        assert "SIGKILL" in end.message
        engine.start(second)
        wait_until(second.read_heartbeat)
        assert second.read_heartbeat().pid != first.read_heartbeat().pid
    assert not second.is_locked()  # close ended the busy worker too


def test_a_worker_killed_while_idle_is_replaced(tmp_path):
    first, second = (RunFolder.create(tmp_path / "runs", small_spec(steps=1, seed=seed)) for seed in range(2))
    with closing(step_engine(tmp_path)) as engine:
        engine.start(first)
        next_ended(engine)
        os.kill(first.attempts()[0].pid, signal.SIGKILL)
        engine.start(second)
        (end,) = next_ended(engine)
        if end.outcome == "killed":  # the folder was handed over before the death was seen: given back, started again
            engine.start(second)
            (end,) = next_ended(engine)
        assert (end.folder, end.outcome) == (second, "finished")


def test_last_words_reach_the_message_and_the_log_of_the_run(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec())
    (folder.path / "crash").touch()
    with closing(step_engine(tmp_path)) as engine:
        engine.start(folder)
        (end,) = next_ended(engine)
    assert end.outcome == "crashed"
    assert end.message == "its trainer crashed with exit code 1: ValueError: told to crash"
    assert "Traceback" in folder.log.read_text()


def test_a_refusal_is_told_in_its_own_words(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec())
    (folder.path / "refuse").touch()
    with closing(step_engine(tmp_path)) as engine:
        engine.start(folder)
        (end,) = next_ended(engine)
    assert (end.outcome, end.message) == ("refused", f"{folder.path}: told to refuse")


def test_a_program_that_cannot_start_is_a_crash(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec())
    command = [sys.executable, "-c", "import no_such_trainer"]
    with closing(LocalEngine(workers=1, logs=tmp_path / "logs", command=command)) as engine:
        engine.start(folder)
        (end,) = next_ended(engine)
    assert end.outcome == "crashed"
    assert "No module named 'no_such_trainer'" in end.message


def test_a_trainer_deaf_to_stop_is_killed(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec())
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(1e6)"
    with closing(LocalEngine(workers=1, logs=tmp_path / "logs", command=[sys.executable, "-c", deaf])) as engine:
        engine.start(folder)
        assert engine.poll(10.0) == []  # it is up, and says nothing that is ours
        engine.stop(0.2)
        assert engine.free == 1


def test_workers_get_one_thread_and_keep_their_memory():
    environment = worker_environment()
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "1"
    assert ("MALLOC_TOP_PAD_" in environment) == (sys.platform == "linux")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux pins processes to cores")
def test_workers_are_pinned_when_every_core_has_one(tmp_path, monkeypatch):
    cores = usable_cores()
    folders = [RunFolder.create(tmp_path / "runs", small_spec(seed=seed)) for seed in range(len(cores))]
    with closing(step_engine(tmp_path, workers=len(cores))) as engine:
        for folder in folders:
            step_driver.hold(folder, 5)
            engine.start(folder)
        pinned = [os.sched_getaffinity(worker.process.pid) for worker in engine._alive]
    assert sorted(pinned, key=min) == [{core} for core in cores]
    with closing(step_engine(tmp_path, workers=len(cores) + 1)) as engine:
        engine.start(RunFolder.create(tmp_path / "runs", small_spec(steps=1)))
        assert os.sched_getaffinity(engine._alive[0].process.pid) == set(cores)
