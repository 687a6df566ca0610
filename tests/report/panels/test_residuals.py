from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from isoflop.fit import FitReport
from isoflop.report.fitted_runs import FittedRuns, runs_of_fit
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.residuals import (
    Residuals,
    beyond_reach,
    drawn_reach,
    residuals,
    residuals_panel,
    running_median,
)
from isoflop.report.record import StudyRecord
from report.fitted_tables import with_past_forecasts


def test_residuals_compare_observed_with_fitted(study: StudyRecord, study_runs: FittedRuns) -> None:
    values = residuals(study_runs)
    assert not isinstance(values, Absent)
    assert study_runs.surface is not None
    run = next(one for one in study.runs if one.run_id == values.run_ids[0])
    expected = float(study_runs.surface.loss(run.params, run.tokens_seen))
    assert values.residual[0] == pytest.approx(math.log((run.loss or 0) / expected), abs=1e-9)
    assert len(values.residual) == 35
    assert values.rms == pytest.approx(0.0015, rel=0.3)


def test_running_medians_follow_a_trend_and_need_fifteen_rows() -> None:
    x = np.geomspace(1, 1e4, 80)
    at, middle = running_median(x, 0.01 * np.log(x))
    np.testing.assert_allclose(middle, 0.01 * np.log(at), atol=1e-12)
    assert len(at) == 8
    assert running_median(x[:14], x[:14]) == ((), ())


def test_an_outlier_does_not_press_the_others_flat() -> None:
    rng = np.random.default_rng(0)
    rows = tuple(map(float, [*(0.002 * rng.standard_normal(100)), 0.3]))
    ones = (1.0,) * 101
    values = Residuals(run_ids=("r",) * 101, params=ones, tokens=ones, residual=rows)
    assert 1 < drawn_reach(values) < 3
    assert beyond_reach(values) == 1


def test_the_panel_names_a_trend_or_asks_for_one(report: FitReport) -> None:
    trend = residuals_panel(runs_of_fit(with_past_forecasts(report)))
    assert isinstance(trend, Panel)
    assert "The residuals of E + A / N^alpha + B / D^beta trend with D / N" in trend.lead
    assert trend.lead.endswith("the coupled form removes it.")
    none = residuals_panel(runs_of_fit(replace(report, lack_of_fit=None)))
    assert isinstance(none, Panel)
    assert none.lead.endswith("A trend here is what the form cannot follow.")
