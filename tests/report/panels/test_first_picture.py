from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.fit import FitReport, fit_all
from isoflop.observations import Observations
from isoflop.report.fitted_runs import FittedRuns, runs_of_fit, runs_of_study
from isoflop.report.panel import Absent
from isoflop.report.panels.first_picture import fit_picture, study_picture
from isoflop.report.panels.first_picture_values import FirstPicture, picture_of_fit, picture_of_study
from isoflop.report.panels.optimum_tables import fit_optima
from isoflop.report.panels.runs_picture import RunsPicture, runs_picture
from isoflop.report.record import StudyRecord
from report.fitted_tables import LAW, budgets_of_runs, fitted


@pytest.fixture(scope="module")
def picture(study: StudyRecord, study_runs: FittedRuns) -> FirstPicture:
    values = picture_of_study(study, study_runs)
    assert not isinstance(values, Absent)
    return values


def test_star_square_and_interval_are_those_of_the_record(study: StudyRecord, picture: FirstPicture) -> None:
    assert study.forecast is not None
    assert study.comparison is not None
    assert picture.planned is not None
    assert picture.larger is not None
    assert picture.next_loss is not None
    forecast = study.forecast.sealed.forecast
    assert (picture.next_loss.loss, picture.next_loss.interval) == (forecast.loss, forecast.interval)
    assert picture.next_loss.params == picture.planned.params == forecast.params
    assert picture.planned.loss == study.comparison.planned.run.loss
    assert picture.larger.loss == study.comparison.larger.run.loss
    assert picture.next_loss.sealed


def test_path_and_profile_are_the_forecaster_s(study: StudyRecord, picture: FirstPicture) -> None:
    assert study.fit is not None
    assert study.fit.forecaster is not None
    assert study.plan is not None
    cost = study.fit.cost
    at = [0, 30, 59]
    sizes = np.array([picture.next_profile_params[i] for i in at])
    expected = study.fit.forecaster.point(sizes, study.plan.budget_flops / cost.flops_per_token(sizes))
    assert np.allclose([picture.next_profile_loss[i] for i in at], expected, rtol=1e-12)
    assert np.all(np.diff(picture.path_loss) < 0), "more compute, less loss"
    end = study.fit.sizes
    assert end is not None
    assert picture.path_params[-1] == pytest.approx(end.at(study.plan.budget_flops).params)


def test_a_study_without_its_final_runs_has_no_star_and_no_square(study: StudyRecord) -> None:
    sweep = tuple(run for run in study.runs if not {"planned", "larger"} & set(run.purposes))
    begun = replace(study, runs=sweep, comparison=None)
    values = picture_of_study(begun, runs_of_study(begun))
    assert isinstance(values, FirstPicture)
    assert (values.planned, values.larger) == (None, None)
    drawn = study_picture(begun, runs_of_study(begun))
    assert drawn is not None
    assert not {"star", "square"} & {entry.kind for entry in drawn.drawing.legend}


def test_an_adaptive_sweep_which_states_no_budgets_has_the_same_profiles(
    study: StudyRecord, picture: FirstPicture
) -> None:
    runs = tuple(
        replace(run, purposes=("adaptive",), budget_flops=None) if "isoflop" in run.purposes else run
        for run in study.runs
    )
    adaptive = replace(study, runs=runs)
    found = picture_of_study(adaptive, runs_of_study(adaptive))
    assert isinstance(found, FirstPicture)
    assert [one.params for one in found.profiles] == [one.params for one in picture.profiles]
    assert (found.planned, found.larger) == (picture.planned, picture.larger)


def test_nothing_is_drawn_before_the_first_run(study: StudyRecord) -> None:
    new = StudyRecord(title="new", conventions=study.conventions)
    assert study_picture(new, runs_of_study(new)) is None


def test_every_budget_is_written_at_its_curve_wide_and_narrow(study: StudyRecord, study_runs: FittedRuns) -> None:
    drawn = study_picture(study, study_runs)
    assert drawn is not None
    for keys, unit in ((drawn.drawing.layout, " FLOPs"), (drawn.drawing.narrow, "")):
        texts = {note["text"] for note in keys["annotations"]}
        for budget in ("1e11", "3e11", "1e12", "3e12", "1e13", "4e13"):
            assert f"<b>{budget}{unit}</b>" in texts
        assert any("sealed forecast 1.5" in text and "came 1.5" in text for text in texts)
        assert any(text.endswith("1.5414") for text in texts), "the larger model's loss"


def test_a_fit_alone_has_the_loss_at_ten_times_the_compute(report: FitReport) -> None:
    optima = fit_optima(report)
    values = picture_of_fit(runs_of_fit(report), optima)
    assert isinstance(values, FirstPicture)
    assert values.next_loss is not None
    assert values.next_loss.flops == pytest.approx(10 * report.flops_range[1])
    ahead = report.forecast_loss(values.next_loss.params, values.next_loss.flops / (6 * values.next_loss.params))
    assert values.next_loss.loss == pytest.approx(ahead.loss)
    assert values.next_loss.interval == pytest.approx(ahead.interval)


def test_without_draws_the_path_goes_from_vertex_to_vertex() -> None:
    plain = fit_all(Observations.from_rows(budgets_of_runs()), draws=0)
    values = picture_of_fit(runs_of_fit(plain), fit_optima(plain))
    assert isinstance(values, FirstPicture)
    assert values.next_loss is None
    assert values.path_params == tuple(one.vertex_params for one in values.profiles)


@pytest.fixture(scope="module")
def without_budgets() -> FitReport:
    """Sixty runs of any size and length."""
    rng = np.random.default_rng(5)
    rows = []
    for N, ratio in zip(np.geomspace(2e7, 4e9, 60), rng.uniform(np.log(4), np.log(200), 60), strict=True):
        D = N * float(np.exp(ratio))
        rows.append({"params": N, "tokens": D, "loss": float(LAW.loss(N, D) * np.exp(0.003 * rng.standard_normal()))})
    return fitted(rows)


def test_runs_without_budgets_are_drawn_against_compute(without_budgets: FitReport) -> None:
    runs, optima = runs_of_fit(without_budgets), fit_optima(without_budgets)
    assert isinstance(picture_of_fit(runs, optima), Absent)
    values = runs_picture(runs, optima)
    assert isinstance(values, RunsPicture)
    assert len(values.runs) == 60
    assert without_budgets.forecaster is not None
    first = runs.size_points[0]
    assert values.frontier_loss[0] == pytest.approx(without_budgets.forecaster.point(first.params, first.tokens)[0])
    assert values.next_loss is not None
    drawn = fit_picture(runs, optima)
    assert drawn is not None
    (label,) = drawn.drawing.layout["annotations"]
    assert f"loss {values.next_loss.loss:.4f}" in label["text"]


def test_rows_that_are_optima_have_no_picture() -> None:
    compute = np.geomspace(1e18, 1e21, 8)
    report = fit_all(Observations.from_arrays(N=0.1 * compute**0.5, C=compute, optima=True), draws=0, optima=True)
    assert fit_picture(runs_of_fit(report), fit_optima(report)) is None
