"""What a learning-rate check moves a rate to, on parabolas that are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.laws.rate_trend import CheckedCell, rate_trend

SIZES = (2e3, 1.5e4, 4e4)
STEP = math.log(2)


def cell(params, optimum, *, bend=0.06, failed=()):
    """Losses on a parabola in ln rate with its vertex `optimum` from the recipe's rate; `failed` places have none."""
    rates = (5e-3, 1e-2, 2e-2)
    losses = [2 * math.exp(bend / 2 * (math.log(rate / 1e-2) - optimum) ** 2) for rate in rates]
    losses = [None if place in failed else loss for place, loss in enumerate(losses)]
    return CheckedCell(params=params, rates=rates, losses=tuple(losses), chosen=1e-2)


def cells(*optima):
    return [cell(params, optimum) for params, optimum in zip(SIZES, optima, strict=True)]


@pytest.mark.parametrize("scatter", [0, 0.003, 0.02])
def test_a_check_with_the_middle_best_everywhere_moves_nothing(scatter):
    assert rate_trend(cells(0, 0, 0), scatter) is None
    assert rate_trend(cells(-0.3, 0.3, 0.2), scatter) is None
    assert rate_trend([], scatter) is None


def test_a_difference_of_two_runs_by_chance_moves_nothing() -> None:
    checked = cells(0, 0, -0.5)
    gain = checked[2].gain
    assert 0 < gain < 0.01
    assert rate_trend(checked, gain / math.sqrt(2) * 0.99) is not None
    assert rate_trend(checked, gain / math.sqrt(2) * 1.01) is None


@pytest.mark.parametrize("optimum", [-0.6, 0.5, -0.4])
def test_without_scatter_it_is_the_vertex(optimum):
    trend = rate_trend(cells(optimum, optimum, optimum), 0)
    assert math.log(trend.factor(1e5)) == pytest.approx(optimum, abs=1e-9)
    assert trend.slope == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("optimum", "error"), [(-0.35, 0.28), (-0.7, 0.18), (0, 0.001)])
def test_under_scatter_a_moved_rate_is_nearer_to_the_optimum(optimum, error):
    # docs/planning.md: root mean square of ln rate at 2.5 times the largest checked size, runs of a scatter of 0.3 %
    draws, off = np.random.default_rng(0), []
    for _ in range(300):
        noise = np.exp(draws.normal(0, 0.003, (3, 3)))
        noisy = [
            replace(one, losses=tuple(float(loss * by) for loss, by in zip(one.losses, row, strict=True)))
            for one, row in zip(cells(optimum, optimum, optimum), noise, strict=True)
        ]
        trend = rate_trend(noisy, 0.003)
        off.append((0 if trend is None else math.log(trend.factor(1e5))) - optimum)
    assert math.sqrt(np.mean(np.square(off))) < error


def test_beyond_the_rates_it_is_one_step() -> None:
    assert rate_trend(cells(-5, -5, -5), 0).factor(1e5) == pytest.approx(0.5)
    assert rate_trend(cells(5, 5, 5), 0).factor(1e5) == pytest.approx(2)


def test_a_rate_at_which_a_run_failed_is_no_better_one() -> None:
    assert rate_trend([cell(2e3, 0.6, failed=(2,))], 0) is None
    (chosen_failed,) = [cell(2e3, -0.9, failed=(1, 2))]
    assert math.isinf(chosen_failed.gain)
    trend = rate_trend([chosen_failed], 0.01)
    assert trend.factor(2e3) == pytest.approx(0.5)
    assert "where the recipe's failed" in trend.reason


def test_a_trend_goes_on_for_half_of_its_span_and_is_bounded() -> None:
    line = [-0.2 * math.log(size / SIZES[0]) for size in SIZES]
    trend = rate_trend(cells(*line), 0)
    assert trend.slope == pytest.approx(-0.2, rel=1e-6)
    assert trend.largest / SIZES[-1] == pytest.approx(math.sqrt(SIZES[-1] / SIZES[0]))
    assert trend.factor(1e9) == trend.factor(trend.largest) >= 0.5
    assert math.log(trend.factor(SIZES[1])) == pytest.approx(line[1])
    # sizes that disagree without order tell no slope
    assert abs(rate_trend(cells(-0.6, 0, -0.6), 0).slope) < 0.02


@given(st.floats(-1.5, -0.4), st.floats(0.0001, 0.02))
def test_scatter_shrinks_what_was_found(optimum, scatter):
    sure, trend = (rate_trend(cells(optimum, optimum, optimum), noise) for noise in (0, scatter))
    if trend is not None:
        assert sure.shift < trend.shift < 0


@given(st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3), st.floats(0, 0.05), st.floats(2, 9).map(lambda x: 10**x))
def test_a_factor_is_within_one_step_and_the_same_both_ways(optima, scatter, params):
    trend = rate_trend(cells(*optima), scatter)
    if trend is not None:
        assert abs(math.log(trend.factor(params))) <= STEP * (1 + 1e-12)
    # the other way round with the parabolas mirrored
    mirrored = rate_trend(cells(*(-optimum for optimum in optima)), scatter)
    if trend is not None and mirrored is not None:
        assert trend.factor(params) * mirrored.factor(params) == pytest.approx(1, rel=1e-6)
