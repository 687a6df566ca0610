"""Observations from files (CSV, JSON Lines and JSON, also gzipped, Parquet) and from frames, under any column names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import InputError, RefusedError
from isoflop.observations.file_formats import read_table
from isoflop.observations.frames import table_in_memory
from isoflop.observations.options import ReadOptions
from isoflop.observations.table import Observations

if TYPE_CHECKING:
    from isoflop.observations.frames import InMemory


def read_observations(runs: str | Path | InMemory, options: ReadOptions | None = None, **stated: Any) -> Observations:
    """The runs in a table, read as `options` say; `stated` are fields of `ReadOptions`, an alternative to it.

    `runs` is the path of a file, or a table in memory: a frame of pandas, polars or pyarrow, {column: cells}, or a list
    of records. Names of columns are recognised in the same way in all of them.

    Raises InputError for a file that is missing, unreadable or of another kind, for what is no table, and for what
    `from_rows` refuses.

    >>> read_observations("runs.csv", columns={"params": "size"}, loss_unit="perplexity")
    Traceback (most recent call last):
    isoflop.errors.InputError: runs.csv: expected a table of runs, found no such file
    >>> len(read_observations({"N": [1e8, 1e9], "D": ["2B", "20B"], "loss": [3.1, 2.7]}))
    2
    """
    options = options or ReadOptions(**stated)
    if not isinstance(runs, str | Path):
        return Observations.from_table(table_in_memory(runs), options)
    file = Path(runs)
    table = read_table(file)
    try:
        return Observations.from_table(table, options)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except RefusedError as error:
        raise RefusedError(error.code, f"{file}: {error}") from error
