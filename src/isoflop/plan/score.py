"""A sealed forecast against what happened: the score, in a file beside the forecast."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from isoflop.errors import InputError, quoted
from isoflop.files import read_json, write_json_atomically
from isoflop.plan.forecast import SCHEMA, Forecast, SealedForecast, load_forecast


@dataclass(frozen=True, kw_only=True)
class Score:
    """A forecast against what happened."""

    actual: float
    """Measured loss, in the forecast's unit."""
    predicted: float
    error: float
    """predicted / actual - 1: above zero when the run did better than forecast."""
    inside: bool | None
    """Whether the interval holds the measured loss; None when the forecast had no interval."""
    forecast_digest: str
    run_id: str | None
    """The run that was measured."""
    scored: float
    """Unix time."""

    def as_json(self) -> dict[str, Any]:
        """The JSON object of the score file."""
        return {"schema": SCHEMA, **asdict(self)}


def score_path(forecast_path: Path) -> Path:
    """Where the score of the forecast in `forecast_path` lies: `planned.json` -> `planned.score.json`."""
    return forecast_path.with_suffix(".score.json")


def score(path: Path, actual_loss: float, *, run_id: str | None = None) -> Score:
    """Scores the forecast sealed in `path` against a measured loss in its unit, and writes the score beside it.

    The same outcome a second time changes nothing. Raises InputError for a loss that is none, a forecast that was
    changed or that is of another run, and when another outcome was scored already.
    """
    if not (math.isfinite(actual_loss) and actual_loss > 0):
        raise InputError(f"{path}: expected the measured loss as a positive number, got {actual_loss!r}")
    sealed = load_forecast(path)
    forecast = sealed.forecast
    if run_id is not None and forecast.run_id is not None and run_id != forecast.run_id:
        raise InputError(f"{path}: the forecast is of run {forecast.run_id}, the loss of run {run_id}")
    made = Score(
        actual=actual_loss,
        predicted=forecast.loss,
        error=forecast.loss / actual_loss - 1,
        inside=_inside(forecast, actual_loss),
        forecast_digest=sealed.digest,
        run_id=run_id or forecast.run_id,
        scored=time.time(),
    )
    there = load_score(path)
    if there is None:
        write_json_atomically(score_path(path), made.as_json())
        return made
    if (there.actual, there.forecast_digest, there.run_id) != (made.actual, made.forecast_digest, made.run_id):
        raise InputError(
            f"{score_path(path)}: scored already, with a loss of {there.actual:.6g} where this one is "
            f"{actual_loss:.6g}; delete that file to score anew"
        )
    return there


def _inside(forecast: Forecast, actual: float) -> bool | None:
    return None if forecast.interval is None else forecast.interval[0] <= actual <= forecast.interval[1]


def load_score(forecast_path: Path) -> Score | None:
    """The score of the forecast in `forecast_path`; None when not scored yet.

    Raises InputError where it cannot be read, is of another forecast than is sealed there, or was changed.
    """
    path = score_path(forecast_path)
    if not path.exists():
        return None
    value = read_json(path)
    names = {field.name for field in fields(Score)}
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or set(value) != names | {"schema"}:
        raise InputError(f"{path}: expected a score file of schema {SCHEMA}; delete it and score anew")
    if problem := _wrong_type(value):
        raise InputError(f"{path}: {problem}; delete it and score anew")
    found = Score(**{name: value[name] for name in names})
    _check(path, found, load_forecast(forecast_path))
    return found


def _wrong_type(value: Mapping[str, Any]) -> str:
    """What of a score file is of another type than is written there; empty where nothing is."""
    for name in ("actual", "predicted", "error", "scored"):
        number = value[name]
        is_number = isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        if not is_number or (name in ("actual", "predicted") and number <= 0):
            return f"{name}: expected a {'positive ' if name != 'error' else ''}number, got {quoted(number)}"
    if value["inside"] not in (True, False, None) or not isinstance(value["forecast_digest"], str):
        return "inside, forecast_digest: of another type than is written there"
    if not isinstance(value["run_id"], str | None):
        return f"run_id: expected text, got {quoted(value['run_id'])}"
    return ""


def _check(path: Path, found: Score, sealed: SealedForecast) -> None:
    """Raises InputError where a score is not one that `score` can have written of this forecast."""
    if found.forecast_digest != sealed.digest:
        raise InputError(
            f"{path}: the score of another forecast (digest {str(found.forecast_digest)[:12]}) than the one sealed "
            f"beside it ({sealed.digest[:12]}); bring that forecast back, or delete the score to score this one"
        )
    said, actual = sealed.forecast, found.actual
    follows = (found.predicted, found.error, found.inside) == (
        said.loss,
        said.loss / actual - 1,
        _inside(said, actual),
    )
    if not follows or said.run_id not in (None, found.run_id):
        raise InputError(f"{path}: changed after it was written (its numbers do not agree); delete it and score anew")
