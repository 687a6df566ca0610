"""Forecasts that cannot be bent afterwards: sealed before the run, scored after it (score.py).

A sealed file holds what was predicted, from which data and fit (their digests), when, and a digest of its own. It is
created once and never written again. The digest shows accidents and second thoughts; it is no signature. That it was
there before the run is shown by the run's first start, which names it (seal_order.py), and to others by a file or git
note of the user's (witness.py).
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeGuard

from isoflop import __version__
from isoflop.codec import fields_to_json, from_json
from isoflop.digest import digest_of_json
from isoflop.errors import InputError, quoted
from isoflop.files import create_whole, decoding, read_json
from isoflop.plan.expected_course import ExpectedCourse
from isoflop.units import format_number

if TYPE_CHECKING:
    from isoflop.plan.prediction import Prediction

SCHEMA = 1
"""Version of forecast and score files. Raise it when a field changes its meaning."""
_LATEST = 2.5e11  # Unix time of the year 9892: calendars end in 9999


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The prediction for one run, and what it was made from."""

    # left out where it is not set: a forecast of an earlier version stays what it was, to the letter
    json_if_set: ClassVar = ("fit_digest", "course")
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    # whole numbers stay whole when read: the digest of a forecast is that of its text
    params: int | float
    """Parameters of the model that will be trained, in `params_convention`."""
    tokens: int | float
    """Training tokens."""
    flops: int | float
    """Training FLOPs, in `flops_convention`."""
    loss: int | float
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
    fit_digest: str | None = None
    """Digest of the file of the fit that made it; None for a published law, and in forecasts of earlier versions."""
    course: ExpectedCourse | None = None
    """Where the loss is expected on the way; None where no finished runs show it, and in earlier versions."""

    def __post_init__(self) -> None:
        problems = [
            f"{name}: expected a positive number, got {getattr(self, name)!r}"
            for name in ("params", "tokens", "flops", "loss")
            if not (_is_number(value := getattr(self, name)) and value > 0)
        ]
        if (self.interval is None) != (self.level is None):
            problems.append("interval, level: expected both or neither")
        elif self.interval is not None and not self.interval[0] <= self.interval[1]:
            problems.append(f"interval: expected (low, high), got {self.interval}")
        if self.level is not None and not 0 < self.level < 1:
            problems.append(f"level: expected a probability between 0 and 1, got {self.level}")
        if problems:
            raise InputError("; ".join(problems))

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


@dataclass(frozen=True, kw_only=True)
class SealedForecast:
    """A forecast as it is stored on disk."""

    forecast: Forecast
    sealed: float
    """Unix time of sealing."""
    isoflop_version: str
    digest: str
    """SHA-256 of all the above, in canonical JSON."""


def seal(path: Path, forecast: Forecast) -> SealedForecast:
    """Writes `forecast` to `path`, with the time and its digest, and never again.

    The same forecast a second time changes nothing and returns the existing one. Raises InputError when `path` holds
    another forecast or one that was changed, or cannot be written.
    """
    body = {
        "schema": SCHEMA,
        "forecast": fields_to_json(forecast),
        "sealed": time.time(),
        "isoflop_version": __version__,
    }
    text = json.dumps({**body, "digest": digest_of_json(body)}, sort_keys=True, indent=1, allow_nan=False) + "\n"
    if not create_whole(path, text.encode()):
        existing = load_forecast(path)
        # the file of a fit that was repeated differs, and its forecast may be the same; so with the way there
        if replace(existing.forecast, fit_digest=forecast.fit_digest, course=forecast.course) != forecast:
            raise InputError(
                f"{path}: another forecast is sealed in it, of loss {format_number(existing.forecast.loss, 6)} where "
                "this one has "
                f"{format_number(forecast.loss, 6)}; a sealed forecast is never rewritten: use another name"
            )
        return existing
    return load_forecast(path)


def load_forecast(path: Path) -> SealedForecast:
    """The forecast sealed in `path`. Raises InputError when it is missing, of another version, or was changed."""
    value = read_json(path)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise InputError(f"{path}: expected a forecast file of schema {SCHEMA}; another version of isoflop wrote it")
    if value.get("digest") != digest_of_json(value):
        raise InputError(f"{path}: changed after it was sealed (its digest does not fit); restore it from a copy")
    sealed = value.get("sealed")
    if not _is_number(sealed) or not 0 <= sealed < _LATEST:
        raise InputError(
            f"{path}: expected the time of sealing as a number, got {quoted(sealed)}; restore it from a copy"
        )
    with decoding(path):
        return SealedForecast(
            forecast=from_json(Forecast, value.get("forecast"), "forecast"),
            sealed=sealed,
            isoflop_version=str(value.get("isoflop_version")),
            digest=str(value["digest"]),
        )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
