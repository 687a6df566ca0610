"""The odds of ending inside a forecast come true as often as they say."""

import math

import numpy as np
import pytest

from isoflop.watch.combination import Combined
from isoflop.watch.odds import inside_probability


def combined(centre: float, sd: float, degrees: float = 30.0) -> Combined:
    return Combined(
        predicted_final=math.exp(centre), sd=sd, degrees=degrees, interval=(1.0, 1.0), methods={}, weights={}
    )


@pytest.mark.parametrize("of_run", [0.002, 0.01, 0.05])
def test_stated_odds_come_true(of_run: float) -> None:
    """Runs whose end is known by a forecast and by their beginning, each with an error of its own."""
    drawn, of_forecast, count = np.random.default_rng(1), 0.01, 4000
    ends = 0.7 * np.ones(count)
    forecasts = ends + of_forecast * drawn.standard_normal(count)
    seen = ends + of_run * drawn.standard_normal(count)
    half = 1.645 * of_forecast
    odds = np.array(
        [
            inside_probability(combined(b, of_run), (math.exp(a - half), math.exp(a + half)), 0.9)
            for a, b in zip(forecasts, seen, strict=True)
        ]
    )
    inside = np.abs(forecasts - ends) <= half
    assert odds.mean() == pytest.approx(inside.mean(), abs=0.015)
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 0.9), (0.9, 1.01)):
        part = (odds >= low) & (odds < high)
        if part.sum() >= 100:
            assert odds[part].mean() == pytest.approx(inside[part].mean(), abs=0.06)


def test_what_is_seen_decides_where_it_is_far_outside() -> None:
    assert inside_probability(combined(0.9, 0.002), (math.exp(0.69), math.exp(0.71)), 0.9) < 1e-3
    assert inside_probability(combined(0.7, 0.0005), (math.exp(0.69), math.exp(0.71)), 0.9) > 0.999
