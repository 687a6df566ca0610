import numpy as np
import pytest

from isoflop.codec import fields_to_json
from isoflop.errors import RefusedError
from isoflop.fit import fit_parametric
from isoflop.fit.forecast.backtest import backtest
from isoflop.fit.forecast.build import build_forecaster

from ..designs import TINY, TINY_COST, TRUTHS, isoflop_sweep, tiny_sweep

DRAWS = 200


def _coupled(N, D):
    return 0.9 + 1.15 * (46.6 * N**-0.5 + 50.7 * D**-0.33) ** 0.8


def _power(N, D):
    return 1.9 * (46.6 * N**-0.5 + 50.7 * D**-0.33) ** 0.35


def _forecast(seed, surface, **kw):
    """(inside, half width over the loss, error) of a forecast at four times the largest compute."""
    data = tiny_sweep(seed, surface=surface, **kw)
    fit = fit_parametric(data, cost=TINY_COST, draws=DRAWS)
    N, D = fit.optimum(4 * float(data.C.max()))
    forecast = build_forecaster(data, fit, cost=TINY_COST).forecast(N, D)
    actual = float(surface(N, D)) * np.exp(np.random.default_rng(10_000 + seed).normal(0, 0.004))
    assert forecast.extrapolation_factor == pytest.approx(4, rel=1e-6)
    low, high = forecast.interval
    return low <= actual <= high, (high - low) / 2 / actual, forecast.loss / actual - 1, forecast.bias


@pytest.mark.parametrize(
    ("surface", "kw", "widest"),
    [(TINY.loss, {}, 0.035), (TINY.loss, {"budgets": 4}, 0.045), (_coupled, {}, 0.035), (_power, {}, 0.06)],
    ids=["chinchilla", "four budgets", "coupled", "no floor"],
)
def test_forecasts_at_four_times_the_compute_hold_what_they_promise(surface, kw, widest):
    # 10 sweeps at a nominal 90 %: fewer than 7 hits come once in 80 tries. Never so wide that it says nothing: what
    # real sweeps of this span erred by (error_model.growth_with_range) is 1.4 % an e-fold, 2 % at four times.
    inside, widths, *_ = zip(*(_forecast(seed, surface, **kw) for seed in range(10)), strict=True)
    assert sum(inside) >= 7
    assert np.median(widths) < widest


def test_a_truth_of_the_same_form_is_met_closely() -> None:
    _, _, errors, leans = map(np.array, zip(*(_forecast(seed, TINY.loss) for seed in range(8)), strict=True))
    assert abs(np.mean((1 + errors) / (1 - leans) - 1)) < 0.006
    assert np.std(errors) < 0.012
    # Real losses fall faster than the forms: what is taken off for it costs a truth of the form so much and no more.
    assert np.all((leans > 0) & (leans < 0.012))
    assert abs(np.mean(errors)) < 0.008


def test_the_backtest_forecasts_the_top_budget() -> None:
    hits, errors = 0, []
    for seed in range(8):
        data = tiny_sweep(seed)
        tested = backtest(data, cost=TINY_COST, draws=DRAWS)
        hits += tested.inside
        errors.append(tested.error)
        assert tested.held_out_budget_flops == pytest.approx(3.2e12, rel=0.02)
        assert len(tested.rows) == 6
        assert tested.extrapolation_factor == pytest.approx(2, rel=0.05)
        row = tested.rows[2]
        assert row.interval[0] < row.predicted < row.interval[1]
        assert row.error == pytest.approx(row.predicted / row.actual - 1)
    assert hits >= 6
    assert np.abs(errors).max() < 0.03
    assert set(fields_to_json(tested)) >= {"held_out_budget_flops", "rows", "loss_actual", "loss_predicted", "interval",
                                    "error", "inside"}  # fmt: skip


def test_past_errors_widen_the_interval() -> None:
    # A surface that turns: forecasts from the earlier budgets err, and the later interval has to own up to it.
    def turning(N, D):
        C = D * TINY_COST.flops_per_token(N)
        return TINY.loss(N, D) * (1 + 0.05 * np.maximum(0, np.log(C / 1e12)))

    data = tiny_sweep(0, surface=turning)
    fit = fit_parametric(data, cost=TINY_COST, draws=DRAWS)
    honest = build_forecaster(data, fit, cost=TINY_COST)
    blind = build_forecaster(data, fit, cost=TINY_COST, past=())
    N, D = fit.optimum(1.28e13)
    assert honest.errors.form_error > 1.3 * blind.errors.form_error
    assert np.diff(honest.forecast(N, D).interval)[0] > 1.1 * np.diff(blind.forecast(N, D).interval)[0]
    assert {"factor", "errors", "origin_flops", "target_flops"} <= set(fields_to_json(honest.past[0]))


def test_intervals_widen_with_distance_and_level() -> None:
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e18, 1e21, 5), sizes=8, span=4, noise=0.004)
    fit = fit_parametric(data, draws=DRAWS)
    forecaster = build_forecaster(data, fit)
    widths = []
    for C in (1e20, 1e22, 1e24):
        N, D = fit.optimum(C)
        forecast = forecaster.forecast(N, D)
        widths.append(np.diff(forecast.interval)[0] / forecast.loss)
        assert forecast.extrapolation_factor == pytest.approx(max(1.0, C / 1e21))
        assert np.diff(forecaster.forecast(N, D, 0.5).interval)[0] < np.diff(forecast.interval)[0]
    assert widths == sorted(widths)
    assert "far_extrapolation" in {notice.code for notice in forecast.warnings}


def test_the_same_question_gets_the_same_answer() -> None:
    data = tiny_sweep(3)
    first, second = (
        build_forecaster(data, fit_parametric(data, cost=TINY_COST, draws=100), cost=TINY_COST).forecast(1e5, 1e7)
        for _ in range(2)
    )
    assert first == second


def test_a_forecast_needs_draws() -> None:
    data = tiny_sweep(0)
    with pytest.raises(RefusedError, match="draws"):
        build_forecaster(data, fit_parametric(data, cost=TINY_COST, draws=0))


def test_a_backtest_needs_three_budgets() -> None:
    with pytest.raises(RefusedError, match="three budgets"):
        backtest(tiny_sweep(0, budgets=2), cost=TINY_COST)
