"""The order of seal and run: by the run's own first start, by times only where starts name no forecast."""

import json
import time

import pytest
from runs.conftest import result_of, small_spec

from isoflop.plan import seal, seal_order
from isoflop.plan.order_of_seal import NOT_A_FORECAST
from plan.forecasts import forecast

from isoflop.runs.folder import RunFolder  # isort: skip


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "runs", small_spec())


@pytest.fixture
def sealed(tmp_path, run):
    return seal(tmp_path / "final.json", forecast(run_id=run.run_id))


def started_at(run, when):
    """A start as earlier versions recorded it."""
    line = {"started": when, "pid": 1, "host": "a", "from_step": 0}
    run.attempts_file.write_text(json.dumps(line) + "\n")


def test_before_the_run_begins(sealed, run):
    assert (seal_order(sealed, run).order, seal_order(sealed, run).before) == ("not_begun", True)
    assert seal_order(sealed, None).order == "not_begun"
    assert seal_order(sealed, RunFolder(run.path / "gone")).order == "not_begun"


def test_a_run_that_began_with_the_forecast(sealed, run):
    run.name_forecast(sealed.digest)
    run.record_attempt(0)
    found = seal_order(sealed, run)
    assert (found.order, found.before, found.words, found.notices()) == ("before", True, "before the run", ())


def test_the_clock_decides_nothing_where_the_start_names_the_forecast(sealed, run):
    run.name_forecast(sealed.digest)
    run.record_attempt(0)
    value = json.loads(run.attempts_file.read_text())
    run.attempts_file.write_text(json.dumps(value | {"started": sealed.sealed - 3600}) + "\n")
    run.write_result(result_of(run, finished=sealed.sealed - 60))
    assert seal_order(sealed, run).order == "before"


@pytest.mark.parametrize("named", ["", "ab" * 32])
def test_a_run_that_began_without_the_forecast_or_with_another(sealed, run, named):
    if named:
        run.name_forecast(named)
    run.record_attempt(0)
    run.name_forecast(sealed.digest)
    run.record_attempt(5)  # it goes on with the new one, which is too late
    found = seal_order(sealed, run)
    assert (found.order, found.before, found.words) == ("after", False, NOT_A_FORECAST)
    assert NOT_A_FORECAST == "sealed after the run began: not a forecast"
    assert [notice.code for notice in found.notices()] == ["sealed_after_start"]


def test_a_seal_that_claims_an_earlier_time_is_still_not_the_one_that_the_run_names(tmp_path, run):
    run.name_forecast("ab" * 32)
    run.record_attempt(0)
    late = seal(tmp_path / "final.json", forecast(run_id=run.run_id))
    assert seal_order(type(late)(**{**vars(late), "sealed": 0.0}), run).order == "after"


@pytest.mark.parametrize(("seconds", "order"), [(-60, "after"), (60, "before")])
def test_starts_of_earlier_versions_are_compared_by_time(sealed, run, seconds, order):
    started_at(run, sealed.sealed + seconds)
    found = seal_order(sealed, run)
    assert found.order == order
    assert found.began == sealed.sealed + seconds


def test_without_its_first_start_nothing_is_known(sealed, run):
    run.name_forecast(sealed.digest)
    run.write_result(result_of(run, finished=time.time() + 60))
    found = seal_order(sealed, run)
    assert (found.order, found.before) == ("unknown", None)
    assert [notice.code for notice in found.notices()] == ["seal_order_unknown"]
    run.record_attempt(5)
    run.write_result(result_of(run, attempts=2, finished=time.time() + 60))
    assert seal_order(sealed, run).order == "unknown", "the first of two starts is gone"
    run.write_result(result_of(run, attempts=2, finished=sealed.sealed - 60))
    assert seal_order(sealed, run).order == "after", "it had ended by then"


def test_metrics_without_starts_are_a_run_that_began(sealed, run):
    run.append_metrics([{"step": 1}])
    assert seal_order(sealed, run).order == "unknown"


def test_a_forecast_of_no_run(tmp_path, run):
    sealed = seal(tmp_path / "final.json", forecast(run_id=None))
    assert seal_order(sealed, run).order == "unknown"
