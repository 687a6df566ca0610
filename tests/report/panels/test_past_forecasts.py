from __future__ import annotations

from dataclasses import replace

import numpy as np

from isoflop.fit import FitReport
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.past_forecasts import (
    errors_table,
    form_errors,
    lack_of_fit,
    past_forecasts_panel,
    typical_errors,
)
from report.fitted_tables import with_past_forecasts


def test_past_errors_are_put_together_by_reach(report: FitReport) -> None:
    assert isinstance(form_errors(replace(report, forms=())), Absent)
    values = form_errors(with_past_forecasts(report))
    assert not isinstance(values, Absent)
    assert [one.label for one in values] == ["Chinchilla", "coupled", "log-quadratic"]
    table = errors_table(values)
    assert table.columns == ("form", "to ×10", "above ×30")
    cells = dict(zip(table.columns, table.rows[1], strict=True))
    within = [-0.002, -0.001, 0.001, 0.002]  # factors 10, 3.16, 3.16, 10: two signs
    assert cells["to ×10"] == f"±{100 * np.sqrt(np.mean(np.square(within))):.2f} %"
    assert cells["above ×30"] == "+0.40 %"
    near = np.array([0.002, 0.004, 0.001, 0.006])  # the Chinchilla form's, up to ten times
    assert abs(typical_errors(values, 10.01)["Chinchilla"] - np.sqrt(np.mean(near**2))) < 1e-12


def test_the_panel_has_a_figure_and_a_table(report: FitReport) -> None:
    panel = past_forecasts_panel(with_past_forecasts(report))
    assert isinstance(panel, Panel)
    assert [drawing.name for drawing in panel.drawings] == ["backtest-forms"]
    assert len(panel.tables[0].rows) == 3
    without = past_forecasts_panel(replace(report, past=()))
    assert isinstance(without, Absent)
    assert "the runs span too little compute" in without.sentence


def test_a_trend_in_the_residuals_is_a_sentence(report: FitReport) -> None:
    assert lack_of_fit(with_past_forecasts(report)).startswith("The residuals of E + A")
    assert lack_of_fit(replace(report, lack_of_fit=None)) == lack_of_fit(None) == ""
