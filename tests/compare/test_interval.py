import math

import numpy as np
import pytest
from scipy import stats

from isoflop.compare.interval import SPREAD_DEGREES, SPREAD_OF_EFFECT, about_plane, cell_mean
from isoflop.compare.trend import Line


def test_one_cell_has_the_t_interval_of_its_noise() -> None:
    mean = cell_mean(np.array([0.03]), np.array([1e-4]), 6)
    assert mean.interval(0.9) == pytest.approx(stats.t(6, loc=0.03, scale=0.01).interval(0.9))
    assert mean.above_zero() == pytest.approx(stats.t.cdf(3.0, 6))


def test_cells_without_repeats_have_the_t_interval_of_their_spread() -> None:
    values = np.array([0.03, 0.05, 0.02, 0.06])
    mean = cell_mean(values, np.array([1.0, 2.0, 1.0, 3.0]), 0)
    oracle = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean.interval(0.9) == pytest.approx((oracle.low, oracle.high))


def test_alike_cells_pool_their_noise_and_unlike_ones_do_not() -> None:
    noise = np.full(3, 1e-4)
    alike = cell_mean(np.array([0.03, 0.035, 0.028]), noise, 6)
    assert alike.degrees == 8
    assert not alike.spread
    unlike = cell_mean(np.array([0.0, 0.2, 0.1]), noise, 6)
    assert unlike.degrees == pytest.approx(2 + 1 / (1 / SPREAD_DEGREES + 1 / 6))
    assert unlike.spread
    # Equal noise: the variance of the three values alone, with the one expected of a gain of .1, each by its degrees.
    seen, expected = np.var([0.0, 0.2, 0.1], ddof=1) / 3, (1e-4 + (0.1 * SPREAD_OF_EFFECT) ** 2) / 3
    worth = unlike.degrees - 2
    assert unlike.variance == pytest.approx((2 * seen + worth * expected) / unlike.degrees)


def test_two_cells_that_agree_in_the_sign_are_sure_of_it() -> None:
    """Gains of 38 and 21 % with an error of 3 % each, from 8 pairs: by two cells alone the t of one degree says .3
    to 7."""
    mean = cell_mean(np.array([0.38, 0.21]), np.array([9e-4, 9e-4]), 6)
    low, high = mean.interval(0.968)
    assert mean.spread
    assert 0.05 < low < 0.2
    assert 0.4 < high < 0.55


def test_two_cells_of_opposite_signs_are_not() -> None:
    low, high = cell_mean(np.array([0.3, -0.2]), np.array([9e-4, 9e-4]), 6).interval(0.9)
    assert low < -0.2
    assert high > 0.3


def test_nothing_is_known_of_one_value() -> None:
    mean = cell_mean(np.array([0.03]), np.array([1.0]), 0)
    assert mean.interval(0.9) is None
    assert mean.above_zero() is None


def test_values_without_noise_are_sure() -> None:
    mean = cell_mean(np.array([0.03, 0.03]), np.zeros(2), 2)
    assert mean.interval(0.9) == pytest.approx((0.03, 0.03))
    assert mean.above_zero() == 1.0


def test_a_quantity_that_moves_is_as_sure_as_its_line() -> None:
    along = np.linspace(0, 5, 6)
    values = 0.1 * along + 0.001 * np.array([1, -1, 1, -1, 1, -1])
    mean = cell_mean(values, np.ones(6), 0)
    moved = about_plane(mean, values, along[:, None])
    fit = stats.linregress(along, values)
    residual = values - fit.intercept - fit.slope * along
    assert moved.value == mean.value
    assert moved.variance == pytest.approx(np.sum(residual**2) / 4 / 6)
    assert about_plane(mean, values[::-1] * 0 + np.array([1, -1, 1, -1, 1, -1.0]), along[:, None]) is mean


def test_a_slope_within_its_error_is_not_carried_far() -> None:
    noise = Line(level=0.1, slope=0.05, centre=40.0, level_variance=1e-4, slope_variance=0.0025, degrees=3.0)
    assert noise.at(50.0) == pytest.approx(0.1)
    clear = Line(level=0.1, slope=0.05, centre=40.0, level_variance=1e-4, slope_variance=0.0, degrees=3.0)
    assert clear.at(50.0) == pytest.approx(0.6)
    interval = noise.interval_at(50.0, 0.9)
    assert interval is not None
    half = stats.t.ppf(0.95, 3) * math.sqrt(1e-4 + 100 * 0.0025)
    assert interval == pytest.approx((0.6 - half, 0.6 + half))
