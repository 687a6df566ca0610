"""The ratio to smaller finished runs: which they are, how it drifts, and how sure it says to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.watch import Curve, RatioMethod
from isoflop.watch.ratio import drift_at
from isoflop.watch.references import references, same_shape, weighted_references
from isoflop.watch.stretches import end_noise, stretches


def curve(
    name: str, params: float, *, length: float = 20, drift: float = 0.0, peak: float = 1e-3, noise: float = 0.0, **more
) -> Curve:
    """A finished run whose course is one shape above its end, plus a drift that dies out."""
    share = np.linspace(0.01, 1, 100)
    final = 2 + 100 * params**-0.3
    end = more.pop("end", 0.0)
    scatter = noise * np.random.default_rng(abs(hash((params, length))) % 2**32).standard_normal(len(share))
    loss = final * np.exp(0.3 * (1 - share) ** 2 + drift * drift_at(share) + scatter)
    total = length * params
    return Curve(
        name=name,
        tokens=share * total,
        loss=loss,
        schedule_tokens=np.array([0, 0.01, 1.0]) * total,
        schedule_rates=np.array([0, 1.0, end]) * peak,
        total_tokens=total,
        params=params,
        measured="validation",
        final=float(loss[-1]),
        final_measured="validation",
    )


@given(share=st.floats(0.15, 0.99), params=st.floats(2e6, 2e7))
def test_the_same_course_gives_the_final_loss_to_rounding(share, params):
    run = curve("run", params)
    found = RatioMethod().predicted_final(run.until(share), [curve("small", 1e6)])
    assert found == pytest.approx(run.final, rel=1e-3)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_most_of_a_drift_that_dies_out_is_foreseen(share):
    run = curve("run", 4e6, drift=4e-4)
    seen, small = run.until(share), curve("small", 1e6)
    left = 4e-4 * float(drift_at(share))
    error = np.log(RatioMethod().predicted_final(seen, [small]) / run.final)
    assert abs(error) < 0.4 * left


def test_the_reference_is_the_largest_that_is_not_larger_with_all_its_seeds():
    like = [curve("a", 1e6), curve("b", 2e6), curve("b2", 2.01e6), curve("c", 8e6)]
    assert [one.name for one in references(curve("run", 4e6), like)] == ["b", "b2"]


def test_of_tried_learning_rates_the_one_that_ended_lowest_is_held_to():
    like = [curve("low", 1e6, peak=1e-3), curve("high", 0.999e6, peak=2e-3)]
    best = min(like, key=lambda one: one.final)
    assert references(curve("run", 2e6, peak=1.5e-3), like) == [best]


def test_another_schedule_is_no_reference():
    down, constant = curve("down", 1e6), curve("constant", 1e6, end=1.0)
    assert not same_shape(down, constant)
    assert references(curve("run", 2e6), [constant]) == []


def test_runs_on_both_sides_of_a_length_are_weighted_to_it():
    like = [curve("short", 1e6, length=14), curve("long", 1e6, length=40)]
    run = curve("run", 2e6, length=20)
    found = {one.curve.name: one.weight for one in weighted_references(run, like, 0.5)}
    assert sum(found.values()) == pytest.approx(1)
    assert sum(weight * np.log({"short": 14, "long": 40}[name] / 20) for name, weight in found.items()) == (
        pytest.approx(0, abs=1e-9)
    )


def test_a_run_five_times_as_long_says_nothing():
    assert RatioMethod().predicted_final(curve("run", 2e6), [curve("long", 1e6, length=100)]) is None


def test_the_error_grows_with_what_is_left_and_with_the_distance():
    run, small, tiny = curve("run", 4e6), curve("small", 2e6), curve("tiny", 1e5)
    by_share = [RatioMethod().estimate(run.until(share), [small]).sd for share in (0.2, 0.5, 0.9)]
    assert by_share == sorted(by_share, reverse=True)
    assert RatioMethod().estimate(run.until(0.3), [tiny]).sd > RatioMethod().estimate(run.until(0.3), [small]).sd
    longer = curve("longer", 2e6, length=36)
    assert RatioMethod().estimate(run.until(0.3), [longer]).sd > RatioMethod().estimate(run.until(0.3), [small]).sd


def test_the_warm_up_says_nothing():
    run, small = curve("run", 4e6), curve("small", 2e6)
    assert RatioMethod().predicted_final(run.until(0.09), [small]) is None


def test_stretches_are_means_and_know_the_noise_of_their_points():
    noisy, smooth = curve("run", 4e6, noise=0.01), curve("run", 4e6)
    assert end_noise(noisy) == pytest.approx(0.01, rel=0.6)
    assert end_noise(smooth) < 1e-3
    found = stretches(smooth, 0.5)
    expected = np.log(np.interp(found.middle, smooth.share, smooth.loss))
    assert found.log_loss == pytest.approx(expected, abs=2e-3)
    assert np.all(stretches(noisy, 0.5).variance > 10 * found.variance)
