"""The table of trackers: a name, and how its tracker is made."""

from __future__ import annotations

from pathlib import Path

from isoflop.runs.trackers.base import Tracker, TrackerName
from isoflop.runs.trackers.mlflow import MLflow
from isoflop.runs.trackers.tensorboard import TensorBoard
from isoflop.runs.trackers.wandb import Wandb


def make_tracker(name: TrackerName, folder: Path, project: str) -> Tracker:
    """The tracker `name`, its files in `folder`, runs under `project`.

    Raises InputError, with how to install it, when its library is missing.
    """
    if name == "tensorboard":
        return TensorBoard(folder=folder / "tensorboard")
    if name == "wandb":
        return Wandb(folder=folder, project=project)
    return MLflow(folder=folder / "mlflow", project=project)
