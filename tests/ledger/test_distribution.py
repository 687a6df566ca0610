"""A stated median and interval as two halves of normal distributions."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from isoflop.ledger.distribution import StatedForecast, is_log_scaled


def stated(predicted=2.0, low=1.8, high=2.5, level=0.9, log_scaled=True):
    return StatedForecast(predicted=predicted, low=low, high=high, level=level, log_scaled=log_scaled)


def cdf(one, x):
    """P(X <= x) on the scale of the distribution, by SciPy."""
    q = stats.norm.ppf((1 + one.level) / 2)
    scale = np.log if one.log_scaled else (lambda value: value)
    middle, low, high = scale(one.predicted), scale(one.low), scale(one.high)
    return stats.norm.cdf((x - middle) / np.where(x > middle, (high - middle) / q, (middle - low) / q))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("log_scaled", [True, False])
def test_the_ends_of_the_interval_lie_at_their_quantiles(level, log_scaled):
    one = stated(level=level, log_scaled=log_scaled)
    q = stats.norm.ppf((1 + level) / 2)
    assert one.z(2.5) == pytest.approx(q)
    assert one.z(1.8) == pytest.approx(-q)
    assert one.z(2.0) == 0


def test_other_levels_follow_from_the_stated_one():
    one = stated()
    q = stats.norm.ppf(0.9) / stats.norm.ppf(0.95)
    upper, lower = 2 * (2.5 / 2) ** q, 2 * (1.8 / 2) ** q
    assert [one.inside(x, 0.8) for x in (upper * 0.9999, upper * 1.0001)] == [True, False]
    assert [one.inside(x, 0.8) for x in (lower * 1.0001, lower * 0.9999)] == [True, False]


def test_the_stated_level_is_held_against_the_interval_as_it_is():
    one = stated(level=0.95)
    assert one.inside(2.5, 0.95)
    assert one.inside(1.8, 0.95)
    assert not one.inside(math.nextafter(2.5, 3), 0.95)


@pytest.mark.parametrize("actual", [1.5, 1.8, 1.97, 2.0, 2.1, 2.5, 3.5])
@pytest.mark.parametrize("log_scaled", [True, False])
def test_the_score_is_the_integral_that_defines_it(actual, log_scaled):
    one = stated(log_scaled=log_scaled)
    y = math.log(actual) if log_scaled else actual
    middle = math.log(2) if log_scaled else 2.0
    parts = sorted([-3, y, middle, 8])
    expected = sum(
        integrate.quad(lambda x: float((cdf(one, x) - (x >= y)) ** 2), a, b, limit=200)[0]
        for a, b in pairwise(parts)
        if b > a
    )
    assert one.score(actual) == pytest.approx(expected, rel=1e-6)


def test_the_mean_score_of_a_right_distribution_is_the_expected_one():
    one, rng = stated(low=1.9, high=2.1), np.random.default_rng(0)
    z = rng.standard_normal(20_000)
    q = stats.norm.ppf(0.95)
    deviations = np.where(z > 0, np.log(2.1 / 2), np.log(2 / 1.9)) / q
    scores = [one.score(float(x)) for x in 2 * np.exp(z * deviations)]
    assert np.mean(scores) == pytest.approx(one.expected_score, rel=0.02)


def test_an_interval_without_width_holds_its_number_alone():
    one = stated(low=2.0, high=2.0)
    assert (one.z(2.0), one.z(2.1)) == (0.0, None)
    assert [one.inside(2.0, level) for level in (0.5, 0.9)] == [True, True]
    assert [one.inside(2.1, level) for level in (0.5, 0.9)] == [False, False]
    assert one.score(2.1) == pytest.approx(math.log(2.1 / 2))


def test_a_number_outside_its_own_interval_is_measured_from_the_middle():
    assert stated(predicted=3.0, low=1.0, high=2.0, log_scaled=False).z(1.5) == 0


def test_losses_and_sizes_have_factors_and_other_numbers_distances():
    assert [is_log_scaled(name) for name in ("loss", "params", "tokens", "flops", "accuracy")] == [True] * 4 + [False]
