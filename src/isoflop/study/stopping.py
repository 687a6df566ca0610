"""What a person reads who stops a study: what is kept, and the command that continues from there."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from isoflop.errors import InterruptedStudy
from isoflop.runs.folder import RunFolder


@contextmanager
def stoppable(runs: Callable[[], Sequence[RunFolder]], *command: str) -> Generator[None]:
    """Turns Ctrl-C in the block into InterruptedStudy: how many of `runs` are kept, and `isoflop COMMAND` to go on."""
    try:
        yield
    except (KeyboardInterrupt, InterruptedStudy):
        raise InterruptedStudy(f"Stopped. {kept(runs())} Go on: {shlex.join([program(), *command])}") from None


def kept(runs: Sequence[RunFolder]) -> str:
    """Returns how many of `runs` are kept, in a sentence; a run in the middle continues from its checkpoint."""
    if not runs:
        return "No run was begun."
    done = sum(run.result.exists() for run in runs)
    in_part = sum(_has_checkpoint(run) for run in runs if not run.result.exists())
    more = f", and {in_part} that {'is' if in_part == 1 else 'are'} trained in part" if in_part else ""
    return f"{done} of {len(runs)} runs are kept{more}."


def program() -> str:
    """Returns what to type for isoflop in this shell: its path as it was called, where PATH has another or none."""
    called = sys.argv[0]
    if Path(called).name != "isoflop" or not os.path.isfile(called):
        return "isoflop"
    found = shutil.which("isoflop")
    return "isoflop" if found and os.path.samefile(found, called) else called


def _has_checkpoint(run: RunFolder) -> bool:
    return run.checkpoints.is_dir() and any(run.checkpoints.iterdir())
