"""Forecasts written down by hand, and their outcomes: a small file of each, made once and never written again.

NAME.forecast.json holds what was predicted, from what and when; NAME.outcome.json holds what came, and names the digest
of the forecast. Both carry a digest of their own, which shows second thoughts. A file without one, as an editor makes
it, is read too: its times and numbers are taken as they stand.
"""

from __future__ import annotations

import json
import math
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Len

from isoflop import __version__
from isoflop.codec import JsonObject, Number, Pair, Positive, Share, fields_to_json, from_json
from isoflop.digest import check_digest, digest_of_json
from isoflop.errors import InputError, quoted
from isoflop.files import create_whole, read_json
from isoflop.ledger.dates import day, unix_time
from isoflop.ledger.distribution import is_log_scaled
from isoflop.ledger.safe_files import is_there
from isoflop.regular_files import make_folder
from isoflop.units import format_number

SCHEMA = 1
FORECAST_SUFFIX, OUTCOME_SUFFIX = ".forecast.json", ".outcome.json"

LARGEST = 1e100
_NAME = re.compile(r"[\w][\w .+-]{0,99}")
_SLACK = 86_400.0  # seconds: clocks and time zones of two people
Words = Annotated[str, Len(0, 400)]
Name = Annotated[str, Len(1, 100)]


@dataclass(frozen=True, kw_only=True)
class WrittenForecast:
    """What somebody predicted. Times are dates, or Unix times."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: Name
    predicted: Number
    sealed: float | str
    """When it was made."""
    made_from: Words
    """From what: runs, a law, a table."""
    quantity: Name = "loss"
    unit: Words = ""
    interval: Pair | None = None
    level: Share | None = None
    study: Words = ""
    """Forecasts of one study are not independent; empty: `made_from` says which those are."""
    flops: Positive | None = None
    """Training FLOPs of the run that it is of."""
    data_flops: Positive | None = None
    """FLOPs of the largest run that it was made from."""
    began: float | str | None = None
    """When that run began, where it had begun or a date is known."""

    def __post_init__(self) -> None:
        problems = []
        if _NAME.fullmatch(self.name) is None or self.name.strip() != self.name:
            problems.append(f"name: expected letters, digits, spaces and . _ + -, got {quoted(self.name)}")
        if (self.interval is None) != (self.level is None):
            problems.append("interval, level: expected both or neither")
        if self.level is not None and not 0 < self.level < 1:
            problems.append(f"level: expected a probability between 0 and 1, got {self.level}")
        numbers = [self.predicted, *(self.interval or ()), self.flops or 1.0, self.data_flops or 1.0]
        if not all(math.isfinite(number) and abs(number) < LARGEST for number in numbers):
            problems.append(f"predicted, interval, flops: expected finite numbers below 1e100, got {numbers}")
        if self.interval is not None and not self.interval[0] <= self.predicted <= self.interval[1]:
            problems.append(f"interval: expected low <= predicted <= high, got {self.interval}")
        if is_log_scaled(self.quantity) and min([self.predicted, *(self.interval or ())]) <= 0:
            problems.append(f"predicted, interval: expected positive numbers of {self.quantity}")
        for what, value in (("sealed", self.sealed), ("began", self.began)):
            try:
                if value is not None:
                    unix_time(value, what)
            except InputError as error:
                problems.append(str(error))
        if problems:
            raise InputError("; ".join(problems))

    @property
    def sealed_at(self) -> float:
        """Unix time at which it was made."""
        return unix_time(self.sealed, "sealed")

    @property
    def began_at(self) -> float | None:
        """Unix time at which its run began; None where nobody says."""
        return None if self.began is None else unix_time(self.began, "began")


@dataclass(frozen=True, kw_only=True)
class WrittenOutcome:
    """What came of a forecast."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    actual: Number
    scored: float | str
    """When it was known."""
    forecast_digest: str = ""
    """Digest of the forecast; empty where it has none."""
    source: Words = ""
    """Where the number stands, in words."""

    def __post_init__(self) -> None:
        unix_time(self.scored, "scored")

    @property
    def scored_at(self) -> float:
        """Unix time at which it was known."""
        return unix_time(self.scored, "scored")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A forecast's file as it is stored, and its outcome's where that is there."""

    forecast: WrittenForecast
    digest: str
    """Its own; empty where the file carries none."""
    written: float | None
    """Unix time at which the file was made; None where it does not say."""
    outcome: WrittenOutcome | None


def add_forecast(folder: str | Path, forecast: WrittenForecast) -> Path:
    """Writes `forecast` to a file of its own in `folder`, and returns the path; the same a second time changes nothing.

    Raises InputError where another forecast of that name stands there, and for a time that lies ahead.
    """
    if forecast.sealed_at > time.time() + _SLACK:
        raise InputError(f"--when: {day(forecast.sealed_at)} lies ahead; a forecast is written down when it was made")
    path = forecast_path(Path(folder), forecast.name)
    if _create(path, {"written_forecast": fields_to_json(forecast)}):
        return path
    existing = read_written(path).forecast
    if replace(forecast, sealed=existing.sealed) != existing:
        raise InputError(
            f"{path}: another forecast of this name stands here, of {existing.quantity} "
            f"{format_number(existing.predicted, 6)}; it is never rewritten: use another name"
        )
    return path


def add_outcome(folder: str | Path, name: str, actual: float, *, when: float, source: str = "") -> Path:
    """Writes what came of the forecast `name` in `folder` to a file of its own, and returns its path.

    The same outcome a second time changes nothing. Raises InputError where there is no such forecast, for an outcome
    that its quantity cannot have, and where another outcome stands there.
    """
    path = forecast_path(Path(folder), name)
    if not is_there(path):
        known = sorted(one.name.removesuffix(FORECAST_SUFFIX) for one in path.parent.glob(f"*{FORECAST_SUFFIX}"))
        here = f"expected one of {', '.join(known)}" if known else "there is none; write one down with --add"
        raise InputError(f"--outcome: no forecast {quoted(name)} in {folder}: {here}")
    written = read_written(path)
    if is_log_scaled(written.forecast.quantity) and not actual > 0:
        raise InputError(f"--outcome: expected a positive {written.forecast.quantity}, got {actual!r}")
    outcome = WrittenOutcome(actual=actual, scored=when, forecast_digest=written.digest, source=source)
    place = outcome_path(path)
    if not _create(place, {"outcome": fields_to_json(outcome)}) and (
        written.outcome is None or (written.outcome.actual, written.outcome.source) != (actual, source)
    ):
        stands = "another" if written.outcome is None else format_number(written.outcome.actual, 6)
        raise InputError(
            f"{place}: an outcome stands here already, {stands}; it is never rewritten: delete that file to correct it"
        )
    return place


def forecast_path(folder: Path, name: str) -> Path:
    """Where the forecast `name` lies in `folder`. Raises InputError for what cannot be a file's name."""
    if _NAME.fullmatch(name) is None:
        raise InputError(f"name: expected letters, digits, spaces and . _ + -, got {quoted(name)}")
    return folder / f"{name.replace(' ', '-')}{FORECAST_SUFFIX}"


