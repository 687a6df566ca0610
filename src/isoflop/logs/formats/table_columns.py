"""The columns of a table of any length as numbers and codes of words, read a block at a time.

A history of 200 MB as lists of strings takes gigabytes; here a number takes eight bytes and a word four.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from isoflop.codec import JsonObject
from isoflop.errors import InputError, Notice
from isoflop.logs.formats.column_store import WORDS, GrowingColumns, TableColumns, fields_of
from isoflop.logs.source import LogSource
from isoflop.observations.decimal_marks import with_points
from isoflop.observations.delimited import DelimitedBlocks, open_text, read_delimited
from isoflop.observations.file_formats import RawTable, json_objects, read_json_table
from isoflop.observations.json_tables import columns_of
from isoflop.observations.parsing import Cells

_BLOCK = 16_384
_DECIMAL_COMMA = re.compile(r"\d,\d")


def read_columns(source: LogSource) -> TableColumns:
    """The table in a file: Parquet, JSON of any kind, or text with a delimiter, by what it holds.

    A torn last line is left out, with a notice. Raises InputError where there is no table.
    """
    growing = GrowingColumns()
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


def _of_text(source: LogSource, growing: GrowingColumns) -> list[Notice]:
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


def _with_decimal_marks(source: LogSource, growing: GrowingColumns) -> list[Notice]:
    columns, rows, remarks = read_delimited(source.path, None)
    table = RawTable(columns=columns, rows=rows)
    table = with_points(table, [name for name in columns if not fields_of(name) & set(WORDS)])
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


def _of_json_lines(source: LogSource, growing: GrowingColumns) -> list[Notice]:
    """JSON Lines, a block at a time; one JSON value where the file is one."""
    problems: list[str] = []
    comments: list[int] = []
    objects: Iterator[JsonObject] = json_objects(source.path, problems, comments)
    while block := list(islice(objects, _BLOCK)):
        growing.add(_columns_of(block), len(block))
    if len(problems) == 1 and growing.rows and _is_last_line(source, problems[0]):
        return [Notice(code="torn_line", message="the last line is torn, and is left out")]
    if problems:
        table = read_json_table(source.path)  # raises, with the lines, where it is no JSON value either
        growing.clear()
        growing.add({**table.columns}, table.rows)
        return list(table.notices)
    return [Notice(code="table_form", message=f"{len(comments)} comment lines: not read")] if comments else []


def _columns_of(block: Sequence[JsonObject]) -> Mapping[str, Cells]:
    """The columns of some lines; lines of one logger mostly have the same keys, which takes half the time."""
    names = block[0].keys()
    if all(line.keys() == names for line in block):
        columns = {name: [line[name] for line in block] for name in names}
        if not any(dict in set(map(type, cells)) for cells in columns.values()):
            return {**columns}
    return columns_of(block)[0]


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


def _of_parquet(source: LogSource, growing: GrowingColumns) -> None:
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
