import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.fit.parametric import multistart as module
from isoflop.fit.parametric.multistart import CertifiedOptimum, best_grid_start, find_optimum, spread_starts
from isoflop.fit.parametric.newton import minimise
from isoflop.fit.parametric.objective import HuberObjective

from ..designs import TRUTHS, figure_rows, isoflop_sweep

LEAST = 0.00101827401780060  # of the 240 rows: four optimisers agree to 1e-14


def test_the_published_points_have_their_least_objective():
    data = figure_rows(240)
    found = find_optimum(HuberObjective.of(data.N, data.D, data.loss, 1e-3))
    assert found.value <= LEAST * (1 + 1e-10)
    assert found.value >= LEAST * (1 - 1e-10)
    assert (found.tried, found.at_best) == (8, 8)
    assert found.gradient < 1e-8
    assert found.notices() == []


def test_a_large_table_starts_on_a_sample_and_ends_on_all_rows(monkeypatch):
    data = isoflop_sweep(TRUTHS["asym"], np.geomspace(1e17, 1e21, 8), sizes=30, noise=0.005)
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    whole = find_optimum(problem)
    monkeypatch.setattr(module, "_SAMPLE_ROWS", 60)
    sampled = find_optimum(problem)
    assert sampled.value == pytest.approx(whole.value, rel=1e-12)
    assert sampled.theta == pytest.approx(whole.theta, rel=1e-6)
    assert sampled.at_best >= 6


def test_starts_that_disagree_call_for_all_of_them(monkeypatch):
    data = isoflop_sweep(TRUTHS["asym"], np.geomspace(1e17, 1e21, 5), sizes=8, noise=0.005)
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    real, calls = module._minima, []

    def scattered(problem, starts):
        theta, value = real(problem, starts)
        calls.append(len(starts))
        return theta, value * (1 + 0.01 * np.arange(len(value))) if len(calls) == 1 else value

    monkeypatch.setattr(module, "_minima", scattered)
    found = find_optimum(problem)
    assert calls[0] == 8
    assert found.tried == sum(calls) > 8
    assert found.at_best == found.tried - 7


def test_a_weak_certificate_is_a_notice():
    weak = CertifiedOptimum(theta=np.zeros(5), value=1.0, gradient=1e-3, tried=36, at_best=3)
    assert [notice.code for notice in weak.notices()] == ["few_starts_at_best", "gradient_not_zero"]


def test_no_start_is_a_refusal():
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e17, 1e21, 5), sizes=8)
    with pytest.raises(RefusedError) as caught:
        find_optimum(HuberObjective.of(data.N, data.D, 10 - data.loss, 1e-3))
    assert caught.value.code == "loss_does_not_fall"


def problem_of(name="besiroglu", noise=0.005, seed=3):
    data = isoflop_sweep(TRUTHS[name], np.geomspace(1e17, 1e21, 5), sizes=8, noise=noise, seed=seed)
    return HuberObjective.of(data.N, data.D, data.loss, 1e-3)


def squares(problem, theta, weights):
    """Weighted squares of the relative error, what a start minimises at its exponents."""
    return (weights * np.expm1(problem.residuals(theta)) ** 2).sum(axis=-1)


@pytest.mark.parametrize("name", TRUTHS)
def test_every_start_reaches_the_optimum(name):
    problem = problem_of(name)
    ends = minimise(problem, spread_starts(problem), np.ones((1, 40)))
    assert np.mean(ends.value < ends.value.min() * (1 + 1e-6)) > 0.9


def test_starts_are_apart_and_the_best_come_first():
    problem = problem_of()
    starts = spread_starts(problem)
    assert len(starts) > 16
    assert len({tuple(pair) for pair in starts[:, 3:].round(9).tolist()}) == len(starts)
    errors = squares(problem, starts, np.ones((1, 40)))
    floored = starts[:, 0] <= problem.z_typical + np.log(0.05) + 1e-9
    assert np.all(np.diff(errors[~floored]) >= -1e-9 * errors[~floored][1:])


def test_a_start_is_the_weighted_linear_solution_at_its_exponents():
    problem = problem_of()
    weights = np.random.default_rng(0).integers(0, 3, size=(3, 40)).astype(float)
    for start, w in zip(best_grid_start(problem, weights), weights, strict=True):
        alpha, beta = start[3:]
        columns = np.stack([np.ones(40), np.exp(-alpha * problem.x), np.exp(-beta * problem.y)], axis=1)
        root = np.sqrt(w)[:, None]
        inverse = np.exp(-problem.z)[:, None]
        expected = np.linalg.lstsq(root * columns * inverse, root[:, 0], rcond=None)[0]
        assert np.exp(start[:3]) == pytest.approx(expected, rel=1e-5)


def test_the_best_start_of_a_resample_beats_every_spread_start():
    problem = problem_of()
    weights = np.random.default_rng(0).integers(0, 3, size=(5, 40)).astype(float)
    chosen = squares(problem, best_grid_start(problem, weights), weights)
    for start in spread_starts(problem):
        assert np.all(chosen <= squares(problem, start[None], weights) * (1 + 1e-6))


def test_no_floor_is_a_small_floor_to_start_from():
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e17, 1e21, 5), sizes=8)
    problem = HuberObjective.of(data.N, data.D, 400 * data.N**-0.3 + 900 * data.D**-0.3 - 0.5, 1e-3)
    starts = spread_starts(problem)
    assert np.all(np.isfinite(starts))
    assert np.any(np.isclose(starts[:, 0], problem.z_typical + np.log(0.05)))


def test_losses_that_rise_give_no_start():
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e17, 1e21, 5), sizes=8)
    assert len(spread_starts(HuberObjective.of(data.N, data.D, 10 - data.loss, 1e-3))) == 0
