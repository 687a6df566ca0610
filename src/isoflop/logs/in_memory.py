"""Curves in memory as logged runs: frames of pandas, polars or pyarrow, dicts of columns, lists of records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isoflop.errors import InputError
from isoflop.logs.formats.column_store import GrowingColumns
from isoflop.logs.formats.tables import runs_of
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource
from isoflop.observations.frames import table_in_memory

if TYPE_CHECKING:
    from isoflop.observations.frames import InMemory


def runs_in_memory(data: InMemory, options: LogOptions, name: str) -> tuple[LoggedRun, ...]:
    """The runs in a table, a point of a curve in each row; `name` is what a run is called that has none there.

    Raises InputError for what is no table, is empty, or has no loss.
    """
    table = table_in_memory(data)
    if not table.rows:
        raise InputError(f"{name}: expected at least one row, got none")
    columns = GrowingColumns()
    columns.add({**table.columns}, table.rows)
    return runs_of(columns.done(table.notices), LogSource(path=Path(name), root=Path(name)), options)
