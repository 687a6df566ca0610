from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from isoflop.fit import FitReport, Refused
from isoflop.fit.result.isoflop import ProfileCurve
from isoflop.report.fitted_runs import FittedRuns, runs_of_fit, runs_of_study
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.isoflop_curves import Profile, isoflop_panel, loss_range, profile_curve, profiles
from isoflop.report.record import StudyRecord
from report.simulated_study import BUDGETS


def known(fitted: FittedRuns) -> tuple[Profile, ...]:
    values = profiles(fitted)
    assert not isinstance(values, Absent)
    return values


def test_the_curve_is_exact_on_a_parabola_and_the_fits_own_where_there_is_one() -> None:
    params = np.geomspace(1e4, 1e6, 7)
    x = np.log(params)
    drawn_params, drawn = profile_curve(params, 2 + 0.03 * (x - 12) ** 2)
    assert drawn_params[0] == pytest.approx(1e4)
    np.testing.assert_allclose(drawn, 2 + 0.03 * (np.log(drawn_params) - 12) ** 2, rtol=1e-12)
    own = ProfileCurve(coefficients=(2.0, 0.0, 0.03), log_params_centre=12.0)
    _, fitted = profile_curve(params, np.ones(7), own)
    np.testing.assert_allclose(fitted, drawn, rtol=1e-12)
    assert profile_curve(params[:3], np.ones(3)) == ((), ())


def test_profiles_carry_the_fits_verdict(study: StudyRecord) -> None:
    assert study.fit is not None
    assert not isinstance(study.fit.isoflop, Refused)
    first, *others = study.fit.isoflop.budgets
    left_out = replace(first, kept=False, reason="4 sizes", params=None)
    fit = replace(study.fit, isoflop=replace(study.fit.isoflop, budgets=(left_out, *others)))
    values = known(runs_of_study(replace(study, fit=fit)))
    assert [one.budget_flops for one in values] == list(BUDGETS)
    assert [one.kept for one in values] == [False, True, True, True, True]
    assert values[0].reason == "4 sizes"
    assert values[0].vertex_params is None
    low, high = values[1].vertex_interval or (0, 0)
    assert low < (values[1].vertex_params or 0) < high
    assert all(len(one.params) == 7 for one in values)
    panel = isoflop_panel(runs_of_study(replace(study, fit=fit)))
    assert isinstance(panel, Panel)
    assert "4 of 5 budgets" in panel.lead
    assert "Left out: 1e11: 4 sizes" in panel.caption


def test_runs_outside_the_window_are_open_and_do_not_press_the_curve_flat(report: FitReport) -> None:
    assert not isinstance(report.isoflop, Refused)
    assert not isinstance(report.parametric, Refused)
    whole = known(runs_of_fit(report))
    assert all(all(one.inside) for one in whole)
    budgets = tuple(
        replace(budget, window=(one.params[2], one.params[6]))
        for budget, one in zip(report.isoflop.budgets, whole, strict=True)
    )
    largest = {one.params[8] for one in whole}
    rows = tuple(replace(row, loss=row.loss + 5.0 * (row.params in largest)) for row in report.parametric.residuals)
    changed = replace(
        report,
        isoflop=replace(report.isoflop, budgets=budgets),
        parametric=replace(report.parametric, residuals=rows),
    )
    values = known(runs_of_fit(changed))
    for one in values:
        assert one.inside == (False, False, True, True, True, True, True, False, False)
        assert one.curve_params[0] == pytest.approx(one.params[2])
        assert one.curve_params[-1] == pytest.approx(one.params[6])
    assert loss_range(values)[1] < 5 < max(x for one in values for x in one.loss)
    assert loss_range(values)[0] == loss_range(whole)[0]


def test_curves_are_drawn_where_only_the_parametric_fit_was_refused(report: FitReport) -> None:
    assert not isinstance(report.parametric, Refused)
    refused = Refused(approach="parametric", code="x", reason="nobody knows")
    panel = isoflop_panel(runs_of_fit(replace(report, parametric=refused, rows=report.parametric.residuals)))
    assert isinstance(panel, Panel)
    assert sum(len(trace["x"]) for trace in panel.drawings[0].data if trace["mode"] == "markers") == 45 + 5


def test_a_loss_that_is_not_a_number_is_not_drawn(study: StudyRecord) -> None:
    first, *others = study.runs
    values = known(runs_of_study(replace(study, runs=(replace(first, loss=math.nan), *others))))
    assert len(values[0].params) == 6
