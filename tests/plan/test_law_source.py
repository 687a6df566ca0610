"""Laws of fits: which approach, what scatter, and how far they may be used."""

import numpy as np
import pytest
from fit.designs import FIGURE_240

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit import fit_all
from isoflop.fit.forecast.build import build_forecaster
from isoflop.fit.forms.form import FormFit
from isoflop.fit.forms.log_quadratic import LogQuadraticForm
from isoflop.laws import published_law
from isoflop.laws.log_quadratic import LogQuadraticLaw
from isoflop.observations import Observations, read_observations
from isoflop.plan import LawSource, fitted_source, make_plan, observed_cost, predict, published_source

LAW = published_law("besiroglu2024")


def isoflop_runs(*, budgets=5, cost=6.0, power=1.0, noise=0.003):
    """Runs on a besiroglu surface where a token costs cost * N^power FLOPs."""
    rng = np.random.default_rng(2)
    N, D = [], []
    for flops in np.geomspace(1e18, 1e20, budgets):
        best = float(LAW.optimum(flops)[0])
        for factor in np.geomspace(0.25, 4, 8):
            N.append(best * factor)
            D.append(flops / (cost * N[-1] ** power))
    loss = LAW.loss(N, D) * np.exp(noise * rng.standard_normal(len(N)))
    C = cost * np.asarray(N) ** power * np.asarray(D)
    return Observations.from_arrays(N=N, D=D, C=C, loss=loss)


@pytest.fixture(scope="module")
def observations():
    return isoflop_runs()


@pytest.fixture(scope="module")
def report(observations):
    return fit_all(observations, draws=200)


def test_the_parametric_fit_comes_first(report):
    source = fitted_source(report)
    assert source.law is report.parametric.law
    assert source.draws is report.parametric.draws
    # the noise that was put in, from 40 runs: to a third
    assert source.scatter == pytest.approx(0.003, rel=0.35)


def test_an_approach_can_be_asked_for(report):
    assert fitted_source(report, "isoflop").law is report.isoflop.law
    with pytest.raises(RefusedError):
        fitted_source(report, "envelope")
    with pytest.raises(InputError, match="parametric, isoflop, envelope"):
        fitted_source(report, "fourth")


def test_plan_and_prediction_repeat_the_fits_warnings(report):
    source = fitted_source(report)
    marked = LawSource(law=source.law, draws=source.draws, notices=(Notice(code="odd", message="odd"),))
    assert "odd" in {notice.code for notice in make_plan(marked, 1e20, recipe=None).notices}
    assert "odd" in {notice.code for notice in predict(marked, 1e8, 1e9).notices}


def test_a_frontier_that_bends_is_not_used_beyond_ten_times_its_data(report):
    bend = Notice(code="frontier_bends", message="ln N_opt bends")
    source = LawSource(law=report.parametric.law, notices=(bend,))
    largest = report.flops_range[1]
    assert make_plan(source, 9.9 * largest, recipe=None).extrapolation_factor == pytest.approx(9.9)
    with pytest.raises(RefusedError, match="ln N_opt bends") as refused:
        make_plan(source, 10.1 * largest, recipe=None)
    assert refused.value.code == "frontier_bends"
    assert make_plan(fitted_source(report), 5 * largest, recipe=None).extrapolation_factor == pytest.approx(5)


def test_with_a_forecaster_plan_and_prediction_say_what_it_says(observations, report):
    forecaster = build_forecaster(observations, report.parametric)
    source = fitted_source(report)
    plan = make_plan(source, 4e20, level=0.8, recipe=None)
    low, high = forecaster.interval(plan.params, plan.tokens, 0.8)[0]
    assert plan.loss_interval == (pytest.approx(low), pytest.approx(high))
    assert plan.loss == pytest.approx(float(forecaster.point(plan.params, plan.tokens)[0]))
    half, twice, same_loss = plan.alternatives
    assert min(half.loss, twice.loss) > plan.loss
    assert same_loss.loss == pytest.approx(plan.loss)
    said = predict(source, plan.params, plan.tokens, level=0.8)
    assert (said.loss, said.interval) == (plan.loss, plan.loss_interval)


