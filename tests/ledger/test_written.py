"""Forecasts that are written down by hand."""

import json

import pytest

from isoflop.errors import InputError
from isoflop.ledger import WrittenForecast, add_forecast, add_outcome, unix_time
from isoflop.ledger.handmade import written_entry
from isoflop.ledger.written import read_written

MARCH, MAY = unix_time("2026-03-01", "when"), unix_time("2026-05-01", "when")


def written(**changes):
    values = {
        "name": "big run",
        "predicted": 2.01,
        "interval": (1.97, 2.06),
        "level": 0.9,
        "made_from": "nine runs",
        "sealed": MARCH,
    }
    return WrittenForecast(**{**values, **changes})


def test_what_was_written_is_read(tmp_path):
    path = add_forecast(tmp_path / "notes", written(flops=1e21, data_flops=1e20))
    assert path.name == "big-run.forecast.json"
    assert read_written(path).forecast == written(flops=1e21, data_flops=1e20)
    found = written_entry(path)
    assert (found.why_not, found.factor, found.study) == ("no outcome yet", 10.0, "nine runs")
    add_outcome(tmp_path / "notes", "big run", 2.03, when=MAY, source="the log")
    found = written_entry(path)
    assert (found.why_not, found.actual, found.scored) == ("", 2.03, MAY)


def test_the_same_twice_changes_nothing_and_another_is_refused(tmp_path):
    path = add_forecast(tmp_path, written())
    before = path.read_bytes()
    assert add_forecast(tmp_path, written(sealed=MAY)) == path
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="never rewritten"):
        add_forecast(tmp_path, written(predicted=2.02))
    outcome = add_outcome(tmp_path, "big run", 2.03, when=MAY)
    before = outcome.read_bytes()
    add_outcome(tmp_path, "big run", 2.03, when=MAY + 1)
    assert outcome.read_bytes() == before
    with pytest.raises(InputError, match="never rewritten"):
        add_outcome(tmp_path, "big run", 2.04, when=MAY)


def test_second_thoughts_are_found(tmp_path):
    path = add_forecast(tmp_path, written())
    value = json.loads(path.read_text())
    value["written_forecast"]["predicted"] = 2.03
    path.chmod(0o644)
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match="changed after it was written"):
        written_entry(path)


def test_an_outcome_names_its_forecast(tmp_path):
    path = add_forecast(tmp_path, written())
    add_outcome(tmp_path, "big run", 2.03, when=MAY)
    path.unlink()
    add_forecast(tmp_path, written(predicted=2.03))
    with pytest.raises(InputError, match="outcome of another forecast"):
        written_entry(path)


def test_a_file_made_in_an_editor_is_read(tmp_path):
    path = tmp_path / "mine.forecast.json"
    forecast = {"name": "mine", "predicted": 2.0, "sealed": "2026-03-01", "made_from": "a table", "began": "2026-02-01"}
    path.write_text(json.dumps({"schema": 1, "written_forecast": forecast}))
    outcome = {"actual": 2.1, "scored": "2026-02-20"}
    (tmp_path / "mine.outcome.json").write_text(json.dumps({"schema": 1, "outcome": outcome}))
    found = written_entry(path)
    assert (found.sealed, found.evidence) == (MARCH, "as stated, in a file without a digest")
    assert found.why_not == (
        "made on 2026-03-01, after its run began on 2026-02-01; its outcome (2026-02-20) is older than the forecast "
        "(2026-03-01)"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../out"}, "name"),
        ({"name": ""}, "name"),
        ({"interval": None}, "expected both or neither"),
        ({"interval": (2.1, 2.2)}, "low <= predicted <= high"),
        ({"predicted": -1.0, "interval": (-2.0, 0.0)}, "expected positive numbers of loss"),
        ({"sealed": "yesterday"}, "expected a date"),
        ({"sealed": float("nan")}, "from 1970 on"),
    ],
)
def test_what_cannot_be_a_forecast_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        written(**changes)


def test_a_forecast_of_tomorrow_is_refused(tmp_path):
    with pytest.raises(InputError, match="lies ahead"):
        add_forecast(tmp_path, written(sealed="2999-01-01"))


def test_an_outcome_that_cannot_be(tmp_path):
    add_forecast(tmp_path, written())
    with pytest.raises(InputError, match="expected a positive loss"):
        add_outcome(tmp_path, "big run", -1.0, when=MAY)
    with pytest.raises(InputError, match=r"no forecast 'bigrun'.*big-run"):
        add_outcome(tmp_path, "bigrun", 2.0, when=MAY)
