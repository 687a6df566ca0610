from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from isoflop.fit import fit_parametric
from isoflop.fit.parametric import bootstrap as module
from isoflop.fit.parametric.bootstrap import bootstrap
from isoflop.fit.parametric.multistart import find_optimum, spread_starts
from isoflop.fit.parametric.newton import RESAMPLE, minimise
from isoflop.fit.parametric.objective import HuberObjective, expand
from isoflop.fit.resampling import run_weights
from isoflop.observations import Observations

from ..designs import TRUTHS, figure_rows, isoflop_sweep

LAW = TRUTHS["besiroglu"]


def refits(problem, draws, seed=0):
    """(theta of the optimum, refits, weights they were made with)."""
    rows = len(problem.x)
    run, stratum = np.arange(rows), np.zeros(rows, dtype=np.int64)
    theta = find_optimum(problem).theta
    found = bootstrap(problem, theta, run, stratum, draws, np.random.default_rng(seed))
    return theta, found, run_weights(stratum, draws, np.random.default_rng(seed))


def test_resamples_of_the_published_points_are_at_the_best_of_eight_starts():
    # bench/fit/speed.py does this for 4,000.
    data = figure_rows(240)
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    _, found, weights = refits(problem, 200)
    value = problem.value(found.theta, weights)
    for start in spread_starts(problem)[:8]:
        other = minimise(problem, np.broadcast_to(start, (200, 5)), weights, RESAMPLE).value
        assert np.mean(value <= other * (1 + 1e-8)) >= 0.999
    assert (found.method, found.checked) == ("refit", 200)


def test_scipy_finds_nothing_better_for_a_resample():
    data = isoflop_sweep(LAW, np.geomspace(1e17, 1e21, 5), sizes=8, noise=0.005)
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    theta, found, weights = refits(problem, 5)
    for ours, w in zip(found.theta, weights, strict=True):
        scale = 1 / float(problem.value(ours[None], w[None])[0])

        def objective(t, w=w, scale=scale):
            at = expand(problem, t[None], w[None])
            return scale * float(at.value[0]), scale * at.gradient[0]

        assert minimize(objective, theta, jac=True, method="BFGS").fun >= 1 - 1e-8


def test_a_second_start_rescues_a_draw_that_a_warm_start_loses(monkeypatch):
    data = isoflop_sweep(LAW, np.geomspace(1e17, 1e21, 5), sizes=8, noise=0.005)
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    _, expected, weights = refits(problem, 30)
    real, calls = module.minimise, []

    def stuck(problem, starts, weights, tolerance, known=None, meeting=None):
        calls.append(len(starts))
        ends = real(problem, starts, weights, tolerance, known, meeting)
        if len(calls) == 1:  # the warm starts end in a worse place, for three of the draws
            ends.theta[:3, 3] += 0.2
            ends.value[:3] = problem.value(ends.theta[:3], weights[:3])
        return ends

    monkeypatch.setattr(module, "minimise", stuck)
    _, found, _ = refits(problem, 30)
    assert found.moved == 3
    assert calls[0] == calls[1] == 30
    assert problem.value(found.theta, weights) == pytest.approx(problem.value(expected.theta, weights), rel=1e-8)


def large(rows, seed=0, noise=0.005, rows_a_run=1):
    rng = np.random.default_rng(seed)
    N, D = 10 ** rng.uniform(7, 10, rows), 10 ** rng.uniform(9, 12, rows)
    loss = LAW.loss(N, D) * np.exp(noise * rng.standard_normal(rows))
    return Observations(
        N=N, D=D, C=6 * N * D, loss=loss, budget=np.full(rows, np.nan),
        run_id=tuple(f"run {i // rows_a_run}" for i in range(rows)),
        is_final=np.ones(rows, dtype=bool), row=np.arange(1, rows + 1), rows_read=rows,
    )  # fmt: skip


def test_one_step_for_a_large_table_is_nearly_the_refit(monkeypatch):
    data = large(7000)
    short = fit_parametric(data, draws=300)
    assert short.draw_counts.method == "one_step"
    assert short.draw_counts.moved <= 1
    monkeypatch.setattr(module, "_EXACT_ROWS", 10_000)
    exact = fit_parametric(data, draws=300)
    assert exact.draw_counts.method == "refit"
    # 300 draws from 1,000 bundles know a width to 5 %.
    for name in ("E", "alpha", "beta", "a"):
        one, two = (fit.intervals[name][1] - fit.intervals[name][0] for fit in (short, exact))
        assert one == pytest.approx(two, rel=0.2)


def test_a_large_table_of_few_runs_gets_fewer_draws_and_says_so(monkeypatch):
    monkeypatch.setattr(module, "_EXACT_ROWS", 500)
    monkeypatch.setattr(module, "_MOST_CELLS", 60_000)
    fit = fit_parametric(large(600, rows_a_run=10), draws=1000)
    assert fit.draw_counts.kept + fit.draw_counts.lost == 200
    assert "fewer_draws" in {notice.code for notice in fit.notices}


def test_half_of_the_rows_of_each_run_give_the_draws_of_all(monkeypatch):
    """Rows of a run share its error, so that half of them know the spread of runs as well, about the same optimum."""
    monkeypatch.setattr(module, "_EXACT_ROWS", 500)
    data, rng = large(6000, rows_a_run=30), np.random.default_rng(8)
    N, last = (np.repeat(10 ** rng.uniform(*ends, 200), 30) for ends in ((7, 10), (10, 12)))
    D = last * np.tile(np.linspace(0.1, 1, 30), 200)
    error = 0.01 * np.repeat(rng.standard_normal(200), 30) + 0.002 * rng.standard_normal(6000)
    data = replace(data, N=N, D=D, C=6 * N * D, loss=LAW.loss(N, D) * np.exp(error))
    all_rows = fit_parametric(data, draws=400)
    monkeypatch.setattr(module, "_MOST_CELLS", 900_000)  # 4,500 rows of 6,000: 2,250 are refitted to
    thinned = fit_parametric(data, draws=400)
    assert thinned.law.a == all_rows.law.a
    for name in ("a", "alpha", "beta", "E"):
        low, high = all_rows.intervals[name]
        assert thinned.intervals[name] == pytest.approx((low, high), abs=0.2 * (high - low)), name


def test_bundles_hold_every_run_once_and_stay_within_a_stratum():
    stratum = np.repeat([0, 1, -1], [5000, 1500, 3])
    bundle, of_bundle = module._bundles(stratum, np.random.default_rng(0))
    assert np.array_equal(of_bundle[bundle], stratum)
    sizes = np.bincount(bundle)
    assert sizes.min() >= 1
    for label in (0, 1):
        mine = sizes[of_bundle == label]
        assert mine.max() - mine.min() <= 1
    assert abs(len(of_bundle) - 1000) <= 5
