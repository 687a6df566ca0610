import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.fit.parametric import multistart as module
from isoflop.fit.parametric.multistart import Optimum, find_optimum
from isoflop.fit.parametric.objective import Problem

from ..designs import TRUTHS, figure_rows, isoflop_sweep

LEAST = 0.00101827401780060  # of the 240 rows: four optimisers agree to 1e-14


def test_the_published_points_have_their_least_objective():
    data = figure_rows(240)
    found = find_optimum(Problem.of(data.N, data.D, data.loss, 1e-3))
    assert found.value <= LEAST * (1 + 1e-10)
    assert found.value >= LEAST * (1 - 1e-10)
    assert (found.tried, found.at_best) == (8, 8)
    assert found.gradient < 1e-8
    assert found.notices() == []


def test_a_large_table_starts_on_a_sample_and_ends_on_all_rows(monkeypatch):
    data = isoflop_sweep(TRUTHS["asym"], np.geomspace(1e17, 1e21, 8), sizes=30, noise=0.005)
    problem = Problem.of(data.N, data.D, data.loss, 1e-3)
    whole = find_optimum(problem)
    monkeypatch.setattr(module, "_SAMPLE_ROWS", 60)
    sampled = find_optimum(problem)
    assert sampled.value == pytest.approx(whole.value, rel=1e-12)
    assert sampled.theta == pytest.approx(whole.theta, rel=1e-6)
    assert sampled.at_best >= 6


def test_starts_that_disagree_call_for_all_of_them(monkeypatch):
    data = isoflop_sweep(TRUTHS["asym"], np.geomspace(1e17, 1e21, 5), sizes=8, noise=0.005)
    problem = Problem.of(data.N, data.D, data.loss, 1e-3)
    real, calls = module._ends, []

    def scattered(problem, starts):
        theta, value = real(problem, starts)
        calls.append(len(starts))
        return theta, value * (1 + 0.01 * np.arange(len(value))) if len(calls) == 1 else value

    monkeypatch.setattr(module, "_ends", scattered)
    found = find_optimum(problem)
    assert calls[0] == 8
    assert found.tried == sum(calls) > 8
    assert found.at_best == found.tried - 7


def test_a_weak_certificate_is_a_notice():
    weak = Optimum(theta=np.zeros(5), value=1.0, gradient=1e-3, tried=36, at_best=3)
    assert [notice.code for notice in weak.notices()] == ["few_starts_at_best", "gradient_not_zero"]


def test_no_start_is_a_refusal():
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e17, 1e21, 5), sizes=8)
    with pytest.raises(RefusedError) as caught:
        find_optimum(Problem.of(data.N, data.D, 10 - data.loss, 1e-3))
    assert caught.value.code == "loss_does_not_fall"
