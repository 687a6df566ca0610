from dataclasses import replace

import numpy as np
import pytest

from isoflop.codec import from_json, to_json
from isoflop.fit.forecast.rolling_origin import (
    PastForecast,
    excess_loss,
    forecast_weights,
    past_forecasts,
    rolling_origins,
    thinned,
)
from isoflop.observations import Observations

from ..designs import TRUTHS, figure_rows, isoflop_sweep

TRUTH = TRUTHS["besiroglu"]
BUDGETS = np.geomspace(1e18, 1e21, 6)


@pytest.fixture(scope="module")
def sweep():
    return isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4, noise=0.003)


def test_origins_of_budgets(sweep):
    origins = rolling_origins(sweep)
    assert [int(origin.known.sum()) for origin in origins] == [24, 32, 40]
    assert [len(origin.targets) for origin in origins] == [3, 2, 1]
    for origin in origins:
        for target in origin.targets:
            assert not np.any(origin.known & target)
            assert sweep.C[target].min() > sweep.C[origin.known].max()


def test_origins_where_there_are_no_budgets() -> None:
    rng = np.random.default_rng(0)
    N, D = np.exp(rng.uniform(18, 22, 200)), np.exp(rng.uniform(22, 25, 200))
    data = Observations.from_arrays(N=N, D=D, loss=TRUTH.loss(N, D))
    for origin, factor in zip(rolling_origins(data), (30, 10, 3), strict=True):
        assert data.C[origin.known].max() <= data.C.max() / factor
        assert data.C[~origin.known].min() > data.C.max() / factor
        assert np.array_equal(np.any(origin.targets, axis=0), ~origin.known)


def test_excess_is_counted_from_the_least_loss_of_no_more_compute(sweep):
    excess = excess_loss(sweep)
    for budget in np.unique(sweep.budget):
        rows = sweep.budget == budget
        least = sweep.loss[1.01 * budget >= sweep.C].min()
        assert excess[rows] == pytest.approx(np.log(sweep.loss[rows] / least))
    weights = forecast_weights(sweep)
    assert weights.max() == pytest.approx(1)
    # half for .05 above the frontier; half for a tenth of the compute
    top = sweep.budget == sweep.budget.max()
    assert weights[top] == pytest.approx(1 / (1 + (excess[top] / 0.05) ** 2), rel=1e-6)
    best = [weights[sweep.budget == budget].max() for budget in np.unique(sweep.budget)]
    assert best[0] / best[-1] == pytest.approx(1e-3**0.3, rel=1e-6)


def test_long_tables_are_thinned_evenly_along_their_compute() -> None:
    rng = np.random.default_rng(0)
    N, D = np.exp(rng.uniform(18, 22, 20_000)), np.exp(rng.uniform(22, 25, 20_000))
    data = Observations.from_arrays(N=N, D=D, loss=TRUTH.loss(N, D))
    thin = thinned(data)
    assert len(thin) == 1500
    assert (thin.C.min(), thin.C.max()) == (data.C.min(), data.C.max())
    assert np.quantile(thin.C, [0.25, 0.5, 0.75]) == pytest.approx(np.quantile(data.C, [0.25, 0.5, 0.75]), rel=0.01)
    assert thinned(thin) is thin


def test_of_the_right_form_without_noise_nothing_errs() -> None:
    past = past_forecasts(isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4))
    assert len(past) == 6
    for item in past:
        assert abs(item.errors["chinchilla"]) < 1e-6
        assert abs(item.errors["coupled"]) < 1e-5
        assert 1e-5 < abs(item.errors["logquadratic"]) < 0.1
        assert item.factor == pytest.approx(10 ** (0.6 * round(np.log10(item.factor) / 0.6)), rel=1e-6)
    assert sum(item.share for item in past) == pytest.approx(3)


def test_the_future_is_not_seen(sweep):
    # Losses beyond a budget changed: what was forecast for that budget is the same to the last digit.
    cut = np.unique(sweep.budget)[3]
    shifted = replace(sweep, loss=np.where(sweep.budget > cut, 1.1 * sweep.loss, sweep.loss))
    pairs = list(zip(past_forecasts(sweep), past_forecasts(shifted), strict=True))
    assert [one.errors == other.errors for one, other in pairs] == [one.target_flops < 1.1 * cut for one, _ in pairs]
    far = [one.errors["coupled"] - other.errors["coupled"] for one, other in pairs if one.origin_flops < 0.9 * cut]
    # shifted losses are missed by what they were shifted (the rows they are seen at count a little differently)
    assert far == pytest.approx([0, *[np.log(1.1)] * 2], abs=0.01)


def test_variances_are_of_the_size_of_the_errors() -> None:
    scores = []
    for seed in range(12):
        data = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4, noise=0.005, seed=seed)
        scores += [item.errors["chinchilla"] / np.sqrt(item.variance) for item in past_forecasts(data)]
    assert 0.6 < np.sqrt(np.mean(np.square(scores))) < 1.6


def test_the_published_figure_has_three_origins() -> None:
    past = past_forecasts(figure_rows(240))
    assert len({item.origin_flops for item in past}) == 3
    assert all(abs(item.errors["chinchilla"]) < 0.03 for item in past)
    assert from_json(PastForecast, to_json(past[0]), "past") == past[0]
