"""The band of a run before it starts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop.codec import from_json, to_json
from isoflop.errors import InputError
from isoflop.plan import ExpectedCourse, Forecast, load_forecast, seal
from isoflop.watch import WatchOptions, expected_course, watch_run
from isoflop.watch.curves import read_curves
from watch.drawn_runs import forecast_of, ladder, logged_run

SIZE = 8e6


def course(**options):
    run = logged_run("large", SIZE, 20 * SIZE, until=0.02)
    curves = read_curves(run, ladder(), WatchOptions())
    return expected_course(forecast_of(SIZE, 20 * SIZE, **options), curves.run, curves.like, 0.9)


def test_a_right_run_lies_in_the_band_at_every_share_and_a_wrong_one_leaves_it():
    band = course()
    run = logged_run("large", SIZE, 20 * SIZE, noise=0.001, seed=3)
    losses = run.evaluations["validation"]
    share = losses.steps / losses.steps[-1]
    for at in (0.15, 0.3, 0.5, 0.8, 1.0):
        low, middle, high = band.at(at)
        seen = np.exp(np.mean(np.log(losses.values[(share > 0.84 * at) & (share <= at)])))
        assert low < seen < high
        assert middle == pytest.approx(seen, rel=0.01)
        assert not low < seen * 1.05 < high


def test_a_less_sure_forecast_has_a_wider_band():
    narrow, wide = course(half=0.01), course(half=0.04)
    assert all(np.subtract(wide.high, wide.low) > np.subtract(narrow.high, narrow.low))
    assert wide.course_sd == narrow.course_sd


def test_the_band_is_sealed_with_the_forecast_and_read_back(tmp_path):
    forecast = Forecast(**{**vars(forecast_of(SIZE, 20 * SIZE)), "course": course()})
    sealed = seal(tmp_path / "forecast.json", forecast)
    assert load_forecast(tmp_path / "forecast.json") == sealed
    assert sealed.forecast.course == course()
    answer = watch_run(logged_run("large", SIZE, 20 * SIZE, until=0.4), ladder(), forecast=forecast)
    assert answer.course == course()


def test_a_band_that_was_not_sealed_or_is_of_another_loss_is_made_and_told():
    run = logged_run("large", SIZE, 20 * SIZE, until=0.4)
    plain = forecast_of(SIZE, 20 * SIZE)
    other = Forecast(**{**vars(plain), "course": ExpectedCourse(**{**vars(course()), "measured": "books"})})
    for forecast in (plain, other):
        answer = watch_run(run, ladder(), forecast=forecast)
        assert answer.course == course()
        assert "band_made_now" in [notice.code for notice in answer.notices]


def test_a_forecast_without_a_band_is_written_as_before():
    assert "course" not in to_json(forecast_of(SIZE, 20 * SIZE))


def test_a_band_out_of_order_is_refused():
    value = json.loads(json.dumps(to_json(course())))
    value["low"], value["high"] = value["high"], value["low"]
    with pytest.raises(InputError, match="order"):
        from_json(ExpectedCourse, value, "course")


def test_no_band_without_finished_runs():
    run = read_curves(logged_run("large", SIZE, 20 * SIZE, until=0.1), [], WatchOptions()).run
    assert expected_course(forecast_of(SIZE, 20 * SIZE), run, [], 0.9) is None
