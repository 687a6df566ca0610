"""How far the run of a plan is: what `isoflop status` says of the folder of `isoflop run PLAN.TOML`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from isoflop.codec import JsonObject, fields_to_json, to_json
from isoflop.plan import Score, load_score
from isoflop.plan.plan_toml import PlannedRun
from isoflop.runs import RunFolder, RunResult, run_folders
from isoflop.runs.folder import FolderStatus
from isoflop.study.folder import StudyFolder
from isoflop.study.running import Running, read_running
from isoflop.study.seals import Seals, read_seals
from isoflop.watch.logbook import Look, logbook_path, read_logbook


@dataclass(frozen=True, kw_only=True)
class PlannedStatus:
    """The run of a plan, as its folder has it."""

    planned: PlannedRun
    run: RunFolder | None
    """None before its text was read."""
    stage: FolderStatus
    """Of the run; `waiting` where it has none."""
    tokens: int
    """Training tokens done, by the last report of its trainer."""
    train_loss_nats: float | None
    """Of the last logged step."""
    running: Running | None
    """None where no driver is at work."""
    last_look: Look | None
    """What was last seen of it, watched; None where it was not."""
    result: RunResult | None
    score: Score | None
    """The sealed forecast against the loss; None before the end, and where nothing was forecast."""
    seals: Seals | None
    """The state of the seal; None without a forecast."""

    def as_json(self) -> JsonObject:
        """`{stage, run, tokens, total_tokens, train_loss, running, watch, result, score}`; null where not reached."""
        seals = {} if self.seals is None else self.seals.as_json()
        return {
            "stage": self.stage,
            "run": None if self.run is None else str(self.run.path),
            "tokens": self.tokens,
            "total_tokens": self.planned.run.tokens,
            "train_loss": self.train_loss_nats,
            "running": None if self.running is None else self.running.at(time.time()),
            "watch": None if self.last_look is None else fields_to_json(self.last_look),
            "result": to_json(self.result),
            "score": None if self.score is None else {**self.score.as_json(), **seals},
        }


def planned_status(folder: Path) -> PlannedStatus | None:
    """How far the run of a plan is in `folder`; None where it holds no plan, or is a study.

    Raises InputError for a file of it that cannot be read.
    """
    place = StudyFolder(folder)
    copy = folder / "plan.toml"
    if place.settings.exists() or not copy.exists():
        return None
    planned = PlannedRun.read(copy)
    run = next(iter(run_folders(place.runs)), None)
    beat = None if run is None else run.read_heartbeat()
    result = None if run is None else run.read_result()
    sealed = place.forecast.exists()
    logbook = read_logbook(logbook_path(place.forecast)) if sealed else None
    tokens = result.tokens_seen if result is not None else beat.tokens if beat is not None else None
    return PlannedStatus(
        planned=planned,
        run=run,
        stage="waiting" if run is None else run.status(),
        tokens=tokens or 0,
        train_loss_nats=None if beat is None else beat.train_loss_nats,
        running=read_running(place),
        last_look=None if logbook is None else logbook.last,
        result=result,
        score=load_score(place.forecast) if sealed else None,
        seals=read_seals(place) if sealed else None,
    )
