"""Tables as files hold them, column by column: CSV, JSON Lines and JSON (also gzipped), Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isoflop.errors import InputError, quoted
from isoflop.files import json_value, kind_of, read_regular
from isoflop.observations.cells import Cells

_SUFFIXES = ".csv, .tsv, .jsonl, .json (each also .gz) or .parquet"
_MOST_PROBLEMS = 20  # broken lines listed before the rest is counted


@dataclass(frozen=True, kw_only=True, eq=False)
class RawTable:
    """Columns of cells as they were written."""

    columns: dict[str, Cells]
    """{name: cells}, all of one length."""
    rows: int
    """How many."""

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, Any]]) -> RawTable:
        """A table of dicts, with None where a row lacks a key. Dicts inside become columns named `outer/inner`."""
        flat = [_flat(row) if any(isinstance(value, dict) for value in row.values()) else row for row in rows]
        names = dict.fromkeys(key for row in flat for key in row)
        return cls(columns={str(name): [row.get(name) for row in flat] for name in names}, rows=len(rows))


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
    return table


def _text(file: Path) -> str:
    data = read_regular(file)
    if file.name.lower().endswith(".gz"):
        data = gzip.decompress(data)
    return data.decode("utf-8-sig")


def _delimited(file: Path, delimiter: str | None) -> RawTable:
    text = _text(file)
    header_line = text.partition("\n")[0]
    if delimiter is None:
        # Semicolons and tabs in files called .csv come from spreadsheets; a comma anywhere in the header settles it.
        delimiter = "," if "," in header_line else next((mark for mark in ";\t" if mark in header_line), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    rows = [row for row in reader if row]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise InputError(f"{file}: expected a name for each column, got {', '.join(map(repr, twice))} more than once")
    width = len(header)
    if any(len(row) != width for row in rows):
        longest = next((number for number, row in enumerate(rows, start=1) if len(row) > width), None)
        if longest is not None:
            cells = len(rows[longest - 1])
            raise InputError(f"{file}: row {longest}: expected {width} cells as in the header, got {cells}")
        rows = [row + [""] * (width - len(row)) for row in rows]
    columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}
    columns.pop("", None)  # the index that pandas writes
    return RawTable(columns=dict(columns), rows=len(rows))


def _json_lines(file: Path) -> RawTable:
    lines = [(number, line) for number, line in enumerate(_text(file).split("\n"), start=1) if line.strip()]
    try:
        # one call is four times as fast as one a line
        rows = json_value(f"[{','.join(line for _, line in lines)}]", finite=False)
    except ValueError:
        rows = None
    if rows is not None and len(rows) == len(lines) and all(isinstance(row, dict) for row in rows):
        return RawTable.from_rows(rows)
    problems = []
    for number, line in lines:
        try:
            if isinstance(json_value(line, finite=False), dict):
                continue
            problems.append(f"line {number}: expected a JSON object, got {quoted(line, most=40)}")
        except ValueError as error:
            problems.append(f"line {number}: expected a JSON object, got {quoted(line, most=40)} ({error})")
    if len(problems) > _MOST_PROBLEMS:
        problems = [*problems[:_MOST_PROBLEMS], f"and {len(problems) - _MOST_PROBLEMS} more lines"]
    raise InputError.gathered(str(file), problems)


def _json(file: Path) -> RawTable:
    expected = "expected a JSON list of objects, or an object of equally long lists"
    try:
        data = json_value(_text(file), finite=False)
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise InputError(f"{file}: {expected}: {error}") from error
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return RawTable.from_rows(data)
    if isinstance(data, dict) and data and all(isinstance(column, list) for column in data.values()):
        lengths = {len(column) for column in data.values()}
        if len(lengths) == 1:
            return RawTable(columns=data, rows=lengths.pop())
    raise InputError(f"{file}: {expected}, got something else")


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        name = f"{before}{key}"
        found.update(_flat(value, f"{name}/") if isinstance(value, dict) else {name: value})
    return found


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
