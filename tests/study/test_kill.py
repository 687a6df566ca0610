"""kill -9 at any moment, Ctrl-C, two drivers: nothing finished is lost, nothing is done twice, no number changes."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from waiting import finish, wait_until

from isoflop.runs.folder import run_folders
from isoflop.runs.result import OF_THE_CLOCK
from isoflop.runs.run_index import RunIndex

from .tiny import RUNS, SWEEP, call, isoflop, refused, start

CLOCK = {"attempts", "first_started", "finished", *OF_THE_CLOCK}
"""What may differ between a study that was killed and one that was left alone."""


def trainers(study: Path) -> list[int]:
    """Processes that work in a run folder now."""
    pids = []
    for folder in run_folders(study / "runs"):
        if folder.is_locked():
            with suppress(OSError, IndexError, ValueError):
                pids.append(int(folder.lock_file.read_text().split()[1]))
    return pids


def results(study: Path) -> int:
    return sum(folder.result.exists() for folder in run_folders(study / "runs"))


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def outcome(study):
    """Every number of every run, and the training curves."""
    rows = [{k: v for k, v in row.items() if k not in CLOCK} for row in RunIndex(study / "study.db").rows()]
    curves = {
        folder.run_id: [
            {k: v for k, v in line.items() if k not in OF_THE_CLOCK} for line in folder.read_metrics().lines
        ]
        for folder in run_folders(study / "runs")
    }
    return rows, curves


@pytest.mark.parametrize("seed", [0])
def test_kill_9_at_five_random_moments_changes_nothing(finished_study, tmp_path, seed):
    dice = random.Random(seed)
    study = finished_study.begun(tmp_path / "study")
    # four moments in the sweep, one in the final runs; what is killed is drawn too
    moments = [*sorted(dice.sample(range(RUNS - 3), 4)), RUNS - 2]
    victims = ["trainers", *dice.sample(["driver", "driver", "both", "both"], 4)]
    driver = start("study", study)
    for moment, victim in zip(moments, victims, strict=True):
        wait_until(lambda m=moment: results(study) >= m and trainers(study), driver)
        time.sleep(dice.uniform(0, 0.5))
        for pid in trainers(study) if victim != "driver" else []:
            kill(pid)
        if victim != "trainers":
            driver.kill()
            driver.communicate()
            assert results(study) < RUNS
            driver = start("study", study)
    _, stderr = finish(driver)
    assert driver.returncode == 0, stderr
    assert re.search(rf"  \d+ of ({SWEEP}|{RUNS}) runs were done before\n", stderr), "it counts on"
    assert sum(len(folder.attempts()) for folder in run_folders(study / "runs")) > RUNS
    for name in ("sweep.json", "plans/contest.json", "fits/observations.csv"):
        assert (study / name).read_bytes() == (finished_study.path / name).read_bytes(), name
    assert outcome(study) == outcome(finished_study.path)
    sealed, other = (json.loads((path / "forecasts/final.json").read_text()) for path in (study, finished_study.path))
    assert sealed["forecast"] == other["forecast"]
    before = RunIndex(study / "study.db").rows()
    assert len(before) == RUNS
    assert isoflop("run", study, "--reindex")[0] == 0
    assert RunIndex(study / "study.db").rows() == before


def test_ctrl_c_is_130_resumable_and_leaves_no_trainer(finished_study, tmp_path):
    study = finished_study.begun(tmp_path / "study")
    driver = start("study", study)
    wait_until(lambda: results(study) >= 1 and trainers(study), driver)
    working = trainers(study)
    driver.send_signal(signal.SIGINT)
    stdout, stderr = finish(driver)
    assert driver.returncode == 130
    assert stdout == ""
    kept = results(study)
    assert stderr.splitlines()[-1].startswith(f"Stopped. {kept} of {SWEEP} runs are kept")
    assert stderr.splitlines()[-1].endswith(f"Go on: isoflop study {study}")
    assert "Traceback" not in stderr
    assert trainers(study) == []
    for pid in working:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    status = json.loads(call("status", study, "--json").stdout)
    assert status["stage"] == "sweep"
    assert status["runs"]["done"] == kept
    assert status["runs"]["running"] == 0
    assert status["running"] is None
    assert [row["runs"] for row in status["losses"]] == [7, 9, 5]
    assert sum(row["ended"] for row in status["losses"]) == kept


def test_a_second_driver_is_turned_away(finished_study, tmp_path):
    study = finished_study.begun(tmp_path / "study")
    driver = start("study", study)
    try:
        wait_until(lambda: trainers(study), driver)
        for verb in (("study",), ("run",), ("sweep", "--go"), ("run", "--reindex")):
            message = refused(verb[0], study, *verb[1:])
            assert f"process {driver.pid}" in message
            assert "wait for it or stop it first" in message
        status = json.loads(call("status", study, "--json").stdout)
        assert status["runs"]["running"] >= 1
        running = status["running"]
        assert (running["stage"], running["runs"]) == ("sweep", SWEEP)
        assert running["elapsed_seconds"] > 0
        assert running["remaining_seconds"] > 0
        assert "Running: training the sweep; " in call("status", study).stdout
    finally:
        driver.send_signal(signal.SIGTERM)
        finish(driver)
    # trainers of a driver that was terminated save a checkpoint and end by themselves
    wait_until(lambda: not trainers(study))


def test_a_worker_whose_driver_died_while_it_started_trains_nothing(tmp_path):
    """It was handed a run before it could look for its parent, which is another process by then."""
    driver = subprocess.Popen([sys.executable, "-c", ""])
    driver.wait()
    command = [sys.executable, "-m", "isoflop.train", "--worker"]
    environment = {**os.environ, "ISOFLOP_DRIVER": str(driver.pid)}
    worker = subprocess.run(
        command, input=f"{tmp_path}/run\n", capture_output=True, text=True, env=environment, check=False
    )
    assert (worker.returncode, worker.stdout, worker.stderr) == (0, "", "")
