"""What a supervisor in a job reports of its trainer: JSON in a private folder, which the driver reads.

submitit would report it as a pickle, and unpickling runs whatever somebody put into it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from isoflop.codec import from_json, to_json
from isoflop.errors import InputError
from isoflop.files import write_json_atomically
from isoflop.json_values import json_value
from isoflop.regular_files import read_regular
from isoflop.runs.engines.supervisor import supervise

LONGEST_MESSAGE = 2000
"""Characters of a message that are kept."""


@dataclass(frozen=True, kw_only=True)
class SupervisorReport:
    """How the trainer on one machine of a job ended."""

    code: int
    """Its exit code."""
    message: str
    """Why it ended."""
    failed: bool = False
    """Whether the supervisor itself failed: `message` is its error."""


def supervise_and_report(path: str, command: Sequence[str], reports: str) -> None:
    """Supervises as `supervise` does; the outcome goes to a file of this task in the folder `reports`."""
    try:
        code, message = supervise(path, command)
        report = SupervisorReport(code=code, message=message[:LONGEST_MESSAGE])
    except Exception as error:  # whatever it was: the driver learns of it by this file or not at all
        report = SupervisorReport(code=1, message=f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE], failed=True)
    task = int(os.environ.get("SLURM_PROCID") or os.environ.get("SUBMITIT_LOCAL_GLOBALID") or 0)
    folder = Path(reports)
    folder.mkdir(exist_ok=True)
    write_json_atomically(_file(folder, task), to_json(report))


def read_report(reports: Path, task: int) -> SupervisorReport | None:
    """What the task with this number reported; None while it has not, and where its file cannot be read."""
    with suppress(OSError, ValueError, InputError):
        return from_json(SupervisorReport, json_value(read_regular(_file(reports, task))), "report")
    return None


def _file(reports: Path, task: int) -> Path:
    return reports / f"task-{task}.json"
