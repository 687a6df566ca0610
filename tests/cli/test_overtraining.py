"""Runs far beyond the optimum, foretold from small ones on the raw file: the targets of Gadre et al. 2024."""

import csv
from pathlib import Path

import pytest

TABLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "overtraining" / "models_104.csv"
LOSS = "loss[c4_val/shard-{0000000..0000010}.tar]"


def test_the_two_large_runs_are_forecast_within_two_and_a_half_per_cent(answer, tmp_path):
    if not TABLE.is_file():
        pytest.skip(f"needs {TABLE}")
    fit = tmp_path / "fit.json"
    small = ("--where", "dataset_name=rpj", "--where", "params<6e9", "--where", "tokens<9e11")
    value = answer("fit", str(TABLE), *small, "--column", f"loss={LOSS}", "--draws", "200", "--out", str(fit))
    assert value["observations"]["rows_used"] == 33
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset_name"] == "rpj"]
    large = [row for row in rows if float(row["params"]) > 6e9 or float(row["tokens"]) > 9e11]
    assert len(large) == 2
    for row in large:
        said = answer("predict", "--fit", str(fit), "--params", row["params"], "--tokens", row["tokens"])
        actual = float(row[LOSS])
        assert said["loss"] == pytest.approx(actual, rel=0.025)
        assert said["interval"][0] < actual < said["interval"][1]
