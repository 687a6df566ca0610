"""Weights & Biases: a run a run, with the run's id. Offline it is a folder that `wandb sync` sends later."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from isoflop.runs.registry import extra
from isoflop.runs.result import RunResult
from isoflop.runs.trackers.base import Point, TrackedRun


@dataclass(kw_only=True)
class Wandb:
    """Runs in the project WANDB_PROJECT, or in one named after the study; WANDB_MODE and the login decide where."""

    name: ClassVar[str] = "wandb"
    folder: Path
    """W&B keeps its files in `wandb` below it."""
    project: str
    _wandb: ModuleType = field(init=False)

    def __post_init__(self) -> None:
        # W&B reports its own errors to its makers by default
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self._wandb = extra("wandb")
        self.project = os.environ.get("WANDB_PROJECT") or self.project

    @property
    def _offline(self) -> bool:
        """By WANDB_MODE, or by `wandb offline` in the working folder."""
        return bool(self._wandb.setup().settings.mode == "offline")

    @property
    def where(self) -> str:
        """The project, and whether it is offline."""
        if self._offline:
            return f"{self.folder / 'wandb'}; `wandb sync` sends it to the project {self.project}"
        return f"the project {self.project}"

    def open(self, run: TrackedRun) -> WandbRun:
        """The run with this id, continued where it exists. Offline it is written again: no folder can be extended."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._offline:
            for old in (self.folder / "wandb").glob(f"offline-run-*-{run.run_id}"):
                shutil.rmtree(old, ignore_errors=True)
        created = self._wandb.init(
            project=self.project,
            id=run.run_id,
            name=run.name,
            group=run.group or None,
            config=dict(run.config),
            dir=str(self.folder),
            resume="allow",
            reinit="create_new",
            # the follower's own machine, output and code say nothing of the run
            settings=self._wandb.Settings(
                silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True
            ),
        )
        return WandbRun(run=created, last_step=created.step - 1)

    def close(self) -> None:
        """Waits for what W&B's own process has still to write, and ends it."""
        self._wandb.teardown()


@dataclass(kw_only=True)
class WandbRun:
    """An open run."""

    run: Any
    last_step: int

    def log(self, points: Sequence[Point]) -> None:
        """A row of history a point; W&B sends them in its own time."""
        for point in points:
            self.run.log(dict(point.values), step=point.step)
            self.last_step = point.step

    def close(self, last: Point | None, result: RunResult | None) -> None:
        """Marks it finished, or failed where the run failed or was interrupted."""
        if last is not None:
            self.run.summary.update(dict(last.values))
        self.run.finish(exit_code=0 if result is not None and result.status == "done" else 1)
