"""What a person reads who stops a study."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from isoflop.errors import InterruptedStudy
from isoflop.runs.folder import RunFolder
from isoflop.study.stopping import program, stoppable


def run_with(path: Path, *parts: str) -> RunFolder:
    """A run folder that has these files."""
    for part in parts:
        (path / part).parent.mkdir(parents=True, exist_ok=True)
        (path / part).touch()
    return RunFolder(path)


def stopped(runs: list[RunFolder], error: BaseException) -> str:
    with pytest.raises(InterruptedStudy) as caught, stoppable(lambda: runs, "study", "my study"):
        raise error
    return str(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, lambda: InterruptedStudy("by the driver")])
def test_it_names_what_is_kept_and_how_to_go_on(tmp_path: Path, error: Callable[[], BaseException]) -> None:
    done = run_with(tmp_path / "done", "result.json", "checkpoints/step-1")
    begun = run_with(tmp_path / "begun", "attempts.jsonl", "checkpoints/step-1")
    not_begun = RunFolder(tmp_path / "not begun")
    go_on = "Go on: isoflop study 'my study'"
    assert stopped([done, not_begun], error()) == f"Stopped. 1 of 2 runs are kept. {go_on}"
    assert stopped([done, begun, not_begun], error()) == (
        f"Stopped. 1 of 3 runs are kept, and 1 that is trained in part. {go_on}"
    )
    assert stopped([], error()) == f"Stopped. No run was begun. {go_on}"


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), stoppable(list, "study", "s"):
        raise ZeroDivisionError


def test_the_command_is_the_one_that_this_shell_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = tmp_path / ".venv" / "bin" / "isoflop"
    called.parent.mkdir(parents=True)
    called.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(called), "study", "s"])
    assert program() == str(called), "an environment that is not activated"
    monkeypatch.setenv("PATH", os.pathsep.join([str(called.parent), os.environ["PATH"]]))
    assert program() == "isoflop"
    monkeypatch.setattr(sys, "argv", ["-m", "study", "s"])
    assert program() == "isoflop"
