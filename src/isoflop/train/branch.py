"""The beginning of a run whose first steps another run has taken: from the checkpoint that the other one kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from isoflop.errors import Notice
from isoflop.regular_files import refuse_links
from isoflop.run_tree import check_branch
from isoflop.runs.folder import RunFolder
from isoflop.runs.jsonl import rewrite_lines
from isoflop.runs.kept import kept_checkpoint
from isoflop.spec import RunSpec
from isoflop.train import checkpoint
from isoflop.train.checkpoint_progress import Progress
from isoflop.train.process_group import on_all_ranks

if TYPE_CHECKING:
    from isoflop.train.state import TrainState


class ParentDiverged(Exception):
    """The run that was to take the first steps diverged in them: so would this one."""


def parent_of(state: TrainState) -> RunFolder | None:
    """The folder, next to this run's, of the run that takes the first steps; None where it takes them itself."""
    begins = state.spec.begins
    return None if begins is None else RunFolder(state.folder.path.parent / begins.run)


def restore_from_parent(state: TrainState) -> Progress | None:
    """Load the state that the parent kept for this run, with its curve up to there; None where it cannot be read.

    The run then takes all its steps itself, which gives the same numbers. Raises ParentDiverged where the parent
    diverged before, and InputError for a parent with other first steps.
    """
    begins, parent, group = state.spec.begins, parent_of(state), state.group
    if begins is None or parent is None:
        return None
    there, message = on_all_ranks(lambda: _look_at(parent, state.spec) if group.is_main else (False, ""))
    found, diverged = group.all_reduce_sum(there, bool(message))
    if diverged:
        raise ParentDiverged(message or f"run {begins.run} diverged")  # ranks besides the main one write no result
    folder = kept_checkpoint(parent, begins.step)
    progress = checkpoint.restore_one(folder, state.model, state.optimizer, group) if found else None
    if progress is None:
        why = "damaged" if found and folder.exists() else "missing"
        if group.is_main:
            text = f"{folder}: {why}; run {state.folder.run_id} takes its first {begins.step} steps itself"
            sys.stderr.write(f"{text}\n")
        return None
    if group.is_main:
        earlier = [line for line in parent.read_metrics().lines if _is_before(line.get("step"), begins.step)]
        rewrite_lines(state.folder.metrics, earlier)
    return progress


def _look_at(parent: RunFolder, spec: RunSpec) -> tuple[bool, str]:
    """(Whether the parent has a folder, how it diverged in the steps of `spec`).

    Raises InputError for a parent with other first steps.
    """
    begins = spec.begins
    assert begins is not None
    if not parent.spec.exists():
        return False, ""
    refuse_links(parent.path)
    of_parent = parent.read_spec()
    check_branch(of_parent, spec)
    result = parent.read_result(of_parent)
    if result is None or result.reason != "diverged" or (result.steps or 0) > begins.step:
        return True, ""
    return True, f"run {begins.run}, which takes its first {begins.step} steps, diverged: {result.message}"


def _is_before(step: object, last: int) -> bool:
    return isinstance(step, int | float) and not isinstance(step, bool) and step <= last


def branch_notices(state: TrainState) -> tuple[Notice, ...]:
    """`branch_from_start` where a run took steps itself that another was to take."""
    begins = state.spec.begins
    if begins is None or state.begun_step or not state.step:
        return ()
    text = (
        f"no checkpoint of run {begins.run} at step {begins.step} could be read, so that its {begins.step} steps were "
        "taken again: the numbers are the same, and the cost is that of the whole run"
    )
    return (Notice(code="branch_from_start", message=text),)
