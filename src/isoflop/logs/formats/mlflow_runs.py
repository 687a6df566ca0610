"""A run as either of MLflow's stores keeps it, made into a LoggedRun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from isoflop.logs.build import logged_run
from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun, Setting
from isoflop.logs.source import LogSource

_FAILURES = {"FAILED": "crashed: MLflow has it as failed", "KILLED": "stopped: MLflow has it as killed"}


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What a store says of a run."""

    name: str
    status: str
    """RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
    deleted: bool = False
    """Marked as deleted: its files remain until they are collected."""
    params: Mapping[str, Setting] = field(default_factory=dict)
    points: Sequence[tuple[int, float, str, float]] = ()
    """(milliseconds since 1970, step, metric, value)."""


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Returns the tags that a program or a person set, which name recipes and data sets; MLflow's own are left out."""
    return {name: text for name, text in tags.items() if not name.startswith("mlflow.")}


def made_run(run: StoredRun, source: LogSource, words: str, options: LogOptions) -> LoggedRun:
    """Returns the run. The order of its metrics, each of which is stored alone, is that of their times."""
    gathered = Gathered()
    line: dict[str, float] = {}
    at: float | None = None
    stamp = 0.0
    for milliseconds, step, name, value in sorted(run.points, key=lambda point: point[:2]):
        if step != at or name in line:
            if line:
                gathered.add(at, line, stamp)
            line, at = {}, step
        line[name], stamp = value, milliseconds / 1000
    if line:
        gathered.add(at, line, stamp)
    return logged_run(
        gathered.logged(run.params),
        name=run.name,
        source=f"{source} ({words})",
        options=options,
        failure=_FAILURES.get(run.status, ""),
    )
