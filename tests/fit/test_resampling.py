import numpy as np
import pytest

from isoflop.fit.parametric.resampling_units import resample_weights
from isoflop.fit.resampling import numbered_runs, percentile_interval, row_order, run_weights
from isoflop.observations import Observations


def table(N, D, loss, run_id):
    return Observations.from_arrays(N=N, D=D, loss=loss, run_id=run_id)


def test_rows_are_ordered_by_their_columns_in_turn():
    first, second = np.array([2.0, 1.0, 1.0, 2.0]), np.array([5.0, 7.0, 3.0, 4.0])
    assert row_order(first, second).tolist() == [2, 1, 3, 0]


def test_runs_are_numbered_by_their_data():
    data = table([3e8, 1e8, 3e8, 1e8], [1e9, 2e9, 2e9, 1e9], [3.0, 3.1, 2.9, 3.3], ["a", "b", "a", "c"])
    assert numbered_runs(data, np.array([0, 1, 0, 2])).tolist() == [2, 1, 2, 0]


def test_runs_that_share_their_first_row_are_told_apart_by_the_others():
    N, D, loss = [1e8, 1e8 + 1, 1e8, 2e8, 3e8], [1e9, 1e9, 1e9, 2e9, 2e9], [3.0, 3.0, 3.0, 2.8, 2.7]
    columns = {"N": np.array(N), "D": np.array(D), "loss": np.array(loss)}
    made = Observations(
        **columns, C=6 * columns["N"] * columns["D"], budget=np.full(5, np.nan), run_id=("x", "y", "z", "x", "z"),
        is_final=np.ones(5, dtype=bool), row=np.arange(1, 6), rows_read=5,
    )  # fmt: skip
    assert numbered_runs(made, np.array([0, 1, 2, 0, 2])).tolist() == [0, 2, 1, 0, 1]


def test_a_draw_has_as_many_runs_of_each_stratum_as_there_are():
    stratum = np.repeat([0, 1, 2], [4, 1, 7])
    weights = run_weights(stratum, 500, np.random.default_rng(0))
    for label, count in ((0, 4), (1, 1), (2, 7)):
        assert np.all(weights[:, stratum == label].sum(axis=1) == count)
    # A run is left out with probability (1 - 1/7)^7 = .340; 3,500 chances know it to .008.
    assert np.mean(weights[:, stratum == 2] == 0) == pytest.approx((6 / 7) ** 7, abs=0.03)


def test_rows_of_a_run_share_its_weight_and_lone_runs_can_be_absent():
    runs = ["a", "a", "b", "c", "d", "d"]
    data = table([1e8, 1e8, 3e8, 4e8, 5e8, 5e8], [1e9, 2e9] * 3, [3.0, 2.9, 2.8, 2.7, 2.6, 2.5], runs)
    # Budgets 0 (two runs), 1 and 2 (one each): the last two are drawn together.
    weights = resample_weights(data, np.array([0, 0, 0, 1, 2, 2]), 400, np.random.default_rng(0))
    assert np.array_equal(weights[:, 0], weights[:, 1])
    assert np.array_equal(weights[:, 4], weights[:, 5])
    assert np.all(weights[:, [0, 2]].sum(axis=1) == 2)
    assert np.all(weights[:, [3, 4]].sum(axis=1) == 2)
    assert 0.15 < np.mean(weights[:, 3] == 0) < 0.35  # 1/4


def test_the_percentile_interval_leaves_out_what_is_not_finite():
    values = np.append(np.linspace(0, 1, 1001), [np.nan, np.inf, -np.inf])
    assert percentile_interval(values, 0.9) == pytest.approx((0.05, 0.95))
