"""A sealed forecast stays what it was, and says so when it does not."""

import json
import os
import threading

import pytest

from isoflop import __version__
from isoflop.codec import from_json, to_json
from isoflop.digest import digest_of_json
from isoflop.errors import InputError
from isoflop.plan import load_forecast, score, seal
from isoflop.plan.sealed_forecast import Forecast
from plan.forecasts import forecast


def test_sealing_keeps_what_was_forecast_and_when(tmp_path):
    path = tmp_path / "forecasts" / "planned.json"
    sealed = seal(path, forecast())
    assert load_forecast(path) == sealed
    assert sealed.forecast == forecast()
    assert sealed.isoflop_version == __version__
    assert sealed.sealed == pytest.approx(path.stat().st_mtime, abs=5)
    assert [entry.name for entry in path.parent.iterdir()] == ["planned.json"]


def test_sealing_the_same_again_changes_nothing(tmp_path):
    path = tmp_path / "planned.json"
    first = seal(path, forecast())
    before = path.read_bytes()
    assert seal(path, forecast()) == first
    assert path.read_bytes() == before


def test_another_forecast_is_refused_and_the_first_kept(tmp_path):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    before = path.read_bytes()
    with pytest.raises(InputError, match="never rewritten"):
        seal(path, forecast(loss=1.4, interval=(1.3, 1.45)))
    assert path.read_bytes() == before


def test_the_file_cannot_be_written_by_accident(tmp_path):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    assert path.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("field", ["forecast", "sealed", "isoflop_version"])
def test_a_changed_file_is_noticed(tmp_path, field):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    value = json.loads(path.read_text())
    if field == "forecast":
        value["forecast"]["loss"] = 1.51
    else:
        value[field] = 0
    path.unlink()
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match="changed after it was sealed"):
        load_forecast(path)
    with pytest.raises(InputError, match="changed after it was sealed"):
        score(path, 1.5)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"schema": 99}', '{"schema": 1}'])
def test_a_file_that_is_no_forecast_is_refused(tmp_path, content):
    path = tmp_path / "planned.json"
    path.write_text(content)
    with pytest.raises(InputError, match="planned.json"):
        load_forecast(path)


def test_a_missing_forecast_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_forecast(tmp_path / "planned.json")


def test_of_many_at_once_one_seals(tmp_path):
    path = tmp_path / "planned.json"
    outcomes = []

    def attempt(loss):
        try:
            seal(path, forecast(loss=loss, interval=None, level=None))
            outcomes.append(loss)
        except InputError:
            outcomes.append(None)

    threads = [threading.Thread(target=attempt, args=(1 + k / 100,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [loss for loss in outcomes if loss is not None] == [load_forecast(path).forecast.loss]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_reported(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(InputError, match="permission"):
        seal(tmp_path / "planned.json", forecast())


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("isoflop.files.os.fsync", full)
    with pytest.raises(InputError, match="disk full"):
        seal(tmp_path / "planned.json", forecast())
    assert list(tmp_path.iterdir()) == []


def test_every_problem_of_a_forecast_is_listed():
    with pytest.raises(InputError, match=r"(?s)params.*loss.*level"):
        forecast(params=0, loss=-1, level=None)
    with pytest.raises(InputError, match="low, high"):
        forecast(interval=(2.0, 1.0))


def test_unknown_and_missing_fields_are_listed():
    value = to_json(forecast())
    del value["law"]
    value["colour"] = "red"
    with pytest.raises(InputError, match=r"(?s)colour: not a field.*law: missing"):
        from_json(Forecast, value, "forecast")


def test_a_forecast_of_an_earlier_version_stays_readable_and_its_digest_what_it_was(tmp_path):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    value = json.loads(path.read_text())
    assert "fit_digest" not in value["forecast"], "a forecast without it is written as it always was"
    assert load_forecast(path).forecast.fit_digest is None
    # one that was sealed before fits had digests, made anew with one, is the same forecast
    again = seal(path, forecast(fit_digest="ef" * 32))
    assert again.digest == value["digest"]


def test_a_forecast_names_its_fit(tmp_path):
    sealed = seal(tmp_path / "planned.json", forecast(fit_digest="ef" * 32))
    assert load_forecast(tmp_path / "planned.json").forecast.fit_digest == "ef" * 32
    assert sealed.digest != seal(tmp_path / "other.json", forecast()).digest


@pytest.mark.parametrize("when", [None, True, "today", -1.0, 1e300])
def test_a_time_that_is_none_is_refused(tmp_path, when):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    value = json.loads(path.read_text()) | {"sealed": when}
    path.unlink()
    path.write_text(json.dumps(value | {"digest": digest_of_json(value)}))
    with pytest.raises(InputError, match="time of sealing"):
        load_forecast(path)