def test_cost_is_six_n_where_the_runs_say_so(observations):
    assert observed_cost(observations).is_six_n


def test_cost_follows_the_runs_where_it_is_not_six_n():
    runs = isoflop_runs(cost=30.0, power=0.93)
    cost = observed_cost(runs)
    assert float(cost.flops_per_token(1e8)) == pytest.approx(30 * 1e8**0.93, rel=1e-3)
    assert float(cost.exponent(1e8)) == pytest.approx(0.93, abs=0.01)
    plan = make_plan(LawSource(law=LAW, cost=cost), 1e19, recipe=None)
    assert float(cost.flops_per_token(plan.params)) * plan.tokens == pytest.approx(1e19, rel=1e-9)


def test_nothing_fitted_is_refused_with_every_reason():
    N = np.geomspace(1e7, 1e9, 12)
    report = fit_all(Observations.from_arrays(N=N, D=20 * N, loss=LAW.loss(N, 20 * N)), draws=0)
    with pytest.raises(RefusedError, match=r"parametric: .*isoflop: .*envelope: ") as refused:
        fitted_source(report)
    assert refused.value.exit_code == 3


def test_published_laws_have_draws_where_their_points_are_public():
    source = published_source("besiroglu2024")
    assert source.law is LAW
    assert source.draws is not None
    # the printed constants are those of our fit of the same points, to the digits that they are printed with
    for name, value in LAW.constants().items():
        assert np.median(getattr(source.draws, name)) == pytest.approx(value, rel=0.1)
    assert published_source("hoffmann2022-3").draws is None
    with pytest.raises(InputError, match="besiroglu2024"):
        published_source("besiroglu")


def test_what_the_other_forms_would_plan(report):
    source = fitted_source(report)
    said = {one.form: one for one in source.optima_by_form(1e20)}
    assert list(said) == ["chinchilla", "coupled", "logquadratic"]
    N, D = report.parametric.optimum(1e20)
    assert (said["chinchilla"].params, said["chinchilla"].tokens) == (pytest.approx(N), pytest.approx(D))
    for one in said.values():
        assert one.params == pytest.approx(N, rel=0.5)
        assert 6 * one.params * one.tokens == pytest.approx(1e20, rel=1e-9)
    assert make_plan(source, 1e20, recipe=None).forms == source.optima_by_form(1e20)
    assert make_plan(LAW, 1e20, recipe=None).forms == ()


def test_a_form_without_an_optimum_says_why(report):
    ridge = LogQuadraticLaw(
        level=1.0,
        by_params=-0.1,
        by_tokens=-0.1,
        by_params_squared=0.0,
        by_both=0.01,
        by_tokens_squared=0.0,
        centre=(20.0, 23.0),
    )
    flat = FormFit(form=LogQuadraticForm(), law=ridge, objective=0.0, residual_sd=0.0)
    said = LawSource(law=LAW, forms=(flat,)).optima_by_form(1e20)[0]
    assert (said.params, said.tokens) == (None, None)
    assert "no least loss" in said.reason


def test_the_bundled_fit_of_public_points_is_the_fit_of_these_points():
    source = published_source("besiroglu2024")
    runs = read_observations(
        FIGURE_240, params_convention="total", flops_convention="six_n", loss_unit="nats_per_token"
    )
    report = fit_all(runs, draws=1000, seed=0)
    for name in ("E", "A", "B", "alpha", "beta"):
        values = getattr(report.parametric.draws, name)
        np.testing.assert_allclose(np.median(getattr(source.draws, name)), np.median(values), rtol=1e-6)
    question = 1e10, 2e11
    np.testing.assert_allclose(
        source.forms_around.interval(*question), report.forecaster.interval(*question), rtol=1e-4
    )
