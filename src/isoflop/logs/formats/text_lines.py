"""Lines of text logs without what terminals and launchers add, and the runs that a dialect finds in them."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from isoflop.errors import InputError, Notice, quoted
from isoflop.logs.build import logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun, Setting
from isoflop.logs.source import LogSource

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
NUMBER = r"(?:-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|-?\.\d+|[nN]a[nN]|-?[iI]nf)"
"""A number as Python or C prints it."""
COUNT = r"(?:\d[\d,]*)"
"""A whole number, with commas or without."""
_LAST_NUMBER = re.compile(r"\d\.?(\d*)\D*$")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?")
_STAMPED_WITHIN = 80
"""Characters in which the time of a line stands."""
TOTAL = "total_params"
"""The setting with the parameters, where a log counts all of them."""
_LONGEST = 20_000
"""Characters of a line that are read: Megatron's longest has 1,500."""
_BLOCK = 1 << 20
"""Characters that are read at once of a file without line ends."""
_NO_LOGS = frozenset({
    ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".yaml", ".yml", ".toml", ".md", ".rst", ".html",
    ".ipynb", ".tex", ".py", ".sh", ".cu", ".c",
})  # fmt: skip
"""Suffixes of files that are no text logs, though a README may quote one."""
_RECOGNISED_WITHIN = 4_000_000
"""Characters within which a log's first point is looked for: libraries warn much before
a trainer's first step, and modded-nanogpt's logs begin with 60,000 of code."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """What a line says about one step."""

    step: float
    values: Mapping[str, float]
    planned_steps: float | None = None
    step_seconds: float | None = None
    """Seconds of a step: of this one, or the mean since the line before, as the dialect says."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What a line says about the run."""

    settings: Mapping[str, Setting] = field(default_factory=dict)
    """Tokens of a step and parameters among them, under names that `logs/roles.py` knows."""
    planned_steps: float | None = None
    resumed: bool = False
    """The trainer continues from a checkpoint of the same run."""
    ended: bool = False


