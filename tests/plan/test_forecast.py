"""A sealed forecast stays what it was, and says so when it does not."""

import json
import os
import threading

import pytest

from isoflop import __version__
from isoflop.errors import InputError
from isoflop.plan import Forecast, load_forecast, load_score, predict, published_source, score, score_path, seal


def forecast(**changes):
    values = {
        "params": 1.2e6,
        "tokens": 4.5e7,
        "flops": 3.3e14,
        "loss": 1.5,
        "interval": (1.45, 1.56),
        "level": 0.9,
        "law": "fitted",
        "observations_digest": "ab" * 32,
        "params_convention": "non_embedding",
        "flops_convention": "matmul",
        "loss_unit": "nats_per_token",
        "run_id": "0123456789ab",
    }
    return Forecast(**{**values, **changes})


def test_sealing_keeps_what_was_said_and_when(tmp_path):
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
def test_a_read_only_folder_is_said(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(InputError, match="permission"):
        seal(tmp_path / "planned.json", forecast())


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("isoflop.plan.forecast.os.fsync", full)
    with pytest.raises(InputError, match="disk full"):
        seal(tmp_path / "planned.json", forecast())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("actual", "inside", "error"), [(1.5, True, 0.0), (1.6, False, 1.5 / 1.6 - 1), (1.44, False, 1.5 / 1.44 - 1)]
)
def test_scores(tmp_path, actual, inside, error):
    path = tmp_path / "planned.json"
    sealed = seal(path, forecast())
    made = score(path, actual, run_id="0123456789ab")
    assert made.inside is inside
    assert made.error == pytest.approx(error)
    assert made.forecast_digest == sealed.digest
    assert load_score(path) == made
    assert score_path(path).name == "planned.score.json"


def test_scoring_twice_changes_nothing_and_another_outcome_is_refused(tmp_path):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    assert load_score(path) is None
    first = score(path, 1.52)
    assert score(path, 1.52) == first
    with pytest.raises(InputError, match="scored already"):
        score(path, 1.53)


def test_a_score_of_another_run_is_refused(tmp_path):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    with pytest.raises(InputError, match="ffff"):
        score(path, 1.5, run_id="ffffffffffff")


@pytest.mark.parametrize("actual", [0.0, -1.0, float("nan"), float("inf")])
def test_a_loss_that_is_none_is_refused(tmp_path, actual):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    with pytest.raises(InputError, match="positive"):
        score(path, actual)
    assert load_score(path) is None


def test_without_an_interval_nothing_is_inside_or_outside(tmp_path):
    path = tmp_path / "planned.json"
    prediction = predict(published_source("besiroglu2024"), 70e9, 1.4e12)
    seal(path, Forecast.of(prediction, observations_digest=None))
    made = score(path, 1.936)
    assert made.inside is None
    assert made.error == pytest.approx(1.973882 / 1.936 - 1, abs=1e-6)


def test_every_problem_of_a_forecast_is_listed():
    with pytest.raises(InputError, match=r"(?s)params.*loss.*level"):
        forecast(params=0, loss=-1, level=None)
    with pytest.raises(InputError, match="low, high"):
        forecast(interval=(2.0, 1.0))


def test_unknown_and_missing_fields_are_listed():
    value = forecast().as_json()
    del value["law"]
    value["colour"] = "red"
    with pytest.raises(InputError, match=r"(?s)law: missing.*colour"):
        Forecast.from_json(value)
