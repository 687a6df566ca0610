"""A score is that of the forecast beside it, and of no other."""

import json

import pytest

from isoflop.errors import InputError
from isoflop.laws import published_law
from isoflop.plan import Forecast, load_score, predict, score, score_path, seal
from plan.forecasts import forecast


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
    prediction = predict(published_law("besiroglu2024"), 70e9, 1.4e12)
    seal(path, Forecast.of(prediction, observations_digest=None))
    made = score(path, 1.936)
    assert made.inside is None
    assert made.error == pytest.approx(1.973882 / 1.936 - 1, abs=1e-6)


def test_a_score_of_another_forecast_is_refused(tmp_path):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    score(path, 1.52)
    path.unlink()
    seal(path, forecast(loss=1.52, interval=(1.5, 1.6)))
    with pytest.raises(InputError, match="the score of another forecast"):
        load_score(path)
    with pytest.raises(InputError, match="delete the score to score this one"):
        score(path, 1.52)


@pytest.mark.parametrize(
    "changes",
    [
        {"actual": 1.5},
        {"error": 0.0},
        {"predicted": 1.52},
        {"inside": False},
        {"run_id": "ffffffffffff"},
        {"actual": 0.0},
        {"actual": "low"},
        {"actual": True},
    ],
)
def test_a_changed_score_is_noticed(tmp_path, changes):
    path = tmp_path / "planned.json"
    seal(path, forecast())
    score(path, 1.52)
    value = json.loads(score_path(path).read_text())
    assert value != value | changes
    score_path(path).write_text(json.dumps(value | changes))
    with pytest.raises(InputError, match="do not agree|greater than 0|a valid number"):
        load_score(path)