def outcome_path(forecast: Path) -> Path:
    """Where the outcome of the forecast in that file lies."""
    return forecast.with_name(forecast.name.removesuffix(FORECAST_SUFFIX) + OUTCOME_SUFFIX)


def read_written(path: Path) -> Written:
    """The forecast in `path` and its outcome. Raises InputError where either cannot be read, or was changed."""
    value = _checked(path, "written_forecast")
    digest, written = value.get("digest"), value.get("written")
    forecast = from_json(WrittenForecast, value["written_forecast"], str(path))
    return Written(
        forecast=forecast,
        digest=digest if isinstance(digest, str) else "",
        written=written if isinstance(written, float) else None,
        outcome=_outcome(outcome_path(path), forecast, digest if isinstance(digest, str) else ""),
    )


def _outcome(path: Path, forecast: WrittenForecast, digest: str) -> WrittenOutcome | None:
    if not is_there(path):
        return None
    outcome = from_json(WrittenOutcome, _checked(path, "outcome")["outcome"], str(path))
    if outcome.forecast_digest != digest:
        raise InputError(f"{path}: the outcome of another forecast than the one next to it; bring that forecast back")
    if is_log_scaled(forecast.quantity) and not outcome.actual > 0:
        raise InputError(f"{path}: actual: expected a positive {forecast.quantity}, got {outcome.actual!r}")
    return outcome


def _checked(path: Path, key: str) -> JsonObject:
    """The JSON object in `path`, which has `key`. Raises InputError for another, and where it was changed."""
    value = read_json(path)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or key not in value:
        raise InputError(f"{path}: expected a JSON object with schema {SCHEMA} and {key}, as isoflop ledger writes it")
    check_digest(path, value)
    return value


def _create(path: Path, content: JsonObject) -> bool:
    body = {"schema": SCHEMA, **content, "written": time.time(), "isoflop_version": __version__}
    text = json.dumps({**body, "digest": digest_of_json(body)}, sort_keys=True, indent=1, allow_nan=False) + "\n"
    make_folder(path.parent)
    return create_whole(path, text.encode())
