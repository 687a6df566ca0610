"""A run under way has the final loss that its beginning and smaller runs show, and a word for where it lies."""

import math

import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.watch import WatchOptions, watch_run
from watch.drawn_runs import final_loss, forecast_of, ladder, logged_run

SIZE = 8e6


def run_under_way(until: float = 0.3, **options):
    return logged_run("large", SIZE, 20 * SIZE, seed=9, until=until, **options)


@pytest.mark.parametrize("until", [0.2, 0.5, 0.9])
def test_the_final_loss_is_that_of_the_reference_times_the_ratio(until):
    watched = watch_run(run_under_way(until), ladder())
    assert watched.references == ("4e+06",)
    assert watched.predicted_final == pytest.approx(final_loss(SIZE, 20 * SIZE), rel=1e-4)
    low, high = watched.interval
    assert low < watched.predicted_final < high
    assert watched.share == pytest.approx(until, abs=0.02)


def test_a_run_on_its_forecast_is_on_course_and_one_above_it_is_not():
    forecast = forecast_of(SIZE, 20 * SIZE)
    right = watch_run(run_under_way(noise=0.001), ladder(noise=0.001), forecast=forecast)
    assert right.verdict == "on_course"
    assert right.inside_forecast_probability > 0.95
    wrong = watch_run(run_under_way(higher=0.05), ladder(), forecast=forecast)
    assert wrong.verdict == "above"
    assert wrong.inside_forecast_probability < 0.05
    assert watch_run(run_under_way(higher=-0.05), ladder(), forecast=forecast).verdict == "below"


def test_the_first_tenth_says_nothing():
    watched = watch_run(run_under_way(0.06), ladder(), forecast=forecast_of(SIZE, 20 * SIZE))
    assert (watched.verdict, watched.predicted_final, watched.methods) == ("too_early", None, {})


def test_as_of_is_the_answer_of_the_log_that_ended_there():
    whole = watch_run(run_under_way(1.0), ladder(), options=WatchOptions(as_of=0.4))
    cut = watch_run(run_under_way(0.4), ladder())
    assert (whole.share, whole.predicted_final, whole.interval) == (cut.share, cut.predicted_final, cut.interval)


def test_runs_of_another_length_say_nothing():
    watched = watch_run(run_under_way(), ladder(tokens_per_param=100))
    assert watched.predicted_final is None
    assert "no_reference" in [notice.code for notice in watched.notices]


def test_a_schedule_of_unknown_length_is_asked_for():
    run = run_under_way(ended=False)
    object.__setattr__(run, "planned_steps", None)
    with pytest.raises(RefusedError, match="schedule") as caught:
        watch_run(run, ladder())
    assert caught.value.code == "schedule_unknown"
    stated = watch_run(run, ladder(), options=WatchOptions(total_tokens=20 * SIZE))
    assert stated.predicted_final == pytest.approx(final_loss(SIZE, 20 * SIZE), rel=1e-4)


def test_losses_of_another_unit_are_no_curves_to_compare():
    like = ladder()
    object.__setattr__(like[0], "loss_unit", "bits_per_byte")
    with pytest.raises(InputError, match="bits_per_byte"):
        watch_run(run_under_way(), like)


def test_a_level_that_is_no_probability_is_refused():
    with pytest.raises(InputError, match="level"):
        WatchOptions(level=math.inf)


def test_smaller_runs_alone_tell_no_level_and_a_spike_that_came_back_is_told():
    codes = {notice.code for notice in watch_run(run_under_way(), ladder()).notices}
    assert "shape_only" in codes
    with_forecast = watch_run(run_under_way(), ladder(), forecast=forecast_of(SIZE, 20 * SIZE))
    assert not {"shape_only", "spikes_came_back"} & {notice.code for notice in with_forecast.notices}
    run = run_under_way(0.6)
    values = run.evaluations["validation"].values
    values[len(values) // 2] *= 1.5
    spiked = watch_run(run, ladder(), forecast=forecast_of(SIZE, 20 * SIZE))
    assert spiked.verdict == "on_course"
    (told,) = [notice for notice in spiked.notices if notice.code == "spikes_came_back"]
    assert "1 spike" in told.message
