"""A log that is read while a trainer writes it: of lines that were appended only those are read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.errors import InputError
from isoflop.logs.formats.format import GrowingRuns
from isoflop.logs.options import LogOptions
from isoflop.logs.read import format_of, read_logs
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource
from isoflop.regular_files import open_regular

_REMEMBERED = 64
"""Bytes before the place that was read up to, which show whether a file was rewritten or grew."""
_MOST_FILES = 4_096
"""Files of a folder whose changes are looked for."""
_DEEPEST = 6

_Mark = tuple[tuple[str, int, int, int], ...]
"""(path, inode, size, time of change in ns) of each file of a log."""


@dataclass(frozen=True, kw_only=True)
class LogNow:
    """What a log says at one look at it."""

    runs: tuple[LoggedRun, ...]
    """As `read_logs` gives them."""
    read_anew: str = ""
    """Why the log was read from its beginning again: it shrank, or another file took its place; empty: it was not."""


class GrowingLog:
    """A log at `path`, which need not be there yet: `look` says what is new."""

    def __init__(self, path: Path, options: LogOptions) -> None:
        self.path = path
        self.bytes_read = 0
        """Of the file, in all looks together; of logs that are read whole, not counted."""
        self._options = options
        self._growing: GrowingRuns | None = None
        self._mark: _Mark | None = None
        self._offset, self._inode = 0, 0
        self._before = b""

    @property
    def by_lines(self) -> bool:
        """Whether appended lines are read alone; else each look at a changed log reads it whole."""
        return self._growing is not None

    def look(self) -> LogNow | None:
        """What the log says now; None where it has not changed since the last look, and while there is no log.

        A last line without an end waits for it. Raises InputError for what is no log, and for a damaged one.
        """
        mark = self._mark_now()
        if not mark or mark == self._mark:
            return None
        first = self._mark is None
        if first:
            self._begin()
            mark = self._mark_now()
        self._mark = mark
        if self._growing is None:
            return self._whole()
        why = self._take()
        if why and self._growing is None:  # what took its place does not grow by lines
            now = self._whole()
            return now and replace(now, read_anew=why)
        runs = () if why is None or self._growing is None else self._growing.runs()
        return LogNow(runs=runs, read_anew=why or "") if runs or why else None

    def exists(self) -> bool:
        """Whether there is something at the path."""
        return self.path.exists()

    def _begin(self) -> GrowingRuns | None:
        source = LogSource(path=self.path, root=self.path)
        known = format_of(source)
        self._growing = None if known is None or known.grow is None else known.grow(source, self._options)
        self._offset, self._inode, self._before = 0, 0, b""
        return self._growing

    def _whole(self) -> LogNow | None:
        """The log read whole; None for an empty file, of which nothing is known yet."""
        if self.path.is_file() and not self.path.stat().st_size:
            self._mark = None
            return None
        return LogNow(runs=tuple(read_logs(self.path, self._options)))

    def _take(self) -> str | None:
        """Feeds what was appended. Returns why all was read again, empty where it was not; None: no whole line came."""
        assert self._growing is not None
        file_of_log, why = self._growing.file, ""
        if file_of_log == self.path:
            file_of_log = file_of_log.resolve()  # a link that was named is followed, and one in a run folder is not
        try:
            descriptor = open_regular(file_of_log, os.O_RDONLY)
        except FileNotFoundError:
            return ""  # of a run folder whose trainer has logged nothing yet
        with open(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if self._offset:
                why = self._changed(facts, file.fileno())
            grown = self._begin() if why else self._growing
            if grown is None:
                return why
            file.seek(self._offset)
            content = file.read(facts.st_size - self._offset)
        whole, end, _ = content.rpartition(b"\n")
        if not end:
            return why or (None if content else "")
        grown.feed(whole + end)
        self._inode = facts.st_ino
        self._offset += len(whole) + 1
        self.bytes_read += len(content)
        self._before = (self._before + whole + end)[-_REMEMBERED:]
        return why

    def _changed(self, facts: os.stat_result, descriptor: int) -> str:
        """Why what was read before is not the beginning of the file any more; empty where it is."""
        if facts.st_size < self._offset:
            return f"{self.path}: the log is shorter than before ({facts.st_size:,} of {self._offset:,} bytes)"
        if facts.st_ino != self._inode:
            return f"{self.path}: another file has taken the place of the log"
        if os.pread(descriptor, len(self._before), self._offset - len(self._before)) != self._before:
            return f"{self.path}: the log was rewritten"
        return ""

    def _mark_now(self) -> _Mark:
        """What shows whether the log has changed: of each of its files where it lies, its size and its time."""
        files = [self._growing.file, *self._growing.also] if self._growing is not None else self._files()
        found = []
        for file in files:
            try:
                facts = os.stat(file)
            except OSError:
                continue
            if stat.S_ISREG(facts.st_mode):
                found.append((str(file), facts.st_ino, facts.st_size, facts.st_mtime_ns))
        return tuple(found)

    def _files(self) -> list[Path]:
        """The file, or those of the folder, as far as they are no links."""
        if not self.path.is_dir():
            return [self.path]
        found: list[Path] = []
        for file in _inside(self.path, 1):
            found.append(file)
            if len(found) >= _MOST_FILES:
                break
        return found


def _inside(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error}") from error
    for entry in listed:
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
        elif entry.is_dir(follow_symlinks=False) and depth < _DEEPEST:
            yield from _inside(Path(entry.path), depth + 1)
