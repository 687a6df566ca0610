"""What a supervisor in a job of Slurm says of its trainer: JSON in a private folder, which the driver reads.

submitit would have it as a pickle, and unpickling runs whatever somebody put into it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from isoflop.errors import InputError
from isoflop.files import write_json_atomically
from isoflop.regular_files import read_regular
from isoflop.runs.engines.supervisor import supervise

LONGEST_WORDS = 2000
"""Characters of a message that are kept."""


@dataclass(frozen=True, kw_only=True)
class SupervisorReport:
    """How the trainer of one machine of a job ended."""

    code: int
    """Its exit code."""
    words: str
    """Why."""
    failed: bool = False
    """Whether the supervisor itself came to grief: `words` is its error."""


def supervise_and_report(path: str, command: Sequence[str], reports: str) -> None:
    """As `supervise`; how it ended goes to a file in the folder `reports`, named after the number of this task."""
    try:
        code, words = supervise(path, command)
        report = SupervisorReport(code=code, words=words[:LONGEST_WORDS])
    except Exception as error:  # whatever it was: the driver is told in this way or in none
        report = SupervisorReport(code=1, words=f"{type(error).__name__}: {error}"[:LONGEST_WORDS], failed=True)
    task = int(os.environ.get("SLURM_PROCID") or os.environ.get("SUBMITIT_LOCAL_GLOBALID") or 0)
    folder = Path(reports)
    folder.mkdir(exist_ok=True)
    write_json_atomically(_file(folder, task), asdict(report))


def read_report(reports: Path, task: int) -> SupervisorReport | None:
    """What the task with this number reported; None while it has not, and where it cannot be read."""
    with suppress(OSError, ValueError, TypeError, KeyError, InputError):
        value = json.loads(read_regular(_file(reports, task)))
        return SupervisorReport(code=int(value["code"]), words=str(value["words"]), failed=bool(value["failed"]))
    return None


def _file(reports: Path, task: int) -> Path:
    return reports / f"task-{task}.json"
