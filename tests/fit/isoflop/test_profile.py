"""Profiles: a vertex that lies far below every measured loss is refused."""

import numpy as np
import pytest

from isoflop.fit import fit_isoflop
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)


def table(noise, *, change=None, sizes=5, seed=0):
    C = np.repeat(np.geomspace(1e18, 1e20, 5), sizes)
    N = np.sqrt(C / 120) * np.tile(np.geomspace(0.25, 4, sizes), 5)
    drawn = np.random.default_rng(seed).standard_normal(len(N))
    loss = np.asarray(LAW.loss(N, C / (6 * N))) * np.exp(noise * drawn)
    for row, value in (change or {}).items():
        loss[row - 1] = value
    return Observations.from_arrays(N=N, D=C / (6 * N), loss=loss)


def test_a_vertex_that_rows_far_from_it_decide_is_left_out_with_its_reason():
    fit = fit_isoflop(table(0.002, change={19: 7.9, 20: 10.4}), draws=0)
    bad = fit.budgets[3]
    assert not bad.kept
    assert "where the least measured loss is 2.7" in bad.reason
    assert fit.exponents[0] == pytest.approx(LAW.a, abs=0.03)


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.01, 0.03])
@pytest.mark.parametrize("sizes", [4, 5, 7])
def test_honest_profiles_stay_and_none_is_deeper_than_the_runs_by_more_than_their_scatter(noise, sizes):
    for seed in range(5):
        data = table(noise, sizes=sizes, seed=seed)
        budgets = fit_isoflop(data, draws=0).budgets
        assert not any("least measured loss" in budget.reason for budget in budgets)
        for number, budget in enumerate(budgets):
            if budget.kept:
                least = data.loss[sizes * number : sizes * (number + 1)].min()
                assert budget.loss > least * (1 - 5 * max(noise, 0.002))
