"""A table of text that its writer appends lines to: CSV and its like, and JSON Lines, read a part at a time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from isoflop.errors import InputError, Notice
from isoflop.logs.formats.column_store import GrowingColumns, TableColumns
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource
from isoflop.observations.delimited import DelimitedBlocks
from isoflop.observations.file_formats import objects_in
from isoflop.observations.json_tables import columns_of

_PACKED = (b"\x1f\x8b", b"PAR1", b"\xff\xfe", b"\xfe\xff")
"""How files begin that cannot be read by appended lines: gzip, Parquet, UTF-16."""
_DECIMAL_COMMA = re.compile(r"\d,\d")
_BLOCK = 16_384


RunsOf = Callable[[TableColumns, LogSource, LogOptions], tuple[LoggedRun, ...]]


class GrowingTable:
    """The runs of a table while it grows: `GrowingRuns`."""

    also: tuple[Path, ...] = ()

    def __init__(self, source: LogSource, options: LogOptions, runs_of: RunsOf) -> None:
        self.file = source.path
        self._source, self._options, self._runs_of = source, options, runs_of
        self._is_json = source.text.lstrip()[:1] == "{"
        self._columns = GrowingColumns()
        self._header: list[str] = []
        self._delimiter: str | None = None
        self._unread = 0

    def feed(self, content: bytes) -> None:
        """Takes more lines. Raises InputError for what is no text, and for rows longer than the header."""
        try:
            text = content.decode("utf-8" if self._columns.rows else "utf-8-sig")
            if self._is_json:
                self._take_objects(text)
            else:
                self._take_rows(text)
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{self._source}: cannot be read: {error}") from error

    def runs(self) -> tuple[LoggedRun, ...]:
        """The runs up to now; none before the first row. Raises InputError where the table has no loss."""
        table = self._table()
        return self._runs_of(table, self._source, self._options) if table.rows else ()

    def _table(self) -> TableColumns:
        text = f"{self._unread} lines are no JSON objects: not read"
        return self._columns.done([Notice(code="table_form", message=text)] if self._unread else [])

    def _take_objects(self, text: str) -> None:
        problems: list[str] = []
        objects = objects_in(io.StringIO(text), problems, [])
        while block := list(islice(objects, _BLOCK)):
            self._columns.add(columns_of(block)[0], len(block))
        self._unread += len(problems)

    def _take_rows(self, text: str) -> None:
        begun = bool(self._header)
        table = DelimitedBlocks(self.file, io.StringIO(self._header_line() + text, newline=""), self._delimiter)
        if not begun:
            self._header, self._delimiter = table.header, table.delimiter
        for block in table.blocks():
            self._columns.add(dict(zip(self._header, block, strict=True)), len(block[0]))

    def _header_line(self) -> str:
        """The header once more, above rows that were appended; empty before it was read."""
        if not self._header or self._delimiter is None:
            return ""
        line = io.StringIO()
        csv.writer(line, delimiter=self._delimiter, lineterminator="\n").writerow(self._header)
        return line.getvalue()


def growing_table(source: LogSource, options: LogOptions, runs_of: RunsOf) -> GrowingTable | None:
    """The reader of a table that grows by lines; None for one that has to be read whole each time.

    `runs_of` tells the runs in the columns of a table.
    """
    text = source.text.lstrip("\ufeff \t\r\n")
    if source.is_folder or source.head.startswith(_PACKED) or not text or text.startswith("["):
        return None
    first, _, rest = text.partition("\n")
    if text.startswith("{"):
        return GrowingTable(source, options, runs_of) if first.rstrip().endswith("}") else None
    by_commas = "," in first and ";" not in first and "\t" not in first
    return GrowingTable(source, options, runs_of) if by_commas or not _DECIMAL_COMMA.search(rest) else None
