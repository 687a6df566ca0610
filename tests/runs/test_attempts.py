"""Starts are added to, and each names the forecast that lay sealed then."""

import json

import pytest

from isoflop.errors import InputError
from isoflop.runs.attempts import append_attempt, name_forecast, named_forecast, read_attempts


def test_a_start_names_the_forecast_of_then(folder):
    folder.record_attempt(0)
    folder.name_forecast("ab" * 32)
    folder.record_attempt(3)
    folder.name_forecast("cd" * 32)
    folder.record_attempt(5)
    assert [attempt.forecast for attempt in folder.attempts()] == ["", "ab" * 32, "cd" * 32]
    assert [attempt.from_step for attempt in folder.attempts()] == [0, 3, 5]


def test_starts_of_earlier_versions_name_none(tmp_path):
    path = tmp_path / "attempts.jsonl"
    path.write_text('{"started": 1.5, "pid": 7, "host": "a", "from_step": 0}\n{"pid": 7}\n')
    append_attempt(path, 4, forecast="ab")
    assert [attempt.forecast for attempt in read_attempts(path)] == [None, "ab"]


@pytest.mark.parametrize("started", ["soon", None, [1]])
def test_a_line_without_a_time_is_left_out(tmp_path, started):
    path = tmp_path / "attempts.jsonl"
    path.write_text(json.dumps({"started": started, "pid": 7, "host": "a", "from_step": 0}) + "\n")
    assert read_attempts(path) == ()


def test_naming_twice_writes_once(tmp_path):
    path = tmp_path / "forecast.json"
    assert named_forecast(path) == ""
    name_forecast(path, "ab" * 32)
    before = path.stat().st_ino
    name_forecast(path, "ab" * 32)
    assert (named_forecast(path), path.stat().st_ino) == ("ab" * 32, before)


def test_a_file_that_names_nothing(tmp_path):
    path = tmp_path / "forecast.json"
    for content in ("[1]", "{}", '{"digest": 3}'):
        path.write_text(content)
        assert named_forecast(path) == ""
    path.write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        named_forecast(path)
