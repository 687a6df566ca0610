"""Observations from files: CSV, JSON Lines and JSON (also gzipped), Parquet, under their authors' column names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isoflop.errors import InputError, RefusedError
from isoflop.observations.file_formats import read_table
from isoflop.observations.options import ReadOptions
from isoflop.observations.table import Observations


def read_observations(path: str | Path, options: ReadOptions | None = None, **stated: Any) -> Observations:
    """The runs in a table file, read as `options` say; `stated` are fields of `ReadOptions`, an alternative to it.

    Raises InputError for a file that is missing, unreadable or of another kind, and for what `from_rows` refuses.

    >>> read_observations("runs.csv", columns={"params": "size"}, loss_unit="perplexity")
    Traceback (most recent call last):
    isoflop.errors.InputError: runs.csv: expected a table of runs, found no such file
    """
    file = Path(path)
    table = read_table(file)
    try:
        return Observations.from_table(table, options or ReadOptions(**stated))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except RefusedError as error:
        raise RefusedError(error.code, f"{file}: {error}") from error
