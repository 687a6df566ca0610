"""MLflow: one MLflow run per run, identified by a tag; the server is asked what it already has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from isoflop.runs.registry import extra
from isoflop.runs.result import RunResult
from isoflop.runs.trackers.base import Point, TrackedRun

TAG = "isoflop.run_id"
_AT_ONCE = 1000
"""Most metrics of one call (MLflow's REST API, runs/log-batch)."""


@dataclass(kw_only=True)
class MLflow:
    """Runs on the server `MLFLOW_TRACKING_URI`, or else in a folder, as an experiment named after the study."""

    name: ClassVar[str] = "mlflow"
    folder: Path
    """Its files lie in `mlflow` below it."""
    project: str
    _client: Any = field(init=False)
    _experiment: str = field(default="", init=False)

    def __post_init__(self) -> None:
        # MLflow reports its use to its makers by default, and refuses a folder by default
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        self._client = extra("mlflow").MlflowClient(tracking_uri=self.where)

    @property
    def where(self) -> str:
        """The server's address, or the folder's."""
        return os.environ.get("MLFLOW_TRACKING_URI") or (self.folder / "mlflow").as_uri()

    def open(self, run: TrackedRun) -> MLflowRun:
        """The run with this tag, gone on with, or a new one."""
        if not self._experiment:
            named = os.environ.get("MLFLOW_EXPERIMENT_NAME") or self.project
            present = self._client.get_experiment_by_name(named)
            self._experiment = present.experiment_id if present else self._client.create_experiment(named)
        existing = self._client.search_runs([self._experiment], filter_string=f"tags.`{TAG}` = '{run.run_id}'")
        if existing:
            self._client.update_run(existing[0].info.run_id, status="RUNNING")
            return MLflowRun.again(self._client, existing[0])
        tags = {TAG: run.run_id, **({"isoflop.budget": run.group} if run.group else {})}
        created = self._client.create_run(self._experiment, run_name=run.name, tags=tags)
        param = extra("mlflow", "entities").Param
        self._client.log_batch(created.info.run_id, params=[param(*leaf) for leaf in _flat(run.config)])
        return MLflowRun(client=self._client, run_id=created.info.run_id)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(kw_only=True)
class MLflowRun:
    """A run on the server."""

    client: Any
    run_id: str
    last_step: int = -1
    present: frozenset[str] = frozenset()
    """Metrics that it had when it was opened."""

    @classmethod
    def again(cls, client: Any, run: Any) -> MLflowRun:
        """A run that is present, with the last step that it has."""
        names = frozenset(run.data.metrics)
        steps = [point.step for point in client.get_metric_history(run.info.run_id, "tokens")] if names else []
        return cls(client=client, run_id=run.info.run_id, last_step=max(steps, default=-1), present=names)

    def log(self, points: Sequence[Point]) -> None:
        """A metric a value, there when this returns."""
        metric = extra("mlflow", "entities").Metric
        rows = [
            metric(key=name, value=value, timestamp=round(point.time * 1000), step=point.step)
            for point in points
            for name, value in point.values.items()
        ]
        for start in range(0, len(rows), _AT_ONCE):
            self.client.log_batch(self.run_id, metrics=rows[start : start + _AT_ONCE])
        self.last_step = points[-1].step

    def close(self, last: Point | None, result: RunResult | None) -> None:
        """Marks it finished, failed, or, where the run will be continued, killed."""
        if last is not None:
            new = {name: value for name, value in last.values.items() if name not in self.present}
            self.log([Point(step=last.step, time=last.time, values=new)])
        status = "KILLED" if result is None else "FINISHED" if result.status == "done" else "FAILED"
        self.client.set_terminated(self.run_id, status)


def _flat(config: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, value as text) of every leaf."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(value)
