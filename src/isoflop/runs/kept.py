"""Checkpoints that a run keeps for others to begin from (`RunSpec.begins`): which were asked for, and where they lie.

keep.json in the run's folder lists the steps. Whoever designs a branch writes it, before the run starts or while it has
not passed the step; it changes no number of the run. The trainer writes kept/step-00000420/, which stays when the run
has ended, until no run is to begin from it any more.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TypeGuard

from isoflop.begins import MOST_STEPS
from isoflop.errors import InputError
from isoflop.files import read_json, write_json_atomically
from isoflop.runs.folder import RunFolder

_SCHEMA = 1
_COMPLETE = "progress.json"
"""Written last into a checkpoint, before its folder gets its name."""


def keep_file(folder: RunFolder) -> Path:
    """keep.json of the run."""
    return folder.path / "keep.json"


def kept_folder(folder: RunFolder) -> Path:
    """kept/ of the run."""
    return folder.path / "kept"


def kept_checkpoint(folder: RunFolder, step: int) -> Path:
    """The folder of the checkpoint that `folder` keeps, or would keep, of `step`."""
    return kept_folder(folder) / f"step-{step:08d}"


def is_kept(folder: RunFolder, step: int) -> bool:
    """Whether the checkpoint of `step` is there; it may be damaged."""
    return (kept_checkpoint(folder, step) / _COMPLETE).is_file()


def kept_steps(folder: RunFolder) -> tuple[int, ...]:
    """The steps whose checkpoints are there, ascending."""
    names = (path.parent.name.removeprefix("step-") for path in kept_folder(folder).glob(f"step-*/{_COMPLETE}"))
    return tuple(sorted(int(name) for name in names if name.isascii() and name.isdigit()))


def asked_steps(folder: RunFolder) -> tuple[int, ...]:
    """The steps that were asked for, ascending; none without a keep.json. Raises InputError for a damaged one."""
    path = keep_file(folder)
    if not path.exists():
        return ()
    value = read_json(path)
    steps = value.get("steps") if isinstance(value, dict) and value.get("schema") == _SCHEMA else None
    asked = [step for step in steps if _is_step(step)] if isinstance(steps, list) else []
    if asked != steps:
        raise InputError(f"{path}: expected the steps at which checkpoints are kept; delete it")
    return tuple(sorted(set(asked)))


def _is_step(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_STEPS


def ask_to_keep(folder: RunFolder, steps: Iterable[int]) -> None:
    """Adds `steps` to those at which `folder` keeps a checkpoint. Raises InputError when the disk is full."""
    before = set(asked_steps(folder))
    if more := set(steps) - before:
        write_json_atomically(keep_file(folder), {"schema": _SCHEMA, "steps": sorted(before | more)})


def ask_for(folder: RunFolder, *steps: int) -> None:
    """`ask_to_keep`, unless the run has not got a folder or has ended: it passes no step any more."""
    if folder.spec.exists() and not folder.result.exists():
        ask_to_keep(folder, steps)


def remove_kept(folders: Iterable[RunFolder]) -> None:
    """Removes the kept checkpoints, and what asked for them: no run is to begin from these any more."""
    for folder in folders:
        shutil.rmtree(kept_folder(folder), ignore_errors=True)
        keep_file(folder).unlink(missing_ok=True)
