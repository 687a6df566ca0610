"""What was said of a run while it was under way: one look at each stated share of its schedule, kept in a file.

A look answers as if the log ended at its share, so that it depends on the log up to there alone: a driver that was
killed and started again makes the looks that are missing, and the file ends as it would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Gt, Le

from isoflop.codec import JsonObject, Positive, Share, fields_to_json, from_json
from isoflop.errors import InputError
from isoflop.files import read_json, write_json_atomically
from isoflop.watch.history import Verdict
from isoflop.watch.result import Watched

SCHEMA = 1
"""Version of the file. Raise it when a field changes its meaning."""
SHARES = tuple(round(0.02 * k, 2) for k in range(2, 51))
"""Shares of the schedule at which a study looks at its planned run, unless others are stated."""

Done = Annotated[float, Gt(0), Le(1)]
_Interval = tuple[Positive, Positive]


@dataclass(frozen=True, kw_only=True)
class MethodLook:
    """The final loss by one method, at one look."""

    predicted_final: Positive
    interval: _Interval


@dataclass(frozen=True, kw_only=True)
class Look:
    """The answer at one share of the schedule."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    as_of: Done
    """Share of the schedule by which everything that the look has seen was logged."""
    share: Done
    """Share that the last loss was logged at."""
    tokens: Positive | None
    loss: Positive
    """The last loss that was logged by then, in nats per token."""
    verdict: Verdict
    reason: str
    """What the verdict rests on, in a clause."""
    predicted_final: Positive | None
    """By all methods together; None where none said anything yet."""
    interval: _Interval | None
    level: Share
    methods: Mapping[str, MethodLook]
    expected: tuple[Positive, Positive, Positive] | None
    """Low, middle and high of the sealed band there; None without one."""
    inside_forecast_probability: Annotated[float, Gt(-1e-9), Le(1 + 1e-9)] | None
    looked: float
    """Unix time of the look."""

    @classmethod
    def of(cls, watched: Watched, as_of: float, looked: float) -> Look:
        """The look that gave `watched` as of a share, at the Unix time `looked`."""
        return cls(
            as_of=as_of,
            share=watched.share,
            tokens=watched.tokens,
            loss=watched.loss,
            verdict=watched.verdict,
            reason=watched.reason,
            predicted_final=watched.predicted_final,
            interval=watched.interval,
            level=watched.level,
            methods={
                name: MethodLook(predicted_final=one.predicted_final, interval=one.interval)
                for name, one in watched.methods.items()
            },
            expected=watched.expected,
            inside_forecast_probability=watched.inside_forecast_probability,
            looked=looked,
        )


@dataclass(frozen=True, kw_only=True)
class Logbook:
    """The looks at one run, in order of their shares."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    run_id: str
    forecast_digest: str | None
    """Of the sealed forecast that it was held to; None without one."""
    looks: tuple[Look, ...] = ()

    @property
    def last(self) -> Look | None:
        """The latest look."""
        return self.looks[-1] if self.looks else None

    @property
    def changes(self) -> tuple[Look, ...]:
        """The looks whose verdict was another than the one before, the first among them."""
        before = (None, *(look.verdict for look in self.looks))
        return tuple(look for look, last in zip(self.looks, before, strict=False) if look.verdict != last)

    def as_json(self) -> JsonObject:
        """The JSON object of the file."""
        return {"schema": SCHEMA, **fields_to_json(self)}


def logbook_path(forecast_path: Path) -> Path:
    """Where the looks at the run of a forecast lie: `final.json` -> `final.watch.json`."""
    return forecast_path.with_suffix(".watch.json")


def write_logbook(path: Path, logbook: Logbook) -> None:
    """Writes the file, whole or not at all. Raises InputError when the disk does not take it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomically(path, logbook.as_json())


def read_logbook(path: Path) -> Logbook | None:
    """The looks in `path`; None before the first. Raises InputError where the file was changed."""
    if not path.exists():
        return None
    value = read_json(path)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise InputError(f"{path}: expected the looks at a run of schema {SCHEMA}; delete it, and it is made again")
    stated = {name: part for name, part in value.items() if name != "schema"}
    logbook = from_json(Logbook, stated, str(path))
    shares = [look.as_of for look in logbook.looks]
    if any(later <= earlier for earlier, later in pairwise(shares)):
        raise InputError(f"{path}: expected looks at rising shares; delete it, and they are made again")
    return logbook
