"""Runs far beyond the optimum, foretold from small ones: the targets of Gadre et al. 2024 (2403.08540)."""

import csv

import numpy as np
import pytest

from isoflop.fit import build_forecaster, fit_parametric
from isoflop.observations import Observations

from .designs import FIGURE

TABLE = FIGURE.parents[1] / "overtraining" / "models_104.csv"


@pytest.fixture(scope="module")
def redpajama():
    if not TABLE.is_file():
        pytest.skip(f"needs {TABLE}")
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["dataset_name"] == "rpj"]
    loss = next(name for name in rows[0] if name.startswith("loss[c4_val"))
    columns = {"N": "params", "D": "tokens", "loss": loss}
    return Observations.from_arrays(**{k: np.array([float(row[v]) for row in rows]) for k, v in columns.items()})


def test_the_two_large_runs_are_foretold_within_two_per_cent(redpajama):
    large = (redpajama.D > 9e11) | (redpajama.N > 6e9)
    known, later = redpajama.select(~large), redpajama.select(large)
    assert len(known) == 33
    forecaster = build_forecaster(known, fit_parametric(known, draws=50))
    for N, D, loss in zip(later.N, later.D, later.loss, strict=True):
        said = forecaster.forecast(N, D)
        assert said.loss == pytest.approx(loss, rel=0.02)
        assert said.interval[0] < loss < said.interval[1]
        assert said.extrapolation_factor > 8
