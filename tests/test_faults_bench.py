"""bench/faults.py on a study of which six runs are left to do."""

import shutil
import subprocess
import sys
from pathlib import Path

from isoflop.runs.folder import run_folders

BENCH = Path(__file__).parents[1] / "bench" / "faults.py"


def test_kills_every_two_seconds_change_nothing(finished_study, tmp_path):
    finished_study.copy(tmp_path / "alone")
    battered = finished_study.copy(tmp_path / "battered")
    for folder in run_folders(battered / "runs")[:6]:
        shutil.rmtree(folder.path)
    for name in ("fits", "plans", "forecasts", "report.html", "study.db"):
        path = battered / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    command = [sys.executable, str(BENCH), str(tmp_path), "--every", "2", "--seconds", "20", "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    first, *compared = done.stdout.splitlines()
    assert " 0 kills" not in first
    assert compared == ["rows of the run index: the same", "training curves: the same", "observations: the same"]


def test_a_difference_is_told(finished_study, tmp_path):
    finished_study.copy(tmp_path / "alone")
    battered = finished_study.copy(tmp_path / "battered")
    table = battered / "fits" / "observations.csv"
    table.write_text(table.read_text().replace("1", "2", 1))
    command = [sys.executable, str(BENCH), str(tmp_path), "--seconds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "observations: DIFFERENT")
