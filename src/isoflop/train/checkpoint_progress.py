"""progress.json of a checkpoint: where the run was, and what its next lines and its result need of the steps before."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from isoflop.errors import InputError
from isoflop.json_values import json_value
from isoflop.regular_files import read_regular

PROGRESS = "progress.json"
SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a resumed run needs besides weights and moments."""

    step: int
    """Optimiser steps taken."""
    wall_seconds: float
    """Training time so far, over all attempts."""
    recent_losses: tuple[float, ...]
    """Training losses (nats) since the last logged line."""
    tail_losses: tuple[float, ...]
    """Training losses (nats) of the last 5 % of the steps, as far as reached."""
    begun_step: int = 0
    """Steps that another run took for this one (`RunSpec.begins`); 0 where it took all itself."""
    begun_seconds: float = 0.0
    """Of `wall_seconds`, those of that run."""
    schema: int = SCHEMA


_LATER = {"begun_step", "begun_seconds"}
"""Fields that checkpoints of earlier versions lack."""


def read_progress(folder: Path) -> Progress:
    """The progress in `folder`. Raises ValueError if it is torn or of another step, InputError for another version."""
    value: Any = json_value(read_regular(folder / PROGRESS))
    if not isinstance(value, dict) or "schema" not in value:
        raise ValueError(f"{folder}: no progress")
    if value["schema"] != SCHEMA:
        raise InputError(
            f"{folder}: a checkpoint of schema {value['schema']}, expected {SCHEMA}; resume with the version of "
            f"isoflop that wrote it, or delete {folder.parent} to start the run over"
        )
    if set(value) | _LATER != {field.name for field in fields(Progress)}:
        raise ValueError(f"{folder}: other fields of progress")
    if value["step"] != int(folder.name.removeprefix("step-")):
        raise ValueError(f"{folder}: of step {value['step']}")
    value |= {name: tuple(value[name]) for name in ("recent_losses", "tail_losses")}
    return Progress(**value)
