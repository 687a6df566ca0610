"""The score of a sealed forecast against the measured loss, in a file next to the forecast."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Gt

from isoflop.codec import JsonObject, fields_to_json, from_json
from isoflop.errors import InputError
from isoflop.files import read_json, write_json_atomically
from isoflop.plan.sealed_forecast import SCHEMA, Forecast, SealedForecast, load_forecast
from isoflop.units import format_number

Positive = Annotated[float, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class Score:
    """A forecast against the measured loss."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    actual: Positive
    """Measured loss, in the forecast's unit."""
    predicted: Positive
    error: float
    """predicted / actual - 1: above zero when the run did better than forecast."""
    inside: bool | None
    """Whether the interval holds the measured loss; None when the forecast had no interval."""
    forecast_digest: str
    run_id: str | None
    """The run that was measured."""
    scored: float
    """Unix time."""

    def as_json(self) -> JsonObject:
        """The JSON object of the score file."""
        return {"schema": SCHEMA, **fields_to_json(self)}


def score_path(forecast_path: Path) -> Path:
    """Where the score of the forecast in `forecast_path` lies: `planned.json` -> `planned.score.json`."""
    return forecast_path.with_suffix(".score.json")


def score(path: Path, actual_loss: float, *, run_id: str | None = None) -> Score:
    """Scores the forecast sealed in `path` against a measured loss in its unit, and writes the score next to it.

    The same outcome a second time changes nothing. Raises InputError unless the loss is positive, for a forecast that
    was changed or that is of another run, and when another outcome was scored already.
    """
    if not (math.isfinite(actual_loss) and actual_loss > 0):
        raise InputError(f"{path}: expected the measured loss as a positive number, got {actual_loss!r}")
    sealed = load_forecast(path)
    forecast = sealed.forecast
    if run_id is not None and forecast.run_id is not None and run_id != forecast.run_id:
        raise InputError(f"{path}: the forecast is of run {forecast.run_id}, the loss of run {run_id}")
    outcome = Score(
        actual=actual_loss,
        predicted=forecast.loss,
        error=forecast.loss / actual_loss - 1,
        inside=_inside(forecast, actual_loss),
        forecast_digest=sealed.digest,
        run_id=run_id or forecast.run_id,
        scored=time.time(),
    )
    existing = load_score(path)
    if existing is None:
        write_json_atomically(score_path(path), outcome.as_json())
        return outcome
    if (existing.actual, existing.forecast_digest, existing.run_id) != (
        outcome.actual,
        outcome.forecast_digest,
        outcome.run_id,
    ):
        raise InputError(
            f"{score_path(path)}: scored already, with a loss of {format_number(existing.actual, 6)} where this one is "
            f"{format_number(actual_loss, 6)}; delete that file to score again"
        )
    return existing


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
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise InputError(f"{path}: expected a score file of schema {SCHEMA}; delete it and score again")
    try:
        found = from_json(Score, {name: part for name, part in value.items() if name != "schema"}, str(path))
    except InputError as error:
        raise InputError(f"{error}; delete it and score again") from error
    _check(path, found, load_forecast(forecast_path))
    return found


def _check(path: Path, found: Score, sealed: SealedForecast) -> None:
    """Raises InputError where a score is not one that `score` can have written of this forecast."""
    if found.forecast_digest != sealed.digest:
        raise InputError(
            f"{path}: the score of another forecast (digest {str(found.forecast_digest)[:12]}) than the one sealed "
            f"next to it ({sealed.digest[:12]}); bring that forecast back, or delete the score to score this one"
        )
    forecast, actual = sealed.forecast, found.actual
    follows = (found.predicted, found.error, found.inside) == (
        forecast.loss,
        forecast.loss / actual - 1,
        _inside(forecast, actual),
    )
    if not follows or forecast.run_id not in (None, found.run_id):
        raise InputError(f"{path}: changed after it was written (its numbers do not agree); delete it and score again")
