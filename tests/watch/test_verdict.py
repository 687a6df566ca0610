"""The verdict: each word where it belongs, none of them on a right run, and the same history however late one looks."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from isoflop.watch.course import course_of_repeats
from isoflop.watch.verdict import judge
from watch.drawn_curves import changed, drawn_curve


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(7)
    return [drawn_curve(rng, name=f"seed {k}") for k in range(9)]


@pytest.fixture(scope="module")
def course_at(runs):
    return partial(course_of_repeats, runs[1:])


def words(judgement):
    return [change.verdict for change in judgement.history]


def test_a_right_run_is_on_course_after_two_looks(runs, course_at):
    judgement = judge(runs[0], course_at)
    assert words(judgement) == ["too_early", "on_course"]
    assert 0.1 < judgement.since < 0.15
    assert judge(runs[0].until(0.11), course_at).verdict == "too_early"


@pytest.mark.parametrize(("change", "word"), [(0.01, "above"), (-0.01, "below")])
def test_a_change_of_one_per_cent_is_found_within_three_looks(runs, course_at, change, word):
    judgement = judge(changed(runs[0], change), course_at)
    assert words(judgement) == ["too_early", "on_course", word]
    assert 0.2 < judgement.since < 0.27


def test_a_run_that_returns_to_its_band_is_on_course_again_with_its_history(runs, course_at):
    judgement = judge(changed(runs[0], 0.01, until=0.5), course_at)
    assert words(judgement) == ["too_early", "on_course", "above", "on_course"]
    assert 0.5 < judgement.since < 0.57


def test_a_single_spike_is_told_and_does_not_end_in_above(runs, course_at):
    for height in (0.05, 0.5, 2.0):
        judgement = judge(changed(runs[0], height, since=0.399, until=0.41), course_at)
        assert words(judgement) == ["too_early", "on_course", "spiking", "on_course"]
        (spike,) = judgement.spikes
        assert spike.height == pytest.approx(height, rel=0.2)
        assert spike.until == pytest.approx(0.42)


def test_three_spikes_within_a_tenth_are_a_run_that_spikes(runs, course_at):
    run = runs[0]
    for at in (0.4, 0.44, 0.48):
        run = changed(run, 0.3, since=at - 0.001, until=at + 0.01)
    judgement = judge(run.until(0.49), course_at)
    assert judgement.verdict == "spiking"
    assert "3 spikes" in judgement.reason or "1 spike" in judgement.reason
    assert judge(run, course_at).verdict == "on_course"


def test_a_loss_that_rises_and_stays_is_diverging(runs, course_at):
    judgement = judge(changed(runs[0], 0.4, since=0.4), course_at)
    assert words(judgement)[-2:] == ["spiking", "diverging"]
    assert judgement.since < 0.46


def test_a_loss_that_creeps_up_is_diverging_and_one_that_falls_on_from_a_higher_level_is_above(runs, course_at):
    creeping = replace(runs[0], loss=runs[0].loss * np.exp(1.5 * np.clip(runs[0].share - 0.4, 0, 0.1)))
    assert "diverging" in words(judge(creeping, course_at))
    assert "diverging" not in words(judge(changed(runs[0], 0.2), course_at))
    assert judge(changed(runs[0], 0.2), course_at).verdict == "above"


def test_a_divergence_before_anything_is_known_of_right_runs(runs):
    judgement = judge(changed(runs[0], 2.0, since=0.06), None)
    assert "diverging" in words(judgement)
    assert judge(runs[0], None).verdict == "cannot_tell"


def test_a_loss_that_is_no_number_any_more_is_diverging(runs, course_at):
    judgement = judge(runs[0].until(0.5), course_at, not_finite_at=0.52)
    assert judgement.verdict == "diverging"
    assert judgement.history[-1].share == pytest.approx(0.52)


def test_a_slow_drift_within_a_wide_band_is_off_shape(runs):
    def course_at(share):
        course = course_of_repeats(runs[1:], share)
        return replace(
            course, level_sd=np.full(len(share), 0.02), smooth_sd=np.full(len(share), 0.02), level_dof=np.inf
        )

    drift = replace(runs[0], loss=runs[0].loss * np.exp(0.01 * np.clip(runs[0].share - 0.2, 0, None)))
    judgement = judge(drift, course_at)
    assert words(judgement) == ["too_early", "on_course", "off_shape"]


@pytest.mark.parametrize("change", [0.0, 0.003, 0.01, 0.4])
def test_a_shorter_log_tells_the_beginning_of_the_same_history(runs, course_at, change):
    run = changed(changed(runs[0], change), 1.0, since=0.599, until=0.61)
    whole = judge(run, course_at).history
    for share in run.share:
        now = judge(run.until(share), course_at)
        assert now.history == tuple(entry for entry in whole if entry.share <= share * (1 + 1e-9))


def test_a_factor_common_to_all_runs_changes_nothing(runs):
    def scaled(curve):
        return replace(curve, loss=7.3 * curve.loss)

    for change in (0.0, 0.01):
        plain = judge(changed(runs[0], change), partial(course_of_repeats, runs[1:]))
        other = judge(scaled(changed(runs[0], change)), partial(course_of_repeats, [scaled(run) for run in runs[1:]]))
        assert words(plain) == words(other)
        assert plain.deviations == pytest.approx(other.deviations)


def test_how_often_a_run_logs_hardly_changes_what_is_found():
    rng = np.random.default_rng(3)
    for points in (50, 500, 20_000):
        noisy = {"points": points, "noise_sd": 0.0003 * np.sqrt(points / 50), "correlation": 0.0}
        like = [drawn_curve(rng, name=str(k), **noisy) for k in range(6)]
        run = drawn_curve(rng, **noisy)
        course_at = partial(course_of_repeats, like)
        assert words(judge(run, course_at)) == ["too_early", "on_course"]
        found = judge(changed(run, 0.01), course_at)
        assert found.verdict == "above"
        assert found.since < 0.3
        assert found.looks <= 46


def test_a_training_loss_that_leaves_the_evaluation_loss_is_of_repeated_data(runs, course_at):
    rng = np.random.default_rng(5)
    training = drawn_curve(rng, points=400, noise_sd=0.005, correlation=0.0)
    assert judge(runs[0], course_at, training=training).verdict == "on_course"
    slow = replace(training, loss=training.loss * np.exp(-0.1 * np.clip(training.share - 0.3, 0, None)))
    judgement = judge(runs[0], course_at, training=slow)
    assert judgement.verdict == "data_repeated"
    epoch = judge(runs[0], course_at, training=changed(training, -0.02, since=0.5))
    assert epoch.verdict == "data_repeated"
    assert 0.5 < epoch.since < 0.58


def test_noisy_training_losses_of_few_batches_ring_nothing():
    # Single losses scatter by 2 %: nothing but that scatter tells how far two runs of a small model lie apart.
    rng = np.random.default_rng(11)
    kinds = {"points": 280, "noise_sd": 0.02, "correlation": 0.0, "offset_sd": 0.004}
    for _ in range(10):
        other, run = drawn_curve(rng, **kinds), drawn_curve(rng, **kinds)
        judgement = judge(run, partial(course_of_repeats, [other]))
        assert (words(judgement), judgement.spikes) == (["too_early", "on_course"], ())
