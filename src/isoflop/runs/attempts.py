"""The starts of a run, one line each in attempts.jsonl, and the forecast that was sealed at each of them.

forecast.json in the run's folder names the sealed forecast of the run, once it has one. A start copies that digest into
its line, so that the file of starts, which is append-only, shows which came first.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from isoflop.files import read_json, write_json_atomically
from isoflop.runs.jsonl import append_lines, read_lines, typed_line

_SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One start of a trainer."""

    started: float
    """Unix time in seconds."""
    pid: int
    host: str
    from_step: int
    """Step of the checkpoint that it continued from; 0 at the beginning."""
    forecast: str | None = None
    """Digest of the forecast that was sealed then; empty: none was; None: not recorded (earlier versions)."""


def append_attempt(path: Path, from_step: int, *, forecast: str) -> None:
    """Adds a start of this process, now, to the file at `path`; on the disk when this returns."""
    attempt = Attempt(
        started=time.time(), pid=os.getpid(), host=socket.gethostname(), from_step=from_step, forecast=forecast
    )
    append_lines(path, [asdict(attempt)], durable=True)


def read_attempts(path: Path) -> tuple[Attempt, ...]:
    """Every start so far, oldest first; a line that is torn, or of other types, is left out."""
    attempts = (typed_line(Attempt, line) for line in read_lines(path).lines)
    return tuple(attempt for attempt in attempts if attempt is not None)


def name_forecast(path: Path, digest: str) -> None:
    """Writes to `path` that the forecast of this digest is sealed, unless the file already says so."""
    if named_forecast(path) != digest:
        write_json_atomically(path, {"schema": _SCHEMA, "digest": digest})


def named_forecast(path: Path) -> str:
    """The digest that `name_forecast` wrote; empty without one."""
    value = read_json(path) if path.is_file() else None
    digest = value.get("digest") if isinstance(value, dict) else None
    return digest if isinstance(digest, str) else ""
