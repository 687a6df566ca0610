import numpy as np
import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.fit import FitReport, fit_all
from isoflop.fit.isoflop.reported_optima import fit_optima
from isoflop.observations import Observations

from .. import porian

BUDGETS = np.geomspace(1e17, 1e21, 9)


def pairs(noise=0.0, seed=0, a=0.5, k=0.1, order=None):
    rng = np.random.default_rng(seed)
    N = k * BUDGETS**a * np.exp(rng.normal(0, noise, len(BUDGETS)))
    table = {"N": N, "D": BUDGETS / 6 / N, "C": BUDGETS, "loss": 2 + 30 * BUDGETS**-0.08}
    chosen = np.arange(len(BUDGETS)) if order is None else order
    return Observations.from_arrays(**{key: values[chosen] for key, values in table.items()})


def test_a_power_law_comes_back():
    fit = fit_optima(pairs(), draws=200)
    assert fit.exponents == pytest.approx((0.5, 0.5), abs=1e-9)
    assert fit.law.params_coefficient == pytest.approx(0.1, rel=1e-6)
    assert not fit.notices


def test_the_published_exponents_come_back_on_all_15_conditions():
    assert len(porian.published()) == 15
    for condition, results in porian.published().items():
        fit = fit_optima(porian.optima(condition), draws=0)
        basic = results["basic"]
        assert fit.exponents == pytest.approx((basic["n_exponent"], basic["t_exponent"]), abs=0.001), condition
        assert fit.law.params_coefficient == pytest.approx(basic["n_coef"], rel=0.01)


def test_the_published_weighted_exponents_come_back_too():
    for condition, results in porian.published().items():
        data = porian.optima(condition)
        table = porian.rows("optimal_pairs.csv")[condition]
        errors = [[float(table[row - 1][name]) for row in data.row] for name in ("n_star_std", "t_star_std")]
        fit = fit_optima(data, log_params_se=errors[0], log_tokens_se=errors[1], draws=0)
        weighted = results["weighted"]
        assert fit.exponents == pytest.approx((weighted["n_exponent"], weighted["t_exponent"]), abs=0.001), condition


def test_intervals_hold_the_truth_at_their_level():
    hits = np.zeros(3)
    for seed in range(300):
        fit = fit_optima(pairs(noise=0.1, seed=seed), draws=300)
        values = (0.5, 0.5, 0.1)
        for i, name in enumerate(("a", "b", "params_coefficient")):
            hits[i] += fit.intervals[name][0] <= values[i] <= fit.intervals[name][1]
    # 90 %, give or take three standard deviations of 300 and the noise of 300 draws.
    assert np.all(np.abs(hits / 300 - 0.9) < 0.06)


def test_draws_keep_parameters_and_tokens_together():
    fit = fit_optima(pairs(noise=0.1), draws=100)
    assert np.asarray(fit.draws.a) + np.asarray(fit.draws.b) == pytest.approx(np.ones(100), abs=1e-7)


def test_row_order_changes_nothing():
    order = np.random.default_rng(1).permutation(len(BUDGETS))
    one, other = fit_optima(pairs(noise=0.1), draws=50), fit_optima(pairs(noise=0.1, order=order), draws=50)
    assert one.intervals == other.intervals
    assert one.exponents == other.exponents


def test_a_bent_frontier_rings():
    t = np.log(BUDGETS / 1e19)
    N = 1e9 * np.exp(0.5 * t - 0.027 * t * t)
    fit = fit_optima(Observations.from_arrays(N=N, C=BUDGETS, loss=np.full(9, 3.0)), draws=0)
    assert fit.curvature.bend == pytest.approx(-0.027, abs=1e-6)
    assert [notice.code for notice in fit.notices] == ["frontier_bends"]


def test_too_few_optima_and_bad_errors_are_refused():
    with pytest.raises(RefusedError) as caught:
        fit_optima(pairs(order=[0, 1]))
    assert caught.value.code == "too_few_optima"
    for bad in ([1.0], [0.0] * 9, [np.nan] * 9):
        with pytest.raises(InputError, match="log_params_se"):
            fit_optima(pairs(), log_params_se=bad)


def test_fit_all_takes_optima(tmp_path):
    report = fit_all(pairs(noise=0.05), draws=50, optima=True)
    assert FitReport.load(report.save(tmp_path / "fit.json")).as_json() == report.as_json()
    assert report.isoflop.ok
    assert report.parametric.status == report.envelope.status == "not_applicable"


def test_optima_without_losses_are_saved_and_read_again(tmp_path):
    rows = pairs()
    bare = Observations.from_arrays(N=rows.N, D=rows.D, C=rows.C, loss=np.full(len(rows), np.nan), optima=True)
    report = fit_all(bare, draws=50, optima=True)
    assert [budget.loss for budget in report.isoflop.budgets] == [None] * len(BUDGETS)
    assert FitReport.load(report.save(tmp_path / "fit.json")).as_json() == report.as_json()
