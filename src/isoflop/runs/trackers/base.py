"""The interface of a tracker, and what it is sent: the points of a run, read from its folder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from isoflop.runs.folder import RunFolder
from isoflop.runs.result import RunResult
from isoflop.units import format_number, format_quantity


@dataclass(frozen=True, kw_only=True)
class Point:
    """What one line of metrics.jsonl says."""

    step: int
    time: float
    """Unix time in seconds: the first start and the training seconds since, so that it is the same when sent again."""
    values: Mapping[str, float]
    """{name: number}, finite ones only."""


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A run as a tracker shows it."""

    run_id: str
    name: str
    """Parameters, tokens and id: `222K on 3.23M, a01864cec293`."""
    group: str
    """Runs of one isoFLOP budget; empty without a budget."""
    config: Mapping[str, object]
    """The spec, as in spec.json."""

    @classmethod
    def of(cls, folder: RunFolder) -> TrackedRun:
        """The run of `folder`. Raises InputError where its spec does not read."""
        spec = folder.read_spec()
        size = format_quantity(spec.architecture.params().non_embedding)
        return cls(
            run_id=folder.run_id,
            name=f"{size} on {format_quantity(spec.tokens)}, {folder.run_id}",
            group="" if spec.budget_flops is None else f"{format_number(spec.budget_flops)} FLOPs",
            config=spec.as_json(),
        )


class Entry(Protocol):
    """A run's place in a tracker, open to be written."""

    @property
    def last_step(self) -> int:
        """The last step that is there already; -1 without any."""

    def log(self, points: Sequence[Point]) -> None:
        """Adds points, in order of their steps, all after `last_step`."""

    def close(self, last: Point | None, result: RunResult | None) -> None:
        """Ends it: with `last`, what the run came to, and its result, or, without, as one that will be continued."""


class Tracker(Protocol):
    """Where runs are shown. Any exception of its methods is the tracker's failure, which costs no run anything."""

    @property
    def name(self) -> str:
        """Its name in `registry.TRACKERS`."""

    @property
    def where(self) -> str:
        """Where it keeps runs, for people and to know what was sent there: a folder or an address."""

    def open(self, run: TrackedRun) -> Entry:
        """The place of `run`, created where it does not exist."""

    def close(self) -> None:
        """Lets go of the tracker; its entries are closed."""


def points_of(folder: RunFolder) -> list[Point]:
    """Whole lines of metrics.jsonl as points, in order."""
    attempts = folder.attempts()
    began = attempts[0].started if attempts else 0.0
    points = []
    for line in folder.read_metrics().lines:
        values = {name: float(value) for name, value in sorted(line.items()) if name != "step" and _is_number(value)}
        if isinstance(line.get("step"), int):
            points.append(Point(step=line["step"], time=began + values.get("wall_seconds", 0.0), values=values))
    return points


def last_point(result: RunResult) -> Point:
    """What a run came to, as a point at its last step: validation losses, and those by domain."""
    facts = {"val_loss_nats": result.val_loss_nats, "bits_per_byte": result.bits_per_byte}
    facts |= {f"val_loss_nats.{domain}": facts["loss_nats"] for domain, facts in result.domains.items()}
    values = {name: value for name, value in facts.items() if value is not None}
    return Point(step=result.steps or 0, time=result.finished, values=values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
