"""The forecast of the best size on sweeps of known laws: where it lies, what it covers, what it costs."""

from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.fit import FitReport, Refused, fit_all
from isoflop.fit.size import build_size_forecaster, size_backtest
from isoflop.fit.size.backtest import forecaster_of_rows
from isoflop.laws import SIX_N, wasted_by_size
from isoflop.observations import Observations

from ..designs import TINY, TINY_COST, TRUTHS, isoflop_sweep

TRUTH = TRUTHS["besiroglu"]
BUDGETS = np.geomspace(1e18, 1e21, 5)
MIDDLE = float(np.log(BUDGETS).mean())
AHEAD = 1e22


def bent(runs: Observations, bend: float) -> Observations:
    """Every run moved along its budget, so that ln N_opt gains bend (ln C - middle)^2."""
    factor = np.exp(bend * (np.log(runs.C) - MIDDLE) ** 2)
    return replace(runs, N=runs.N * factor, D=runs.D / factor)


def truth(bend: float, flops: float = AHEAD) -> float:
    return float(np.log(TRUTH.optimum(flops)[0])) + bend * (np.log(flops) - MIDDLE) ** 2


def swept(seed: int, bend: float = 0.0, noise: float = 0.005) -> Observations:
    runs = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4, noise=noise, seed=seed)
    return bent(runs, bend)


@pytest.fixture(scope="module")
def report():
    return fit_all(swept(0, -0.010), draws=400)


@pytest.mark.parametrize("bend", [0.0, -0.010, -0.027])
def test_the_interval_holds_and_the_waste_is_stated_as_it_comes(bend):
    # docs/sizes.md has forty sweeps of each of three laws; these twelve tell a wrong factor, not a wrong tenth.
    held, true, stated = [], [], []
    for seed in range(12):
        result = forecaster_of_rows(swept(seed, bend)).at(AHEAD)
        low, high = np.log(result.interval)
        held.append(low <= truth(bend) <= high)
        true.append(float(wasted_by_size(TRUTH, np.log(result.params) - truth(bend), result.params)))
        off = np.log(result.params) - result.log_params
        stated.append(float(np.mean(wasted_by_size(TRUTH, off, result.params))))
        assert result.identified
    assert sum(held) >= 10
    assert 0.4 <= np.mean(stated) / np.mean(true) <= 3.5


def test_a_straight_frontier_without_noise_is_found() -> None:
    result = forecaster_of_rows(swept(0, noise=1e-6)).at(AHEAD)
    assert np.log(result.params) == pytest.approx(truth(0.0), abs=0.05)
    assert result.interval[1] / result.interval[0] < 1.3


def test_what_each_estimator_holds_is_kept_next_to_the_forecast(report):
    result = report.sizes.at(AHEAD)
    by_name = {item.estimator: item for item in result.estimators}
    assert set(by_name) == {"isoflop", "chinchilla", "coupled", "logquadratic", "parametric"}
    assert sum(item.weight for item in result.estimators) == pytest.approx(1)
    assert by_name["isoflop"].params == pytest.approx(report.isoflop.optimum(AHEAD)[0])
    assert by_name["parametric"].params == pytest.approx(report.parametric.optimum(AHEAD)[0])
    assert all(item.bent < item.params for item in result.estimators)  # the bend is below zero
    assert all((item.weight > 0) == (not item.reason) for item in result.estimators)


def test_one_estimator_can_be_asked_alone(report):
    alone = report.sizes.at(AHEAD, only="parametric")
    assert [item.estimator for item in alone.estimators] == ["parametric"]
    assert alone.interval[0] < alone.params < alone.interval[1]
    with pytest.raises(RefusedError, match="no estimator"):
        report.sizes.at(AHEAD, only="envelope")


def test_the_further_the_wider(report):
    widths = [np.ptp(np.log(report.sizes.at(flops).interval)) for flops in (1e21, 1e22, 1e23, 1e24)]
    assert np.all(np.diff(widths) > 0)
    assert widths[0] < np.log(1.6)


def test_whether_a_size_is_identified_does_not_hang_on_the_level(report):
    few = fit_all(isoflop_sweep(TRUTH, BUDGETS[:3], sizes=5, span=3, noise=0.005, seed=1), draws=200).sizes
    for flops in (1e20, 1e22, 1e24):
        assert len({few.at(flops, level).identified for level in (0.5, 0.9, 0.99)}) == 1


def test_runs_to_do_first_never_cost_more_than_the_plan() -> None:
    few = fit_all(isoflop_sweep(TRUTH, BUDGETS[:3], sizes=5, span=3, noise=0.02, seed=1), draws=200).sizes
    for flops in (1e12, 1e15, 1e21, 1e24):
        for notice in few.at(flops).notices:
            each = float(notice.message.split(" at ")[1].split(" FLOPs each")[0])
            assert each <= flops
            assert each <= 4 * few.compute_range[1]


def test_a_cost_that_is_not_six_n_is_no_bend() -> None:
    # Tiny models spend on attention and output: their frontier bends in ln C by the cost alone, which the law knows.
    runs = isoflop_sweep(TINY, np.geomspace(1e10, 1e14, 8), sizes=9, span=4, noise=1e-4, cost=TINY_COST)
    result = forecaster_of_rows(runs, cost=TINY_COST).at(1e15)
    assert abs(result.bend.mean) < 5e-4
    assert np.log(result.params / TINY.optimum(1e15, TINY_COST)[0]) == pytest.approx(0, abs=0.015)


