"""The columns of a table of any length as numbers and codes of words, read a block at a time.

A history of 200 MB as lists of strings takes gigabytes; here a number takes eight bytes and a word four.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.codec import JsonObject
from isoflop.errors import InputError, Notice, quoted
from isoflop.logs.points import Points
from isoflop.logs.source import LogSource
from isoflop.observations.columns import candidates
from isoflop.observations.decimal_marks import with_points
from isoflop.observations.delimited import DelimitedBlocks, open_text, read_delimited
from isoflop.observations.file_formats import RawTable, json_objects, read_json_table
from isoflop.observations.json_tables import columns_of
from isoflop.observations.parsing import Cells, is_empty_cell, read_numbers

_BLOCK = 16_384
_WORDS = ("run_id", "status", "failed", "is_final", "failure_reason", "schedule", "seed")
"""Fields whose cells are names and words even where they look like numbers."""
_DECIMAL_COMMA = re.compile(r"\d,\d")


@dataclass(kw_only=True, eq=False)
class Column:
    """One column of a table: numbers, or words."""

    name: str
    points: Points | None
    """Its numbers; None for a column of words."""
    codes: Labels = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Of a column of words: the index into `words` for each row, -1 where a cell is empty; (rows,)."""
    words: tuple[str, ...] = ()
    """The distinct words of the column."""
    unreadable: int = 0
    """Cells of a column of numbers that hold none."""
    example: str = ""
    """One of those."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TableColumns:
    """A table."""

    rows: int
    columns: dict[str, Column]
    notices: tuple[Notice, ...]

    def numbers(self) -> dict[str, Points]:
        """{name: its numbers}, of the columns that hold numbers."""
        return {name: column.points for name, column in self.columns.items() if column.points is not None}


def read_columns(source: LogSource) -> TableColumns:
    """The table in a file: Parquet, JSON of any kind, or text with a delimiter, by what it holds.

    A torn last line is left out, with a notice. Raises InputError where there is no table.
    """
    growing = _Growing()
    notices: list[Notice] = []
    try:
        start = source.text.lstrip()[:1]
        if source.head.startswith(b"PAR1"):
            _of_parquet(source, growing)
        elif start == "{" and _are_lines(source):
            notices += _of_json_lines(source, growing)
        elif start in ("{", "["):
            table = read_json_table(source.path)
            growing.add({**table.columns}, table.rows)
            notices += table.notices
        else:
            notices += _of_text(source, growing)
    except (OSError, UnicodeDecodeError, EOFError, csv.Error, zlib.error) as error:
        raise InputError(f"{source}: cannot be read: {error}") from error
    return growing.done(notices)


class _Growing:
    """Columns while their file is read."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._parts: dict[str, list[tuple[Labels, Array]]] = {}
        self._coded: dict[str, tuple[dict[str, int], list[tuple[Labels, Labels]]]] = {}
        self._unreadable: dict[str, tuple[int, str]] = {}
        self._is_words: dict[str, bool] = {}
        self.rows = 0

    def add(self, columns: Mapping[str, Cells], rows: int) -> None:
        """Adds a block of rows; a column that it lacks is empty there."""
        for name, cells in columns.items():
            if name:
                self._add(name, cells)
        self.rows += rows

    def drop_last(self) -> None:
        """Forgets the last row."""
        self.rows -= 1

    def done(self, notices: Iterable[Notice]) -> TableColumns:
        """The table."""
        columns: dict[str, Column] = {}
        for name, words in self._is_words.items():
            columns[name] = self._word_column(name) if words else self._number_column(name)
        odd = [column for column in columns.values() if column.unreadable]
        more = [
            Notice(
                code="unreadable_cells",
                message=f"{column.name}: {column.unreadable} cells are no numbers: {quoted(column.example, 30)}",
            )
            for column in odd
        ]
        return TableColumns(rows=self.rows, columns=columns, notices=(*notices, *more))

    def _add(self, name: str, cells: Cells) -> None:
        if name not in self._is_words:
            self._is_words[name] = bool(_fields_of(name) & set(_WORDS))
        if not self._is_words[name]:
            done = _numbers(cells, name)
            if done is None and name not in self._parts:
                self._is_words[name] = True
            elif done is not None:
                rows, values, bad, example = done
                self._parts.setdefault(name, []).append((rows + self.rows, values))
                count, first = self._unreadable.get(name, (0, example))
                self._unreadable[name] = count + bad, first or example
                return
            else:
                count, first = self._unreadable.get(name, (0, ""))
                self._unreadable[name] = count + len(cells), first or str(cells[0])
                return
        known, parts = self._coded.setdefault(name, ({}, []))
        at: list[int] = []
        codes: list[int] = []
        for i, cell in enumerate(cells.tolist() if isinstance(cells, np.ndarray) else cells):
            word = _word(cell)
            if word:
                at.append(i + self.rows)
                codes.append(known.setdefault(word, len(known)))
        parts.append((np.array(at, dtype=np.int64), np.array(codes, dtype=np.int64)))

    def _number_column(self, name: str) -> Column:
        parts = self._parts.get(name, [])
        rows = np.concatenate([part for part, _ in parts]) if parts else np.zeros(0, dtype=np.int64)
        values = np.concatenate([part for _, part in parts]) if parts else np.zeros(0)
        inside = rows < self.rows
        bad, example = self._unreadable.get(name, (0, ""))
        points = Points(rows=rows[inside], values=values[inside])
        return Column(name=name, points=points, unreadable=bad, example=example)

    def _word_column(self, name: str) -> Column:
        known, parts = self._coded.get(name, ({}, []))
        codes = np.full(self.rows, -1, dtype=np.int64)
        for rows, found in parts:
            inside = rows < self.rows
            codes[rows[inside]] = found[inside]
        return Column(name=name, points=None, codes=codes, words=tuple(known))


