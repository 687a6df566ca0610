"""Tables as files hold them, column by column: CSV, JSON Lines and JSON (also gzipped), Parquet."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import cast

from isoflop.codec import Json, JsonObject
from isoflop.errors import InputError, Notice, quoted
from isoflop.json_values import json_value
from isoflop.observations.curve_exports import refuse_charts, refuse_training_state
from isoflop.observations.delimited import open_text, read_delimited
from isoflop.observations.json_tables import columns_of, table_in
from isoflop.observations.parsing import Cells
from isoflop.regular_files import kind_of

_SUFFIXES = ".csv, .tsv, .jsonl, .json (each also .gz) or .parquet"
_MOST_PROBLEMS = 20  # broken lines listed before the rest is counted
_BLOCK = 16384  # lines of JSON parsed at a time


@dataclass(frozen=True, kw_only=True, eq=False)
class RawTable:
    """Columns of cells as they were written."""

    columns: Mapping[str, Cells]
    """{name: cells}, all of one length."""
    rows: int
    """How many."""
    notices: tuple[Notice, ...] = ()
    """What the file held besides the table, or in which form it held it."""

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, object]]) -> RawTable:
        """A table of dicts, with None where a row lacks a key. Dicts inside become columns named `outer/inner`."""
        columns, count = columns_of(rows)
        return cls(columns=columns, rows=count)


def read_table(file: Path) -> RawTable:
    """The table in `file`. Raises InputError for a file that is missing, unreadable, empty or of another kind."""
    if not file.is_file():
        found = "no such file"
        if file.exists():
            found = "a folder; name the file in it" if file.is_dir() else kind_of(file.stat().st_mode)
        raise InputError(f"{file}: expected a table of runs ({_SUFFIXES}), found {found}")
    name = file.name.lower().removesuffix(".gz")
    try:
        if name.endswith((".csv", ".tsv")):
            table = _delimited(file, "\t" if name.endswith(".tsv") else None)
        elif name.endswith((".jsonl", ".ndjson")):
            table = _json_lines(file)
        elif name.endswith(".json"):
            table = _json(file)
        elif name.endswith((".parquet", ".pq")) and not file.name.lower().endswith(".gz"):
            table = _parquet(file)
        else:
            raise InputError(f"{file}: expected {_SUFFIXES}, got {file.suffix or 'no suffix'}")
    except (OSError, UnicodeDecodeError, EOFError, csv.Error, zlib.error) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    if not table.rows:
        raise InputError(f"{file}: expected at least one row, got none")
    refuse_charts(table.columns, str(file))
    return table


def _delimited(file: Path, delimiter: str | None) -> RawTable:
    columns, rows, remarks = read_delimited(file, delimiter)
    return _with_notices(columns, rows, remarks)


def _json_lines(file: Path) -> RawTable:
    """JSON Lines; a whole JSON value where the file is one whatever it is called."""
    problems: list[str] = []
    comments: list[int] = []
    columns, rows = columns_of(json_objects(file, problems, comments))
    if problems:
        whole = _whole_json(file)
        if isinstance(whole, list | dict) and whole:
            return _json_value(file, whole, "the file is one JSON value, not JSON Lines: read so")
        if len(problems) > _MOST_PROBLEMS:
            problems = [*problems[:_MOST_PROBLEMS], f"and {len(problems) - _MOST_PROBLEMS} more lines"]
        raise InputError.gathered(str(file), problems)
    return _with_notices(columns, rows, [f"{len(comments)} comment lines: not read"] if comments else [])


def json_objects(file: Path, problems: list[str], comments: list[int]) -> Iterator[JsonObject]:
    """The objects of JSON Lines; lines that hold none go to `problems`, lines of comments to `comments`."""
    with open_text(file) as text:
        yield from objects_in(text, problems, comments)


def objects_in(text: Iterable[str], problems: list[str], comments: list[int]) -> Iterator[JsonObject]:
    """The objects of lines of JSON, as `json_objects` gives them."""
    lines = enumerate(text, start=1)
    while block := list(islice(lines, _BLOCK)):
        filled = [(number, line) for number, line in block if line.strip()]
        try:
            rows = json_value(f"[{','.join(line for _, line in filled)}]", finite=False)
            # one call is four times as fast as one a line
        except ValueError:
            rows = None
        if isinstance(rows, list) and len(rows) == len(filled) and set(map(type, rows)) <= {dict}:
            yield from cast(list[JsonObject], rows)
            continue
        for number, line in filled:
            if line.lstrip().startswith(("#", "//")):
                comments.append(number)
                continue
            try:
                row = json_value(line, finite=False)
            except ValueError as error:
                problems.append(f"line {number}: expected a JSON object, got {quoted(line, most=40)} ({error})")
                continue
            if isinstance(row, dict):
                yield row
            else:
                problems.append(f"line {number}: expected a JSON object, got {quoted(line, most=40)}")


def _json(file: Path) -> RawTable:
    """A JSON value that holds a table; JSON Lines where the file holds those whatever it is called."""
    with open_text(file) as text:
        whole = text.read()
    try:
        value = json_value(whole, finite=False)
    except ValueError as error:
        first, _, rest = whole.strip().partition("\n")
        if first.startswith("{") and first.rstrip().endswith("}") and rest:
            table = _json_lines(file)
            return replace(table, notices=(_form("the file is JSON Lines: read so"), *table.notices))
        raise InputError(f"{file}: expected a JSON list of objects or another table in JSON: {error}") from error
    return _json_value(file, value)


def _whole_json(file: Path) -> Json:
    try:
        with open_text(file) as text:
            value: Json = json_value(text.read(), finite=False)
    except ValueError:
        return None
    return value


def read_json_table(file: Path) -> RawTable:
    """The table in a file of one JSON value, or of JSON Lines, whatever the file is called, curves among them.

    Raises InputError where it holds none.
    """
    value = _whole_json(file)
    if value is None:
        return _json_lines(file)
    table = table_in(value, str(file))
    return _with_notices(table.columns, table.rows, table.remarks)


def _json_value(file: Path, value: Json, *remarks: str) -> RawTable:
    refuse_training_state(value, str(file))
    table = table_in(value, str(file))
    return _with_notices(table.columns, table.rows, [*remarks, *table.remarks])


def _with_notices(columns: Mapping[str, Cells], rows: int, remarks: Iterable[str]) -> RawTable:
    return RawTable(columns=columns, rows=rows, notices=tuple(_form(text) for text in remarks))


def _form(text: str) -> Notice:
    return Notice(code="table_form", message=text)


def _parquet(file: Path) -> RawTable:
    try:
        import pyarrow.parquet as parquet  # 40 MB that only this reader needs
        import pyarrow.types as kinds
    except ImportError as error:
        raise InputError(
            f"{file}: reading Parquet needs pyarrow; install it with: pip install 'isoflop[tables]'"
        ) from error
    try:
        table = parquet.read_table(file).flatten()
    except (ValueError, OSError) as error:  # pyarrow.ArrowInvalid is a ValueError
        raise InputError(f"{file}: not a Parquet file: {error}") from error
    columns: dict[str, Cells] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        numeric = kinds.is_floating(column.type) or kinds.is_integer(column.type)
        columns[name] = column.to_numpy() if numeric and not column.null_count else column.to_pylist()
    return RawTable(columns=columns, rows=table.num_rows)