def test_optima_that_scatter_from_budget_to_budget_are_held() -> None:
    # Each budget's best size is off the smooth frontier by a normal of .1: what is asked is that of one budget.
    held = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        runs = isoflop_sweep(TRUTH, np.geomspace(1e18, 1e21, 7), sizes=8, span=4, noise=0.003, seed=seed)
        shifts = dict(zip(np.unique(runs.budget).tolist(), rng.normal(0, 0.1, 7), strict=True))
        factor = np.exp([shifts[float(budget)] for budget in runs.budget])
        runs = replace(runs, N=runs.N * factor, D=runs.D / factor)
        low, high = np.log(forecaster_of_rows(runs).at(2e21).interval)
        held.append(low <= truth(0.0, 2e21) + rng.normal(0, 0.1) <= high)
    assert np.mean(held) >= 0.7  # .9 is meant; .7 lies three standard errors below


def test_a_saved_forecaster_answers_alike(report, tmp_path):
    again = FitReport.load(report.save(tmp_path / "fit.json"))
    assert again.sizes.at(AHEAD).interval == pytest.approx(report.sizes.at(AHEAD).interval, rel=1e-9)
    assert again.size_backtest == report.size_backtest


def test_the_backtest_holds_the_top_budget_out(report):
    tested = report.size_backtest
    assert tested.held_out_budget_flops == pytest.approx(1e21, rel=0.01)
    assert tested.factor == pytest.approx(BUDGETS[-1] / BUDGETS[-2], rel=0.02)
    top = report.isoflop.budgets[-1]
    assert tested.actual == top.params
    assert 0 <= tested.wasted < 0.05
    assert tested.inside == (tested.interval[0] <= tested.actual <= tested.interval[1])
    # Runs of the held-out budget change what came, and nothing of what was forecast.
    runs = swept(0, -0.010)
    moved = replace(runs, loss=np.where(runs.C > 9e20, runs.loss * np.exp(0.01 * np.log(runs.N)), runs.loss))
    other = fit_all(moved, draws=400).size_backtest
    assert other.predicted == pytest.approx(tested.predicted)
    assert other.actual != pytest.approx(tested.actual, rel=0.05)


def test_three_budgets_have_no_backtest_and_few_wide_ones_no_size() -> None:
    few = isoflop_sweep(TRUTH, BUDGETS[:3], sizes=5, span=3, noise=0.005, seed=1)
    result = fit_all(few, draws=200)
    assert result.size_backtest is None
    assert "4 budgets" in result.size_backtest_refused
    far = result.sizes.at(1e24)
    assert not far.identified
    assert [notice.code for notice in far.notices] == ["size_not_identified"]
    assert "train five sizes or more" in far.notices[0].message


def test_optima_of_others_are_forecast_too() -> None:
    N, D = TRUTH.optimum(BUDGETS)
    rng = np.random.default_rng(0)
    N = N * np.exp(rng.normal(0, 0.05, len(N)))
    result = fit_all(Observations.from_arrays(N=N, D=BUDGETS / 6 / N, loss=TRUTH.loss(N, D)), optima=True)
    low, high = np.log(result.sizes.at(AHEAD).interval)
    assert low < truth(0.0) < high
    assert result.size_backtest is None


def test_no_draws_no_size() -> None:
    runs = swept(0)
    bare = fit_all(runs, draws=0)
    assert bare.sizes is None
    with pytest.raises(RefusedError, match="no approach"):
        build_size_forecaster(runs, bare, None, cost=SIX_N)
    refused = Refused(approach="isoflop", code="too_few_budgets", reason="one budget has a vertex")
    with pytest.raises(RefusedError, match="4 budgets"):
        size_backtest(runs, replace(bare, isoflop=refused), cost=SIX_N)


def test_neither_the_order_of_rows_nor_the_names_of_runs_matter() -> None:
    runs = swept(2, -0.010)
    order = np.random.default_rng(5).permutation(len(runs))
    columns = {name: getattr(runs, name)[order] for name in ("N", "D", "C", "loss", "budget")}
    again = forecaster_of_rows(Observations.from_arrays(**columns, run_id=[f"other {i}" for i in order])).at(AHEAD)
    assert again.interval == pytest.approx(forecaster_of_rows(runs).at(AHEAD).interval, rel=1e-4)


def test_rows_of_too_little_compute_widen_the_interval_and_say_so() -> None:
    # Budgets a factor of two apart, as a study's are: the vertices leave much of the bend to the prior.
    runs = isoflop_sweep(TRUTH, 1e18 * 2.0 ** np.arange(5), sizes=8, span=4, noise=0.003, seed=3)
    shrunk = replace(runs, N=runs.N * 1e-4, D=runs.D * 1e-5, C=runs.C * 1e-9, budget=runs.budget * 1e-9)
    assert shrunk.C.max() == pytest.approx(1.6e10)
    enough, little = forecaster_of_rows(runs).at(1e20), forecaster_of_rows(shrunk).at(1e11)
    assert "little_compute" not in [notice.code for notice in enough.notices]
    assert "little_compute" in [notice.code for notice in little.notices]
    width = np.ptp(np.log(little.interval)) / np.ptp(np.log(enough.interval))
    assert 1.2 < width < 4
    assert np.log(little.params * 1e4 / enough.params) == pytest.approx(0, abs=0.15)