Event = Point | Fact
ReadLine = Callable[[str], Event | None]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one trainer writes its log."""

    name: str
    words: str
    """What people call its log, for messages."""
    mark: str
    """Part of every line that is a point: lines without it are not looked at while a log is recognised."""
    reader: Callable[[], ReadLine]
    """Makes what reads the lines of one file: what each says, None for nothing."""
    finish: Callable[[Gathered, dict[str, Setting]], None] | None = None
    """Called when a run is complete, to add what follows from several lines."""
    samples_steps: bool = False
    """Whether the seconds of a step are those of one step; else the mean since the line before."""

    @property
    def format(self) -> LogFormat:
        """The entry for the registry."""
        return LogFormat(name=self.name, words=self.words, recognise=self._recognise, read=self._read, grow=self._grow)

    def _recognise(self, source: LogSource) -> bool:
        """Whether a line near the beginning is a point."""
        if source.is_folder or source.path.suffix.lower() in _NO_LOGS:
            return False
        # a machine that stopped leaves NUL bytes in the middle of a log
        if not source.text and self.mark.encode() not in source.head:
            return False
        read_line, seen = self.reader(), 0
        for line, _ in lines_of(source):
            if self.mark in line and isinstance(read_line(line), Point):
                return True
            seen += len(line)
            if seen > _RECOGNISED_WITHIN:
                break
        return False

    def _read(self, source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
        """The runs of a log, in their order.

        A run that begins again at its first step is another run; one that goes back less far was restarted.
        """
        reading = _Reading(self, source, options)
        for line, whole in lines_of(source):
            reading.take(line, whole)
        runs = reading.runs()
        if not runs:
            raise InputError(f"{source}: expected {self.words}, found no line of one")
        return runs

    def _grow(self, source: LogSource, options: LogOptions) -> _Reading | None:
        """The reader of a log that grows; None where it is packed or of an encoding with two bytes a character."""
        packed = source.head.startswith((b"\x1f\x8b", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return None if packed else _Reading(self, source, options)

    def made(self, run: _Run, name: str, source: LogSource, options: LogOptions) -> LoggedRun:
        """The run of what was read of it."""
        run.gathered.sampled = self.samples_steps
        if self.finish is not None:
            self.finish(run.gathered, run.settings)
        made = logged_run(
            run.gathered.logged(run.settings),
            name=name,
            source=f"{source} ({self.words})",
            options=options,
            planned=run.planned_steps,
            ended=True if run.ended else None,
            notices=run.notices,
        )
        if made.params is None or made.params_convention is not None or TOTAL not in run.settings:
            return made
        return replace(made, params_convention="total")


def lines_of(source: LogSource) -> Iterator[tuple[str, bool]]:
    """Yields (line, whether it is ended) of a text file, without colours.

    What a progress bar wrote over itself is lines of its own. Only the last line may have no end, and be torn.

    Raises InputError where it cannot be read.
    """
    # what PowerShell's `>` writes is UTF-16
    encoding = "utf-16" if source.head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    try:
        with open_binary(source) as binary, io.TextIOWrapper(binary, encoding, errors="replace") as text:
            while line := text.readline(_BLOCK):
                for part in _parts(line):
                    yield part, line.endswith("\n")
    except (OSError, EOFError, UnicodeError, zlib.error) as error:
        raise InputError(f"{source}: cannot be read: {error}") from error


def _parts(line: str) -> Iterator[str]:
    """What stands on a line, without colours, one after the other where a progress bar wrote over itself."""
    plain = _ESCAPES.sub("", line) if "\x1b" in line else line
    for part in plain.rstrip("\n").replace("\x00", "").split("\r"):
        if part.strip():
            yield part[:_LONGEST]


def open_binary(source: LogSource) -> IO[bytes]:
    """Opens a file, decompressed where it is gzipped; the head has shown that it is a regular one."""
    if source.head.startswith(b"\x1f\x8b") or source.path.suffix == ".gz":
        return cast(IO[bytes], gzip.open(source.path))
    return open(source.path, "rb")


class _Reading:
    """The runs of a log of one dialect while its lines are read; also `GrowingRuns`."""

    also: tuple[Path, ...] = ()

    def __init__(self, dialect: Dialect, source: LogSource, options: LogOptions) -> None:
        self.file = source.path
        self._dialect, self._source, self._options = dialect, source, options
        self._read_line = dialect.reader()
        self._runs: list[_Run] = []
        self._waiting: list[Fact] = []
        self._before: dict[frozenset[str], str] = {}
        self._notices: list[Notice] = []

    def feed(self, content: bytes) -> None:
        """Takes more of the log, in whole lines."""
        for line in content.decode("utf-8-sig", "replace").split("\n"):
            for part in _parts(line):
                self.take(part, True)

    def take(self, line: str, whole: bool) -> None:
        """Takes a line, which is torn perhaps where it is not `whole`."""
        event = self._read_line(line)
        if isinstance(event, Fact):
            self._waiting.append(event)
        elif isinstance(event, Point):
            kind = frozenset(event.values)
            if not whole and _decimals(line) != _decimals(self._before.get(kind, "")):
                text = f"the last line has no end and may be torn: left out: {quoted(line.strip()[-60:])}"
                self._notices.append(Notice(code="torn_line", message=text))
                return
            self._before[kind] = line
            if not self._runs or _begins(self._runs[-1], event, self._waiting):
                self._runs.append(_Run())
            self._runs[-1].take(self._waiting)
            self._waiting = []
            self._runs[-1].add(event, _stamp(line))

    def runs(self) -> tuple[LoggedRun, ...]:
        """The runs up to now, in their order; none before the first point."""
        if not self._runs:
            return ()
        runs = [run.until_now() for run in self._runs]
        runs[-1].take(self._waiting)
        runs[-1].notices += self._notices
        name = self._source.run_name
        names = [name] if len(runs) == 1 else [f"{name}-{place}" for place in range(1, len(runs) + 1)]
        made = self._dialect.made
        return tuple(made(run, name, self._source, self._options) for name, run in zip(names, runs, strict=True))


@dataclass(kw_only=True)
class _Run:
    """What was read of a run so far."""

    gathered: Gathered = field(default_factory=Gathered)
    settings: dict[str, Setting] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    """{metric: its first step}."""
    last: dict[str, float] = field(default_factory=dict)
    planned_steps: float | None = None
    ended: bool = False
    notices: list[Notice] = field(default_factory=list)

    def until_now(self) -> _Run:
        """A copy, of which names may be added and removed: the log continues."""
        rows, values = {**self.gathered.rows}, {**self.gathered.values}
        gathered = replace(self.gathered, rows=rows, values=values)
        return replace(self, gathered=gathered, settings={**self.settings}, notices=[*self.notices])

    def take(self, facts: list[Fact]) -> None:
        """Adds what lines said about this run."""
        for fact in facts:
            self.settings.update(fact.settings)
            self.planned_steps = fact.planned_steps or self.planned_steps
            self.ended = self.ended or fact.ended

    def add(self, point: Point, stamp: float | None) -> None:
        """Adds a point, with which the run continues; `stamp` is the time that stands on its line."""
        if point.step_seconds is not None:
            self.gathered.step_seconds[self.gathered.lines] = point.step_seconds
        self.gathered.add(point.step, point.values, stamp)
        self.planned_steps = point.planned_steps or self.planned_steps
        for name in point.values:
            self.first.setdefault(name, point.step)
            self.last[name] = point.step


def _begins(run: _Run, point: Point, facts: list[Fact]) -> bool:
    """Whether a point is of another run than the one before it: a metric of it is back at its first step."""
    if any(fact.resumed for fact in facts):
        return False
    return any(name in run.first and point.step <= run.first[name] < run.last[name] for name in point.values)


def _stamp(line: str) -> float | None:
    """The time at the beginning of a line, `2023-11-14 22:13:20,125`, in seconds; None where there is none."""
    found = _STAMP.search(line[:_STAMPED_WITHIN])
    if found is None:
        return None
    try:
        day = datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        return None
    return day.timestamp() + (float(f"0.{found[3]}") if found[3] else 0.0)


def _decimals(line: str) -> int:
    """How many digits the last number of a line has after its point; a torn one has fewer than the others."""
    found = _LAST_NUMBER.search(line)
    return len(found[1]) if found is not None else -1


def number(text: str) -> float:
    """Returns the number that a log writes: `1,444`, `6.1E+00`, `nan`, `inf`."""
    return float(text.replace(",", ""))
