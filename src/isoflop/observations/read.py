"""Observations from files: CSV, JSON Lines and JSON (also gzipped), Parquet, with the names of whoever wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isoflop.errors import InputError, RefusedError
from isoflop.observations.build import observe
from isoflop.observations.file_formats import read_table
from isoflop.observations.options import Reading
from isoflop.observations.table import Observations


def read_observations(path: str | Path, reading: Reading | None = None, **stated: Any) -> Observations:
    """The runs in a table file, read as `reading` says; `stated` are fields of `Reading`, an alternative to it.

    Raises InputError for a file that is missing, unreadable or of another kind, and for what `from_rows` refuses.

    >>> read_observations("runs.csv", columns={"params": "size"}, loss_unit="perplexity")
    Traceback (most recent call last):
    isoflop.errors.InputError: runs.csv: expected a table of runs, found no such file
    """
    file = Path(path)
    table = read_table(file)
    try:
        return observe(table, reading or Reading(**stated))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except RefusedError as error:
        raise RefusedError(error.code, f"{file}: {error}") from error
