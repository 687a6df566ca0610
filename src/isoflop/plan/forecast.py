"""Forecasts that cannot be bent afterwards: sealed before the run, scored after it.

A sealed file holds what was predicted, from which data (their digest), when, and a digest of its own. It is created
once and never written again; its score goes to a file beside it. The digest shows accidents and second thoughts; it is
no signature.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from isoflop import __version__
from isoflop.errors import InputError, quoted
from isoflop.files import decoding, read_json, storing, sync, temporary_beside, write_json_atomically
from isoflop.plan.prediction import Prediction

SCHEMA = 1
"""Version of forecast and score files. Raise it when a field changes its meaning."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is predicted of one run, and from what."""

    params: float
    """Parameters of the model that will be trained, in `params_convention`."""
    tokens: float
    """Training tokens."""
    flops: float
    """Training FLOPs, in `flops_convention`."""
    loss: float
    """Predicted final validation loss, in `loss_unit`."""
    interval: tuple[float, float] | None
    """Where the loss is expected with probability `level`; None when the law has no draws."""
    level: float | None
    """Nominal probability of `interval`, e.g. 0.9; None without an interval."""
    law: str
    """Name of the law, or `fit`."""
    observations_digest: str | None
    """SHA-256 of the observations that the law was fitted to; None for a published law."""
    params_convention: str
    flops_convention: str
    loss_unit: str
    run_id: str | None = None
    """The run that will show it, when it is designed already."""

    def __post_init__(self) -> None:
        problems = [
            f"{name}: expected a positive number, got {getattr(self, name)!r}"
            for name in ("params", "tokens", "flops", "loss")
            if not (_is_number(getattr(self, name)) and math.isfinite(getattr(self, name)) and getattr(self, name) > 0)
        ]
        if (self.interval is None) != (self.level is None):
            problems.append("interval, level: expected both or neither")
        elif self.interval is not None and not self.interval[0] <= self.interval[1]:
            problems.append(f"interval: expected (low, high), got {self.interval}")
        if self.level is not None and not 0 < self.level < 1:
            problems.append(f"level: expected a probability between 0 and 1, got {self.level}")
        if problems:
            raise InputError.gathered("forecast", problems)

    @classmethod
    def of(cls, prediction: Prediction, *, observations_digest: str | None, run_id: str | None = None) -> Forecast:
        """The forecast that a prediction makes, from the observations of this digest, for the run of this id."""
        return cls(
            params=prediction.params,
            tokens=prediction.tokens,
            flops=prediction.flops,
            loss=prediction.loss,
            interval=prediction.interval,
            level=None if prediction.interval is None else prediction.level,
            law=prediction.law.name,
            observations_digest=observations_digest,
            params_convention=prediction.law.params_convention,
            flops_convention=prediction.law.flops_convention,
            loss_unit=prediction.law.loss_unit,
            run_id=run_id,
        )

    def as_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back."""
        value = asdict(self)
        value["interval"] = None if self.interval is None else list(self.interval)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Forecast:
        """The forecast that `as_json` wrote. Raises InputError that lists missing and unknown fields."""
        if not isinstance(value, Mapping):
            raise InputError(f"forecast: expected an object, got {quoted(value)}")
        names = {field.name for field in fields(cls)}
        problems = [f"{name}: missing" for name in sorted(names - set(value))]
        problems += [f"{name}: not a field of a forecast" for name in sorted(set(value) - names)]
        if problems:
            raise InputError.gathered("forecast", problems)
        parts: dict[str, Any] = dict(value)
        if parts["interval"] is not None:
            low, high = parts["interval"]
            parts["interval"] = (low, high)
        return cls(**parts)


@dataclass(frozen=True, kw_only=True)
class SealedForecast:
    """A forecast as it lies on disk."""

    forecast: Forecast
    sealed: float
    """Unix time of sealing."""
    isoflop_version: str
    digest: str
    """SHA-256 of all the above, in canonical JSON."""


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


def seal(path: Path, forecast: Forecast) -> SealedForecast:
    """Writes `forecast` to `path`, with the time and its digest, and never again.

    The same forecast a second time changes nothing and returns what is there. Raises InputError when `path` holds
    another forecast or one that was changed, or cannot be written.
    """
    body = {
        "schema": SCHEMA,
        "forecast": forecast.as_json(),
        "sealed": time.time(),
        "isoflop_version": __version__,
    }
    text = json.dumps({**body, "digest": _digest(body)}, sort_keys=True, indent=1, allow_nan=False) + "\n"
    if not _create(path, text.encode()):
        there = load_forecast(path)
        if there.forecast != forecast:
            raise InputError(
                f"{path}: another forecast is sealed here, of loss {there.forecast.loss:.6g} where this one says "
                f"{forecast.loss:.6g}; a sealed forecast is never rewritten: use another name"
            )
        return there
    return load_forecast(path)


def load_forecast(path: Path) -> SealedForecast:
    """The forecast sealed in `path`. Raises InputError when it is missing, of another version, or was changed."""
    value = read_json(path)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise InputError(f"{path}: expected a forecast file of schema {SCHEMA}; another version of isoflop wrote it")
    body = {key: part for key, part in value.items() if key != "digest"}
    if value.get("digest") != _digest(body):
        raise InputError(f"{path}: changed after it was sealed (its digest does not fit); restore it from a copy")
    with decoding(path):
        return SealedForecast(
            forecast=Forecast.from_json(body["forecast"]),
            sealed=float(body["sealed"]),
            isoflop_version=str(body["isoflop_version"]),
            digest=str(value["digest"]),
        )


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
    inside = None
    if forecast.interval is not None:
        low, high = forecast.interval
        inside = low <= actual_loss <= high
    made = Score(
        actual=actual_loss,
        predicted=forecast.loss,
        error=forecast.loss / actual_loss - 1,
        inside=inside,
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


def load_score(forecast_path: Path) -> Score | None:
    """The score of the forecast in `forecast_path`; None when not scored yet. Raises InputError if unreadable."""
    path = score_path(forecast_path)
    if not path.exists():
        return None
    value = read_json(path)
    names = {field.name for field in fields(Score)}
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or set(value) != names | {"schema"}:
        raise InputError(f"{path}: expected a score file of schema {SCHEMA}; delete it and score anew")
    if problem := _wrong_score(value):
        raise InputError(f"{path}: {problem}; delete it and score anew")
    return Score(**{name: value[name] for name in names})


def _wrong_score(value: Mapping[str, Any]) -> str:
    """What of a score file is of another type than is written there; empty where nothing is."""
    for name in ("actual", "predicted", "error", "scored"):
        if not _is_number(value[name]) or (name in ("actual", "predicted") and value[name] <= 0):
            return f"{name}: expected a {'positive ' if name != 'error' else ''}number, got {quoted(value[name])}"
    if value["inside"] not in (True, False, None) or not isinstance(value["forecast_digest"], str):
        return "inside, forecast_digest: of another type than is written there"
    if not isinstance(value["run_id"], str | None):
        return f"run_id: expected text, got {quoted(value['run_id'])}"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _digest(body: Mapping[str, Any]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _create(path: Path, data: bytes) -> bool:
    """Creates `path` whole, read-only, and only if it is not there yet; returns whether it did.

    A hard link of a finished temporary file: exclusive like O_EXCL, and a crash leaves no half of a forecast.
    """
    with storing(path, len(data)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(path) as (temporary, file):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o444)
            try:
                os.link(temporary, path, follow_symlinks=False)
            except FileExistsError:
                return False
        sync(path.parent)
    return True
