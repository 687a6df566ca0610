"""Every file of a finished study, damaged, and what reads it."""

import pytest

from hostile import studies
from hostile.verdict import ask

DAMAGES = 3
"""Of each file, besides what lies in its place."""
_NAMES = ("study.toml", "machine.json", "sweep.json", "study.db", "corpus/corpus.json", "corpus/train.bin", "lock",
          "fits/sweep.json", "fits/sweep.npz", "fits/backtest.json", "fits/observations.csv", "plans/final.json",
          "plans/contest.json", "plans/serving.json", "forecasts/final.json", "forecasts/final.score.json",
          "forecasts/final.watch.json", "spec.json",
          "result.json", "attempts.jsonl", "heartbeat.json", "metrics.jsonl")  # fmt: skip


def test_no_file_is_forgotten(finished_study):
    found = {file.as_posix() for file in studies.files_of(finished_study.path)}
    names = {name.split("/")[-1] if name.startswith("runs/") else name for name in found}
    read = {name for name in names if not name.startswith("logs/")}
    assert {name for name in read if not name.startswith("corpus/val-")} <= set(_NAMES)


@pytest.mark.parametrize("name", _NAMES)
def test_a_damaged_file_is_answered_or_refused(name, finished_study, tmp_path):
    assert studies.faults_of(name, finished_study.path, tmp_path, DAMAGES) == []


def test_resamples_that_are_broken_are_drawn_again(finished_study, tmp_path):
    study = studies.small_copy(finished_study.path, tmp_path / "study")
    draws = study / "fits" / "sweep.npz"
    draws.write_bytes(draws.read_bytes()[:1000])
    assert "sweep.npz" in ask("plan", "--fit", study, "--flops", "1e11").stderr
    again = ask("fit", study)
    assert (again.faults, "fitted again" in again.stderr) == ((), True)
    assert ask("plan", "--fit", study, "--flops", "1e11").code == 0
