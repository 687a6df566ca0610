from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from isoflop.fit.size import SizeBacktest
from isoflop.report.fitted_runs import FittedRuns, runs_of_study
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.optimum import Scaling, draw_scaling, optimum_panel, scaling
from isoflop.report.panels.scaling_lines import Quantity
from isoflop.report.record import StudyRecord
from isoflop.report.style import INK


def known(fitted: FittedRuns, quantity: Quantity) -> Scaling:
    values = scaling(fitted, quantity)
    assert not isinstance(values, Absent)
    return values


def test_it_has_three_approaches_four_published_laws_and_the_plan(study: StudyRecord, study_runs: FittedRuns) -> None:
    values = known(study_runs, "params")
    assert [line.name for line in values.lines] == ["envelope", "isoflop", "parametric"]
    assert [line.name for line in values.published] == [
        "hoffmann2022-1", "hoffmann2022-2", "hoffmann2022-3", "besiroglu2024",
    ]  # fmt: skip
    assert all(line.low and line.high and line.low[0] < line.values[0] < line.high[0] for line in values.lines)
    assert values.plan is not None
    assert study.plan is not None
    assert (values.plan.flops, values.plan.value) == (study.plan.flops, study.plan.params)
    assert len(values.vertices) == 5
    tokens = known(study_runs, "tokens")
    for n, d in zip(values.published, tokens.published, strict=True):
        np.testing.assert_allclose(6 * np.array(n.values) * np.array(d.values), n.flops, rtol=1e-9)


def test_the_forecast_and_the_held_out_vertex_are_values(study: StudyRecord) -> None:
    assert study.fit is not None
    assert study.fit.size_backtest is not None
    tested = replace(
        study.fit.size_backtest, held_out_budget_flops=1e13, predicted=84e3, interval=(66e3, 110e3), level=0.9,
        actual=76e3, actual_se=0.1,
    )  # fmt: skip
    fitted = runs_of_study(replace(study, fit=replace(study.fit, size_backtest=tested)))
    points = fitted.size_points
    line = known(fitted, "params").forecast
    assert line is not None
    assert line.flops == tuple(point.flops for point in points)
    assert line.values == tuple(point.params for point in points)
    assert list(zip(line.low, line.high, strict=True)) == [point.params_interval for point in points]
    held = known(fitted, "params").held_out
    assert held is not None
    assert (held.forecast.value, held.forecast.low, held.forecast.high) == (84e3, 66e3, 110e3)
    assert held.forecast.flops == held.vertex.flops == 1e13
    # 90 % of a normal distribution lie within 1.645 standard deviations
    assert held.vertex.high == pytest.approx(76e3 * math.exp(0.1645), rel=1e-4)
    assert held.vertex.low == pytest.approx(76e3 / math.exp(0.1645), rel=1e-4)
    tokens, cost = known(fitted, "tokens").held_out, study.fit.cost
    assert tokens is not None
    assert tokens.forecast.value == pytest.approx(1e13 / cost.flops_per_token(84e3))
    assert tokens.forecast.low == pytest.approx(1e13 / cost.flops_per_token(110e3)), "the largest model, fewest tokens"
    assert (tokens.vertex.low or 0) < tokens.vertex.value < (tokens.vertex.high or 0)


def test_the_band_is_drawn_with_its_limits_and_both_figures_share_their_legend(
    study: StudyRecord, study_runs: FittedRuns
) -> None:
    n, d = draw_scaling(known(study_runs, "params")), draw_scaling(known(study_runs, "tokens"))
    assert n.legend == d.legend
    labels = [entry.label for entry in n.legend]
    assert "forecast with its interval" in labels
    assert "the ringed vertex, forecast without its budget" in labels
    low = [point.params_interval[0] for point in study_runs.size_points]
    high = [point.params_interval[1] for point in study_runs.size_points]
    assert [*high, *reversed(low)] in [trace["y"] for trace in n.data if trace.get("fill") == "toself"]
    edges = [trace["y"] for trace in n.data if trace["mode"] == "lines" and trace["line"]["color"] == INK]
    assert low in edges
    assert high in edges
    none: SizeBacktest | None = None
    assert study.fit is not None
    plain = replace(study_runs, size_points=(), fit=replace(study.fit, size_backtest=none))
    without = draw_scaling(known(plain, "params"))
    assert len(without.data) == len(n.data) - 6
    assert "forecast with its interval" not in [entry.label for entry in without.legend]


def test_the_panel_lists_the_estimators_of_the_plan(study: StudyRecord, study_runs: FittedRuns) -> None:
    assert study.plan is not None
    panel = optimum_panel(study_runs, study.plan.size)
    assert isinstance(panel, Panel)
    assert panel.tables[0].rows[-1][0] == "all, mixed"
    assert panel.caption.startswith("Bend: ln N_opt leaves a straight line by")
    without = optimum_panel(study_runs, None)
    assert isinstance(without, Panel)
    assert without.tables == ()
    assert without.caption.startswith("This study: N non-embedding")
