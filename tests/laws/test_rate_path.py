"""Sums over a schedule are exact integrals of its straight lines, and its drops add up to what the rate fell by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.laws.rate_path import RatePath

KNOTS = st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.0, 1.0)), min_size=2, max_size=12)


def brute_integral(path: RatePath, until: float, power: float, since: float = 0.0) -> float:
    grid = np.linspace(since, until, 200_001)
    middle = (grid[1:] + grid[:-1]) / 2
    return float(np.sum(np.interp(middle, path.at, path.rate) ** power * np.diff(grid)))


def drawn_path(pieces: list[tuple[float, float]]) -> RatePath:
    widths, rates = np.array(pieces).T
    rates[0] = 1.0
    return RatePath.of(np.concatenate([[0.0], np.cumsum(widths)[:-1]]), rates, unit=1.0)


@given(KNOTS, st.floats(0.05, 1.0), st.sampled_from([0.4, 0.55, 1.0]))
def test_progress_is_the_integral_of_the_power_of_the_rate(pieces, share, power):
    path = drawn_path(pieces)
    until = share * float(path.at[-1])
    expected = brute_integral(path, until, power)
    assert path.progress(np.array([until]), power)[0] == pytest.approx(expected, rel=2e-3, abs=1e-5)


@given(KNOTS)
def test_drops_add_up_to_what_the_rate_fell_by(pieces):
    path = drawn_path(pieces)
    drops = path.drops
    assert float(np.sum(drops.size)) == pytest.approx(path.rate[0] - path.rate[-1], abs=1e-6)
    assert np.all(np.diff(drops.at) >= -1e-12)


def test_a_warm_up_counts_as_the_sum_of_its_rates_whatever_the_power():
    path = RatePath.of(np.array([0.0, 100.0, 1000.0]), np.array([0.0, 3e-4, 3e-4]), unit=1000.0)
    assert path.warmup == pytest.approx(0.1)
    for power in (0.5, 1.0):
        assert path.progress(np.array([0.05, 0.1, 1.0]), power) == pytest.approx([0.0125, 0.05, 0.95])
    assert not len(path.drops.at)


def test_a_log_that_begins_after_the_warm_up_counts_a_linear_one_before():
    path = RatePath.of(np.array([100.0, 1000.0]), np.array([3e-4, 3e-4]), unit=1000.0)
    assert path.area(np.array([1.0]))[0] == pytest.approx(0.95)


def test_a_step_lies_where_the_new_rate_is_first_logged():
    at = np.arange(0.0, 16001.0, 128.0)
    path = RatePath.of(at, np.where(at < 8000, 3e-4, 9e-5), unit=1.0)
    first = float(at[at >= 8000][0])
    assert path.drops.at == pytest.approx(np.full(len(path.drops.at), first), abs=1e-3)
    assert float(np.sum(path.drops.size)) == pytest.approx(0.7)
    assert path.drops.rate == pytest.approx(np.full(len(path.drops.at), 0.3))
    assert path.area(np.array([16000.0]))[0] == pytest.approx(first + 0.3 * (16000 - first))


def test_two_knots_of_a_decay_are_a_slope_and_no_step():
    path = RatePath.of(np.array([0.0, 0.8, 1.0]), np.array([1.0, 1.0, 0.0]), unit=1.0)
    assert float(path.drops.at[0]) == pytest.approx(0.8, abs=0.01)
    assert float(path.drops.at[-1]) == pytest.approx(1.0, abs=0.01)
    assert np.all(path.drops.rate > 0)


def test_rates_of_zero_are_no_schedule():
    with pytest.raises(ValueError, match="above zero"):
        RatePath.of(np.array([0.0, 1.0]), np.zeros(2), unit=1.0)
