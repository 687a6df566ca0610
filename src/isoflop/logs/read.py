"""The door: training logs of any kind, in files and folders, as typed runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.errors import InputError, IsoflopError, Notice
from isoflop.logs.copies import copies
from isoflop.logs.formats import tables
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.registry import FORMATS
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource

MOST_ENTRIES = 100_000
"""Files and folders looked at in one call: a folder with more is no folder of logs."""
_DEEPEST = 6
_LISTED = 5


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """A file or folder that was read, and what it was taken for."""

    path: Path
    format: str
    """Name of its `LogFormat`."""
    words: str
    """What people call that."""
    runs: int


class Logs(tuple[LoggedRun, ...]):
    """Runs, and where they were read from: a tuple with two attributes more."""

    files: tuple[LogFile, ...]
    """What was read, in order, and what it was taken for."""
    notices: tuple[Notice, ...]
    """What was not read, and why; notices about one run are the run's own."""

    def __new__(
        cls, runs: Iterable[LoggedRun], *, files: Sequence[LogFile] = (), notices: Sequence[Notice] = ()
    ) -> Logs:
        """The tuple of `runs`."""
        logs = super().__new__(cls, runs)
        logs.files, logs.notices = tuple(files), tuple(notices)
        return logs


def read_logs(paths: str | Path | Sequence[str | Path], options: LogOptions | None = None) -> Logs:
    """The runs in `paths`: files, folders of logs, folders of run folders, each recognised by what it holds.

    Raises InputError where a file that was named is missing, no log, or damaged, and where a folder holds no log at
    all. What else lies in a folder is left alone, and files there that cannot be read are named in a notice.
    """
    options = options or LogOptions()
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    if not named:
        raise InputError("logs: expected at least one file or folder, got none")
    reading = _Reading(options)
    for path in named:
        reading.read_named(Path(path))
    return reading.logs()


def format_of(source: LogSource) -> LogFormat | None:
    """The kind of log that `source` is; None where it is none that is known. Raises InputError where it is closed."""
    try:
        return next((known for known in FORMATS if known.recognise(source)), None)
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error}") from error


class _Reading:
    """One call of `read_logs`: what was found so far."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._runs: list[tuple[LogSource, LoggedRun]] = []
        self._files: list[LogFile] = []
        self._links: list[Path] = []
        self._others: list[Path] = []
        self._broken: list[str] = []
        self._left = MOST_ENTRIES

    def read_named(self, path: Path) -> None:
        """Reads what the caller named."""
        if not path.exists():
            raise InputError(f"{path}: expected a log or a folder of logs, found no such file")
        source = LogSource(path=path, root=path)
        known = format_of(source) or self._stated_table(source)
        if known is not None:
            self._take(source, known)
            return
        if not source.is_folder:
            raise InputError(f"{path}: expected a log, and this is none of a kind that is known: {_kinds()}")
        before, broken = len(self._runs), len(self._broken)
        # all are found before any is read: a folder of too many is refused at once
        for inner in list(self._inside(path, path, 1)):
            self._try(inner)
        if len(self._runs) == before:
            if self._broken[broken:]:
                raise InputError.gathered(f"{path}: no log in it can be read", self._broken[broken:])
            raise InputError(f"{path}: expected a folder with logs, found none of a kind that is known: {_kinds()}")

    def logs(self) -> Logs:
        """What was read, under names that are unique."""
        names = _unique(self._runs)
        runs = [
            run if run.name == name else replace(run, name=name)
            for (_, run), name in zip(self._runs, names, strict=True)
        ]
        return Logs(runs, files=self._files, notices=[*self._notices(), *copies(runs)])

    def _take(self, source: LogSource, known: LogFormat) -> None:
        try:
            runs = known.read(source, self._options)
        except OSError as error:
            raise InputError(f"{source}: cannot be read: {error}") from error
        self._runs += [(source, run) for run in runs]
        self._files.append(LogFile(path=source.path, format=known.name, words=known.words, runs=len(runs)))

    def _stated_table(self, source: LogSource) -> LogFormat | None:
        """The format of tables, where a file has the columns that the options name: its own names may mean nothing."""
        columns = set(self._options.columns.values())
        is_table = bool(columns) and not source.is_folder and bool(columns & set(tables.names_of_table(source)))
        return tables.FORMAT if is_table else None

    def _try(self, source: LogSource) -> None:
        """Reads what lies in a folder that was named, where it is a log."""
        try:
            known = format_of(source)
            if known is None:
                if not any(source.path.name in known.companions for known in FORMATS):
                    self._others.append(source.path)
            else:
                self._take(source, known)
        except IsoflopError as error:
            self._broken.append(str(error))

    def _inside(self, folder: Path, root: Path, depth: int) -> Iterator[LogSource]:
        """What may be logs in `folder`: files, and folders that are logs as a whole; others are entered."""
        try:
            with os.scandir(folder) as entries:
                found = []
                for entry in entries:
                    self._left -= 1
                    if self._left < 0:
                        raise InputError(
                            f"{root}: more than {MOST_ENTRIES:,} files and folders; name the folders of the logs"
                        )
                    if not entry.name.startswith("."):
                        found.append(entry)
        except OSError as error:
            self._broken.append(f"{folder}: cannot be read: {error}")
            return
        for entry in sorted(found, key=lambda item: item.name):
            path = Path(entry.path)
            if entry.is_symlink():
                self._links.append(path)
                continue
            source = LogSource(path=path, root=root)
            if entry.is_file(follow_symlinks=False):
                yield source
            elif entry.is_dir(follow_symlinks=False):
                if format_of(source) is not None:
                    yield source
                elif depth < _DEEPEST:
                    yield from self._inside(path, root, depth + 1)

    def _notices(self) -> list[Notice]:
        notices = []
        if self._broken:
            text = f"{len(self._broken)} of what lies there cannot be read: {_listed(self._broken, '; ')}"
            notices.append(Notice(code="logs_not_read", message=text))
        if self._others:
            text = f"{len(self._others)} files are no logs: {_listed([path.name for path in self._others], ', ')}"
            notices.append(Notice(code="no_logs", message=text))
        if self._links:
            text = f"{len(self._links)} links are not followed: {_listed([path.name for path in self._links], ', ')}"
            notices.append(Notice(code="links_not_followed", message=text))
        return notices


def _kinds() -> str:
    return ", ".join(known.words for known in FORMATS)


def _listed(items: Sequence[str], separator: str) -> str:
    more = f"{separator}and {len(items) - _LISTED:,} more" if len(items) > _LISTED else ""
    return separator.join(items[:_LISTED]) + more


def _unique(runs: Sequence[tuple[LogSource, LoggedRun]]) -> list[str]:
    """A name for each run: its own, with the path to its source where several have it, and else a number."""
    counts: dict[str, int] = {}
    for _, run in runs:
        counts[run.name] = counts.get(run.name, 0) + 1
    names = [run.name if counts[run.name] == 1 else _with_path(source, run) for source, run in runs]
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return distinct


def _with_path(source: LogSource, run: LoggedRun) -> str:
    inside = source.path.relative_to(source.root) if source.path != source.root else Path(source.path.name)
    return f"{inside.as_posix()}:{run.name}"