def _fields_of(name: str) -> set[str]:
    return set(candidates([name]))


def _word(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell).strip()


def _numbers(cells: Cells, name: str) -> tuple[Labels, Array, int, str] | None:
    """(rows, values, unreadable cells, one of them) of a block of one column; None where most cells are no numbers."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf":
        return np.arange(len(cells), dtype=np.int64), cells.astype(np.float64), 0, ""
    listed = cells.tolist() if isinstance(cells, np.ndarray) else cells
    filled = [i for i, cell in enumerate(listed) if cell is not None and cell != ""]
    rows = np.array(filled, dtype=np.int64)
    some = listed if len(filled) == len(listed) else [listed[i] for i in filled]
    if not any(isinstance(cell, bool) for cell in some):
        try:
            return rows, np.array(some, dtype=np.float64), 0, ""
        except (ValueError, TypeError, OverflowError):
            pass
    texts = [cell if isinstance(cell, str) else repr(cell) if isinstance(cell, bool) else cell for cell in some]
    present = [i for i, cell in enumerate(texts) if not (isinstance(cell, str) and is_empty_cell(cell))]
    field_name = next(iter(_fields_of(name)), "")
    found = read_numbers([texts[i] for i in present], field=field_name)
    if found.unreadable.sum() * 2 > len(present):
        return None
    good = ~found.unreadable
    bad = np.flatnonzero(found.unreadable)
    example = str(texts[present[int(bad[0])]]) if len(bad) else ""
    return rows[np.array(present, dtype=np.int64)[good]], found.values[good], len(bad), example


def _of_text(source: LogSource, growing: _Growing) -> list[Notice]:
    with open_text(source.path) as lines:
        table = DelimitedBlocks(source.path, lines)
        if table.delimiter != "," and _DECIMAL_COMMA.search(source.text):
            return _with_decimal_marks(source, growing)
        for block in table.blocks():
            growing.add(dict(zip(table.header, block, strict=True)), len(block[0]))
        notices = [Notice(code="table_form", message=text) for text in table.remarks()]
        if _ends_torn(source, table.delimiter, len(table.header)):
            growing.drop_last()
            notices.append(Notice(code="torn_line", message="the last line is torn, and is left out"))
    return notices


def _with_decimal_marks(source: LogSource, growing: _Growing) -> list[Notice]:
    columns, rows, remarks = read_delimited(source.path, None)
    table = RawTable(columns=columns, rows=rows)
    table = with_points(table, [name for name in columns if not _fields_of(name) & set(_WORDS)])
    growing.add({**table.columns}, rows)
    return [Notice(code="table_form", message=text) for text in remarks]


def _ends_torn(source: LogSource, delimiter: str, width: int) -> bool:
    """Whether the last line has no end and fewer cells than the header: its writer was stopped."""
    with source.path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return False
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_536))
        last = file.read().rpartition(b"\n")[2].decode("utf-8", "replace")
    return bool(last.strip()) and len(next(csv.reader([last], delimiter=delimiter), [])) < width


def _are_lines(source: LogSource) -> bool:
    """Whether the first line is an object of its own, and another line follows."""
    first, _, rest = source.text.lstrip("\ufeff \t\r\n").partition("\n")
    return first.rstrip().endswith("}") and bool(rest.strip()) and rest.lstrip()[:1] not in (",", "]")


def _of_json_lines(source: LogSource, growing: _Growing) -> list[Notice]:
    """JSON Lines, a block at a time; one JSON value where the file is one."""
    problems: list[str] = []
    comments: list[int] = []
    objects: Iterator[JsonObject] = json_objects(source.path, problems, comments)
    while block := list(islice(objects, _BLOCK)):
        columns, rows = columns_of(block)
        growing.add(columns, rows)
    if len(problems) == 1 and growing.rows and _is_last_line(source, problems[0]):
        return [Notice(code="torn_line", message="the last line is torn, and is left out")]
    if problems:
        table = read_json_table(source.path)  # raises, with the lines, where it is no JSON value either
        growing.clear()
        growing.add({**table.columns}, table.rows)
        return list(table.notices)
    return [Notice(code="table_form", message=f"{len(comments)} comment lines: not read")] if comments else []


def _is_last_line(source: LogSource, problem: str) -> bool:
    """Whether the one line that `problem` names is the last of the file that is not empty."""
    with open_text(source.path) as text:
        last = max((number for number, line in enumerate(text, start=1) if line.strip()), default=0)
    return problem.startswith(f"line {last}:")


def parquet_names(source: LogSource) -> list[str]:
    """The names of the columns of a Parquet file. Raises InputError where it is damaged, or pyarrow is missing."""
    return [str(name) for name in _parquet_file(source).schema_arrow.names]


def _parquet_file(source: LogSource) -> Any:
    try:
        import pyarrow.parquet as parquet  # 40 MB that only this reader needs
    except ImportError as error:
        raise InputError(
            f"{source}: reading Parquet needs pyarrow; install it with: pip install 'isoflop[tables]'"
        ) from error
    try:
        return parquet.ParquetFile(source.path)
    except (ValueError, OSError) as error:  # pyarrow.ArrowInvalid is a ValueError
        raise InputError(f"{source}: not a Parquet file: {error}") from error


def _of_parquet(source: LogSource, growing: _Growing) -> None:
    file = _parquet_file(source)
    import pyarrow.types as kinds

    try:
        for batch in file.iter_batches(batch_size=_BLOCK):
            columns: dict[str, Cells] = {}
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                numeric = kinds.is_floating(column.type) or kinds.is_integer(column.type)
                whole = numeric and not column.null_count
                columns[name] = column.to_numpy(zero_copy_only=False) if whole else column.to_pylist()
            growing.add(columns, batch.num_rows)
    except (ValueError, OSError) as error:
        raise InputError(f"{source}: not a Parquet file: {error}") from error
