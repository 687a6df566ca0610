"""A plan from a fit takes its size from the forecast of sizes, and everything that follows from it agrees."""

from dataclasses import replace

import numpy as np
import pytest
from fit.designs import TRUTHS, isoflop_sweep

from isoflop.errors import InputError
from isoflop.fit import FitReport, fit_all
from isoflop.large_recipe import LargeRecipe
from isoflop.plan import (
    Cluster,
    InferenceDemand,
    LimitedData,
    budget_on_cluster,
    fitted_source,
    flops_for_loss,
    make_plan,
)

BUDGETS = np.geomspace(1e18, 1e21, 5)
AHEAD = 1e22


@pytest.fixture(scope="module")
def report():
    """Eight sizes at five budgets on a frontier that bends by -.02 (ln C)^2."""
    runs = isoflop_sweep(TRUTHS["besiroglu"], BUDGETS, sizes=8, span=4, noise=0.003, seed=1)
    factor = np.exp(-0.02 * (np.log(runs.C) - np.log(BUDGETS).mean()) ** 2)
    return fit_all(replace(runs, N=runs.N * factor, D=runs.D / factor), draws=300)


def test_the_size_and_its_interval_are_the_forecast(report):
    plan, found = make_plan(fitted_source(report), AHEAD), report.sizes.at(AHEAD)
    assert plan.params == pytest.approx(found.params)
    assert plan.params_interval == pytest.approx(found.interval, rel=1e-6)
    assert plan.tokens == pytest.approx(AHEAD / 6 / plan.params)
    assert plan.as_json()["size"]["params"] == pytest.approx(plan.params)
    assert plan.as_json()["size_backtest"]["predicted"] == report.size_backtest.predicted
    # Where the frontier bends, the law's own optimum is another size.
    assert plan.params < 0.8 * report.parametric.optimum(AHEAD)[0]


def test_the_waste_is_that_of_the_interval(report):
    plan = make_plan(fitted_source(report), AHEAD)
    law = report.parametric.law
    spread = np.var(report.sizes.at(AHEAD).log_params)
    assert plan.expected_waste == pytest.approx((law.alpha + law.beta) / 2 * spread, rel=0.15)


@pytest.mark.parametrize("loss", [2.2, 2.15])
def test_the_budget_of_a_loss_is_what_its_plan_reaches(report, loss):
    source = fitted_source(report)
    assert make_plan(source, flops_for_loss(source, loss)).loss == pytest.approx(loss, abs=1e-6)


def test_days_pay_for_the_plan_that_they_make(report):
    source, recipe = fitted_source(report), LargeRecipe()
    cluster = Cluster.parse("64xH100", days=3)
    plan = make_plan(source, budget_on_cluster(source, cluster, recipe).flops, recipe=recipe, cluster=cluster)
    assert plan.cost_estimate.hours <= 3 * 24 * (1 + 1e-6)
    assert not {"misses_deadline"} & {notice.code for notice in plan.notices}


def test_text_that_never_runs_out_changes_nothing(report):
    source = fitted_source(report)
    plain, limited = make_plan(source, AHEAD), make_plan(source, AHEAD, objective=LimitedData(unique_tokens=1e15))
    assert limited.loss == pytest.approx(plain.loss, rel=1e-4)
    assert limited.loss_interval == pytest.approx(plain.loss_interval, rel=1e-3)
    scarce = make_plan(source, AHEAD, objective=LimitedData(unique_tokens=1e10))
    assert scarce.loss > plain.loss


def test_other_objectives_start_from_the_forecast_size(report):
    source = fitted_source(report)
    served = make_plan(source, AHEAD, objective=InferenceDemand(tokens=1.0))  # so little that it is none
    assert served.params == pytest.approx(make_plan(source, AHEAD).params, rel=1e-3)


def test_an_approach_by_name_keeps_its_size_and_says_that_it_bends(report):
    plan = make_plan(fitted_source(report, "parametric"), AHEAD)
    assert plan.params == pytest.approx(report.parametric.optimum(AHEAD)[0])
    assert plan.params_interval[1] < plan.params
    assert "straight_size" in {notice.code for notice in plan.notices}
    assert "straight_size" not in {notice.code for notice in make_plan(fitted_source(report), AHEAD).notices}


def test_resamples_that_are_missing_are_asked_for(report, tmp_path):
    file = report.save(tmp_path / "fit.json")
    file.with_suffix(".npz").unlink()
    with pytest.raises(InputError, match=r"fit\.npz: missing"):
        FitReport.load(file)
