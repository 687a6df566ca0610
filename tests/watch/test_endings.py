"""What ending a run now or training on would give is what such runs of the same law end with."""

from dataclasses import replace

import numpy as np
import pytest

from isoflop.laws.rate_path import RatePath
from isoflop.plan.cluster import Cluster
from isoflop.watch.endings import what_if
from watch.schedule_curves import TOKENS, drawn_curve
from watch.test_law_method import finished, law

PARAMS = 4e6


def run_under_way(kind="sqrt", until=0.5):
    return drawn_curve(law(PARAMS), kind, params=PARAMS, tokens=PARAMS).until(until)


def true_final(start: float, length: float) -> float:
    """The loss of a run that stays at its peak until `start` and falls to zero over `length` tokens."""
    warmup = 0.02 * PARAMS
    progress = np.linspace(0, 1, 400)[1:]
    at = np.concatenate([[0.0, warmup, start], start + length * progress])
    path = RatePath.of(at, np.concatenate([[0.0, 1.0, 1.0], 1 - np.sqrt(progress)]), unit=TOKENS)
    return float(law(PARAMS).loss(path, np.array([(start + length) / TOKENS]))[0])


def test_each_way_ends_where_the_law_says():
    ways = {way.name: way for way in what_if(run_under_way(), finished(), level=0.9)}
    assert list(ways) == ["decay_now", "as_planned", "1.5x", "2x"]
    length = 0.2 * PARAMS
    starts = {"decay_now": 0.5 * PARAMS, "as_planned": 0.8 * PARAMS, "1.5x": 1.3 * PARAMS, "2x": 1.8 * PARAMS}
    for name, start in starts.items():
        assert ways[name].total_tokens == pytest.approx(start + length, rel=2e-3)
        assert ways[name].predicted_final == pytest.approx(true_final(start, length), rel=0.005)
        low, high = ways[name].interval
        assert low < ways[name].predicted_final < high
        assert ways[name].flops == pytest.approx(6 * PARAMS * (start + length - 0.5 * PARAMS), rel=5e-3)
        assert ways[name].price is None


def test_a_decay_that_is_stated_and_a_price():
    cluster = Cluster.parse("8xH100", utilization=0.4, price_per_hour=2.0)
    now, *_ = what_if(run_under_way(), finished(), level=0.9, decay=0.1 * PARAMS, cluster=cluster)
    assert now.total_tokens == pytest.approx(0.6 * PARAMS)
    assert now.price == pytest.approx(2.0 * 8 * cluster.duration(now.flops).hours)
    assert now.price_range == (now.price, now.price)  # of one stated utilization
    ranged, *_ = what_if(
        run_under_way(), finished(), level=0.9, decay=0.1 * PARAMS, cluster=Cluster.parse("8xH100", price_per_hour=2.0)
    )
    slow, fast = ranged.price_range[1] / ranged.price, ranged.price_range[0] / ranged.price
    assert (fast, slow) == pytest.approx((0.346 / 0.607, 0.346 / 0.197))
    assert ranged.hours_range == pytest.approx((ranged.hours * fast, ranged.hours * slow))


def test_a_constant_rate_is_ended_by_a_decay_over_a_fifth():
    now, planned, *_ = what_if(run_under_way("constant"), finished(), level=0.9)
    assert now.total_tokens == pytest.approx(0.5 * PARAMS / 0.8)
    assert planned.total_tokens == PARAMS


@pytest.mark.parametrize("run", [run_under_way(until=0.9), run_under_way("cosine"), run_under_way(until=0.05)])
def test_nothing_is_said_when_the_rate_falls_already_or_too_early(run):
    assert what_if(run, finished(), level=0.9) == ()


def test_nothing_is_said_without_runs_that_show_what_a_decay_brings():
    assert what_if(run_under_way(), finished("constant"), level=0.9) == ()


def test_steps_have_no_flops():
    like = [replace(curve, counts="steps") for curve in finished()]
    for way in what_if(replace(run_under_way(), counts="steps"), like, level=0.9):
        assert way.flops is None


def test_a_decay_of_no_length_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        what_if(run_under_way(), finished(), level=0.9, decay=0.0)
