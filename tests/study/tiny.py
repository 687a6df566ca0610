"""A study small enough for tests, through the real command line, and copies of it to break."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from waiting import finish

from isoflop.cli import main
from isoflop.study.decisions import read_decisions
from isoflop.study.folder import StudyFolder

OPTIONS = ("--flops", "3e10", "--budgets", "3", "--seq-len", "32", "--workers", "2")
"""Three budgets are the fewest that the parametric fit answers from; a short context makes the least steps."""
ADAPTIVE_FLOPS = 8e10
ADAPTIVE = ("--adaptive", "--flops", str(ADAPTIVE_FLOPS), "--seq-len", "32", "--workers", "2")
"""The least with which an adaptive sweep decides on a few batches."""
SWEEP, RUNS = 21, 23
"""15 isoFLOP runs, 6 of the learning-rate check, the planned and the larger one."""


@dataclass(frozen=True)
class Finished:
    """The folder of a study that ran undisturbed, and what it printed. Tests change copies of it only."""

    path: Path
    stdout: str
    stderr: str

    @classmethod
    def keep(cls, path: Path, stdout: str, stderr: str) -> Finished:
        """The same, with what was printed beside the folder for the other processes of a test run."""
        path.with_name("stderr").write_text(stderr)
        path.with_name("stdout").write_text(stdout)  # the last: it tells that the study ended
        return cls(path, stdout, stderr)

    @classmethod
    def load(cls, path: Path) -> Finished | None:
        """What `keep` kept; None where there is nothing."""
        stdout = path.with_name("stdout")
        if not stdout.exists():
            return None
        return cls(path, stdout.read_text(), path.with_name("stderr").read_text())

    def copy(self, target: Path) -> Path:
        """A copy of the whole study."""
        return shutil.copytree(self.path, target)

    def begun(self, target: Path) -> Path:
        """Its settings, corpus and measured machine: what a study needs to begin training."""
        target.mkdir(parents=True)
        shutil.copytree(self.path / "corpus", target / "corpus")
        for name in ("study.toml", "machine.json"):
            shutil.copy(self.path / name, target / name)
        return target


def start(*arguments: object, **settings: Any) -> subprocess.Popen[str]:
    """The real command line in a process of its own; `settings` are those of Popen."""
    command = [sys.executable, "-m", "isoflop", *map(str, arguments)]
    # a test run in the background is started with Ctrl-C ignored, and children inherit that
    settings.setdefault("preexec_fn", lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings)


def isoflop(*arguments: object, **settings: Any) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of the real command line; no traceback may come out of it."""
    process = start(*arguments, **settings)
    stdout, stderr = finish(process)
    assert "Traceback" not in stderr, stderr
    return process.returncode, stdout, stderr


def call(*arguments: object) -> Result:
    """The same in this process: quicker, for what starts no trainer."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.stderr
    return result


def refused(*arguments: object, code: int = 2) -> str:
    """The message of a call that is refused."""
    result = call(*arguments)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    return result.stderr[result.stderr.index("Error: ") :]


def decided(path: Path) -> list[tuple[Any, Any]]:
    """What was decided, without the time at which it was, and without seconds by the machine as each study found it."""
    kept = []
    record = read_decisions(StudyFolder(path))
    assert record is not None
    for one in record.decisions:
        runs = tuple(replace(run, candidate=replace(run.candidate, seconds=1.0)) for run in one.decision.runs)
        kept.append((replace(one.decision, runs=runs), one.rows))
    return kept
