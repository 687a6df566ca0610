"""RunFolder: the border to training. An engine is handed a folder with spec.json; a trainer fills the rest.

spec.json          RunSpec; its hash is the folder's name
launch.json        how the processes of a trainer share the run, see parallel_config.py; optional
keep.json          steps whose checkpoints are kept for other runs to begin from, see kept.py; optional
forecast.json      digest of the sealed forecast of this run; optional
lock               held with flock while a trainer works in the folder
attempts.jsonl     one line per start
shortages.jsonl    one line per out-of-memory error, see out_of_memory.py
heartbeat.json     where a running trainer is, at most once a second
metrics.jsonl      one line per logging point or evaluation
checkpoints/       what a resumed run continues from
kept/              what other runs begin from
model.safetensors  final weights
result.json        RunResult, written once
trainer.log        what the trainer printed to stderr, for people; never parsed
order              `stop` or `kill`: the command of an engine to the supervisor of a trainer on a cluster
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeVar

from isoflop.errors import InputError
from isoflop.files import TEMPORARY_SUFFIX, read_json, write_json_atomically
from isoflop.json_values import json_value
from isoflop.regular_files import read_regular, refuse_links
from isoflop.runs.attempts import Attempt, append_attempt, name_forecast, named_forecast, read_attempts
from isoflop.runs.jsonl import JsonLines, append_lines, read_lines, rewrite_lines, typed_line
from isoflop.runs.lock import held, holder, is_held, unseen_holder
from isoflop.runs.new_folder import make_run_folder
from isoflop.runs.result import RunResult
from isoflop.runs.result_check import SpecFacts, check_result
from isoflop.spec import RunSpec

_Read = TypeVar("_Read")

FolderStatus = Literal["waiting", "running", "interrupted", "done", "failed"]
HEARTBEAT_SECONDS = 1.0
"""Shortest time between two heartbeats: a step of a tiny model takes milliseconds, a display redraws once a second."""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Where a trainer was at its last report."""

    time: float
    """Unix time in seconds."""
    pid: int
    host: str
    step: int
    tokens: int
    train_loss_nats: float | None
    """Nats per token of the last logged step; None before the first, and where it was not finite."""
    flops_per_second: float | None = None
    mfu: float | None = None
    """Model FLOPs (`matmul`) a second since the logged step before; their share of the catalogued peak, if known."""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run. A value: it holds the path and no state, so any process may make one."""

    path: Path

    @classmethod
    def create(cls, parent: Path, spec: RunSpec) -> RunFolder:
        """The folder of `spec` in `parent`, made whole (with its spec.json) or not at all; an existing one is returned.

        Raises InputError when a folder of that name holds another spec, or the disk takes no folder.
        """
        folder = cls(parent / spec.run_id)
        if not folder.spec.exists():
            make_run_folder(folder.path, spec.as_json())
        if folder.read_spec() != spec:
            raise InputError(
                f"{folder.spec}: not the spec whose hash names this folder; it was edited. Move the folder away and "
                "run the same command again"
            )
        return folder

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def spec(self) -> Path:
        """spec.json"""
        return self.path / "spec.json"

    @property
    def forecast(self) -> Path:
        """forecast.json"""
        return self.path / "forecast.json"

    @property
    def result(self) -> Path:
        """result.json"""
        return self.path / "result.json"

    @property
    def metrics(self) -> Path:
        """metrics.jsonl"""
        return self.path / "metrics.jsonl"

    @property
    def heartbeat(self) -> Path:
        """heartbeat.json"""
        return self.path / "heartbeat.json"

    @property
    def attempts_file(self) -> Path:
        """attempts.jsonl"""
        return self.path / "attempts.jsonl"

    @property
    def lock_file(self) -> Path:
        """lock"""
        return self.path / "lock"

    @property
    def checkpoints(self) -> Path:
        """checkpoints/"""
        return self.path / "checkpoints"

    @property
    def weights(self) -> Path:
        """model.safetensors"""
        return self.path / "model.safetensors"

    @property
    def log(self) -> Path:
        """trainer.log"""
        return self.path / "trainer.log"

    @property
    def command_file(self) -> Path:
        """order"""
        return self.path / "order"

    def read_spec(self) -> RunSpec:
        """The spec. Raises InputError that names the file."""
        return _naming(self.spec, RunSpec.from_json)

    def read_result(self, spec: RunSpec | None = None) -> RunResult | None:
        """The result; None while the run has not ended.

        Raises InputError that names the file when it is corrupt, or not of this run. It is held against `spec`, which a
        caller has who reads thousands of runs, or against spec.json.
        """
        if not self.result.exists():
            return None

        def own_result(value: object) -> RunResult:
            """The result in `value`. Raises InputError where it is of another run."""
            result = RunResult.from_json(value)
            facts = SpecFacts.from_json(read_json(self.spec)) if spec is None else SpecFacts.of(spec)
            check_result(result, self.run_id, facts)
            return result

        return _naming(self.result, own_result)

    def write_result(self, result: RunResult) -> None:
        """Writes result.json, once, while holding the lock. Raises InputError when the disk does not take it."""
        assert result.run_id == self.run_id, f"result of {result.run_id} for folder {self.run_id}"
        write_json_atomically(self.result, result.as_json())

    @contextmanager
    def lock(self) -> Generator[None]:
        """Holds the folder against other trainers, on this machine or another that shares the disk.

        The system releases it when the process ends, however it ends. Raises LockedError when another holds it, and
        InputError for a link in the folder.
        """
        if not self.path.is_dir():
            raise InputError(f"{self.path}: no such run folder")
        refuse_links(self.path)
        with held(self.lock_file, f"run {self.run_id}"):
            for leftover in self.path.glob(f".*{TEMPORARY_SUFFIX}"):  # of a writer that was killed
                with suppress(OSError):
                    leftover.unlink()
            yield

    def is_locked(self) -> bool:
        """Whether a live process works in the folder."""
        return is_held(self.lock_file)

    def holder(self) -> str:
        """Who took the lock last and has not recorded its end, as `process 7 on HOST`; empty when nobody."""
        return holder(self.lock_file)

    def unseen_holder(self) -> str:
        """Who took the lock on another machine, never recorded its end, and is not seen to hold it; empty when nobody.

        A new start is safe only when the folder has been idle for long, or the holder is known to be gone.
        """
        return unseen_holder(self.lock_file)

    def name_forecast(self, digest: str) -> None:
        """Names the sealed forecast of this run: each start from now on records it."""
        name_forecast(self.forecast, digest)

    def record_attempt(self, from_step: int) -> None:
        """Adds a line to attempts.jsonl, on the disk when this returns."""
        append_attempt(self.attempts_file, from_step, forecast=named_forecast(self.forecast))

    def attempts(self) -> tuple[Attempt, ...]:
        """Every start so far, oldest first; a line that is torn, or of other types, is left out."""
        return read_attempts(self.attempts_file)

    def beat(
        self,
        *,
        step: int,
        tokens: int,
        train_loss_nats: float | None,
        flops_per_second: float | None = None,
        mfu: float | None = None,
        always: bool = False,
    ) -> None:
        """Reports where the trainer is; does nothing within HEARTBEAT_SECONDS of the last report, unless `always`."""
        now = time.time()
        with suppress(FileNotFoundError):
            # abs: after the clock was set back the last beat lies in the future and must not silence the next ones.
            if not always and abs(now - self.heartbeat.stat().st_mtime) < HEARTBEAT_SECONDS:
                return
        loss = train_loss_nats if train_loss_nats is not None and math.isfinite(train_loss_nats) else None
        beat = Heartbeat(
            time=now,
            pid=os.getpid(),
            host=socket.gethostname(),
            step=step,
            tokens=tokens,
            train_loss_nats=loss,
            flops_per_second=flops_per_second,
            mfu=mfu,
        )
        write_json_atomically(self.heartbeat, asdict(beat), durable=False)  # a hint: not worth an fsync a second

    def read_heartbeat(self) -> Heartbeat | None:
        """The last heartbeat; None before the first, and where a power cut has emptied the file."""
        try:
            return typed_line(Heartbeat, json_value(read_regular(self.heartbeat)))
        except (OSError, ValueError):
            return None

    def append_metrics(self, lines: Iterable[Mapping[str, object]]) -> None:
        """Adds lines to metrics.jsonl; numbers that are not finite become null."""
        append_lines(self.metrics, lines, durable=False)

    def read_metrics(self) -> JsonLines:
        """All whole lines; empty before the first."""
        return read_lines(self.metrics)

    def truncate_metrics(self, step: int) -> None:
        """Drops the lines after `step`, which a resumed run will write again, and the corrupt ones."""
        metrics = self.read_metrics()
        earlier = [line for line in metrics.lines if line.get("step", math.inf) <= step]
        if metrics.skipped or len(earlier) < len(metrics.lines):
            rewrite_lines(self.metrics, earlier)

    def status(self) -> FolderStatus:
        """`done` and `failed` as result.json says; else `running` while locked, `interrupted` once started."""
        result = self.read_result()
        if result is None and self.is_locked():
            return "running"
        if result is None:  # again: it may have been written, and the lock released, between the two looks
            result = self.read_result()
        if result is not None:
            return result.status
        return "interrupted" if self.attempts_file.exists() else "waiting"


def run_folders(runs_dir: Path) -> tuple[RunFolder, ...]:
    """The run folders in `runs_dir`, by name; none when it does not exist."""
    if not runs_dir.is_dir():
        return ()
    names = sorted(entry.name for entry in runs_dir.iterdir() if not entry.name.startswith("."))
    return tuple(RunFolder(runs_dir / name) for name in names if (runs_dir / name / "spec.json").exists())


def _naming(path: Path, read: Callable[[object], _Read]) -> _Read:
    value = read_json(path)
    try:
        return read(value)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
