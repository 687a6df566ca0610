"""Observations from files: CSV, JSON Lines (also gzipped), Parquet, with the column names of whoever wrote them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import InputError
from isoflop.observations.columns import FIELDS, match_columns
from isoflop.observations.table import Observations

_SUFFIXES = ".csv, .tsv, .jsonl, .jsonl.gz, .json or .parquet"


def read_observations(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    params_convention: str = "total",
    flops_convention: str = "six_n",
    loss_unit: str = "nats_per_token",
) -> Observations:
    """The runs in a table file. `columns` ({field: column}) overrules the names that are recognised by themselves.

    Raises InputError for a file that is missing, unreadable or of another kind, and for what `from_rows` refuses.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: expected a table of runs ({_SUFFIXES}), found no such file")
    rows = _rows(file)
    if not rows:
        raise InputError(f"{file}: expected at least one row, got none")
    headers = list(dict.fromkeys(key for row in rows for key in row))
    names = match_columns(headers)
    for field, column in (columns or {}).items():
        if field not in FIELDS or column not in headers:
            raise InputError(
                f"{file}: column {field}={column}: expected a field of {', '.join(FIELDS)} and a column of "
                f"{', '.join(map(str, headers))}"
            )
        names[field] = column
    try:
        return Observations.from_rows(
            rows,
            columns=names,
            params_convention=params_convention,
            flops_convention=flops_convention,
            loss_unit=loss_unit,
        )
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def _rows(file: Path) -> list[dict[str, Any]]:
    name = file.name.lower()
    try:
        if name.endswith((".csv", ".tsv", ".csv.gz")):
            return _delimited(file, "\t" if name.endswith(".tsv") else ",")
        if name.endswith((".jsonl", ".jsonl.gz", ".ndjson")):
            return _json_lines(file)
        if name.endswith(".json"):
            return _json_list(file)
        if name.endswith((".parquet", ".pq")):
            return _parquet(file)
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    raise InputError(f"{file}: expected {_SUFFIXES}, got {file.suffix or 'no suffix'}")


def _text(file: Path) -> str:
    data = file.read_bytes()
    if file.name.lower().endswith(".gz"):
        data = gzip.decompress(data)
    return data.decode("utf-8-sig")


def _delimited(file: Path, delimiter: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(_text(file).splitlines(), delimiter=delimiter)
    rows = []
    for row in reader:
        if None in row:
            raise InputError(f"{file}: line {reader.line_num}: expected {len(reader.fieldnames or [])} cells, got more")
        rows.append(dict(row))
    return rows


def _json_lines(file: Path) -> list[dict[str, Any]]:
    rows, problems = [], []
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(f"line {number}: expected a JSON object, got {line[:40]!r} ({error.msg})")
            continue
        if isinstance(row, dict):
            rows.append(row)
        else:
            problems.append(f"line {number}: expected a JSON object, got {line[:40]!r}")
    if problems:
        raise InputError.gathered(str(file), problems[:20])
    return rows


def _json_list(file: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(_text(file))
    except json.JSONDecodeError as error:
        raise InputError(f"{file}: expected a JSON list of objects: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{file}: expected a JSON list of objects, got something else")
    return rows


def _parquet(file: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet  # 40 MB that only this reader needs
    except ImportError as error:
        raise InputError(
            f"{file}: reading Parquet needs pyarrow; install it with: pip install 'isoflop[tables]'"
        ) from error
    try:
        rows: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
    except (ValueError, OSError) as error:  # pyarrow.ArrowInvalid is a ValueError
        raise InputError(f"{file}: not a Parquet file: {error}") from error
    return rows
