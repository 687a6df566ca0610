"""Tables in memory as raw cells: frames of pandas, polars or pyarrow (by narwhals), dicts of columns, records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from isoflop.errors import InputError, quoted
from isoflop.observations.file_formats import RawTable
from isoflop.observations.parsing import Cells

if TYPE_CHECKING:
    import narwhals as nw
    from narwhals.typing import IntoFrame

    InMemory: TypeAlias = (
        IntoFrame | Mapping[str, Sequence[object] | np.ndarray[Any, Any]] | Sequence[Mapping[str, object]]
    )
    """A frame of a library that narwhals knows, {column: its cells}, or a list of records."""

_EXPECTED = "expected a path, a frame of pandas, polars or pyarrow, a dict of columns, or a list of records"


def table_in_memory(data: InMemory) -> RawTable:
    """The cells of `data`, each column under its name. Raises InputError for what is no table."""
    if isinstance(data, Mapping):
        return _of_columns(data)
    if isinstance(data, list | tuple):
        if not data or not all(isinstance(row, Mapping) for row in data):
            raise InputError(f"runs: {_EXPECTED}; got {_kind_of(data)}")
        return RawTable.from_rows(data)
    return _of_frame(data)


def library_of(data: object) -> str:
    """Name of the library whose frame `data` is, such as `pandas`; empty where it is no frame."""
    import narwhals as nw

    try:
        frame = nw.from_native(cast(Any, data))
    except TypeError:
        return ""
    return str(frame.implementation)


def _of_columns(columns: Mapping[str, object]) -> RawTable:
    """A table of {column: cells}, cells being lists, tuples, arrays or series."""
    read: dict[str, Cells] = {}
    for name, cells in columns.items():
        if isinstance(cells, str | bytes) or not isinstance(cells, Iterable):
            raise InputError(f"runs: column {name!r}: expected a list of cells, got {quoted(str(cells))}")
        read[str(name)] = cells if isinstance(cells, np.ndarray) and cells.ndim == 1 else list(cells)
    lengths = {name: len(cells) for name, cells in read.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"runs: expected columns of equal length, got {lengths}")
    return RawTable(columns=read, rows=next(iter(lengths.values()), 0))


def _of_frame(data: object) -> RawTable:
    import narwhals as nw  # 20 ms that only frames need

    try:
        native: Any = _with_named_index(data)
        frame = nw.from_native(native)
        eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
        series = [(name, eager[name]) for name in eager.columns]
    except (TypeError, nw.exceptions.NarwhalsError) as error:
        reason = "" if isinstance(error, TypeError) else f" ({error})"
        raise InputError(f"runs: {_EXPECTED}; got {_kind_of(data)}{reason}") from error
    columns: dict[str, Cells] = {}
    for name, column in series:
        columns.update(_cells(str(name), column))
    return RawTable(columns=columns, rows=len(eager))


def _with_named_index(data: Any) -> Any:
    """`data`; of pandas with its index as columns where that has names, as after `groupby` and `set_index`."""
    index = getattr(data, "index", None)
    named = any(name is not None for name in getattr(index, "names", ()))
    return data.reset_index() if named and hasattr(data, "reset_index") else data


def _cells(name: str, column: nw.Series[Any]) -> dict[str, Cells]:
    """{name: cells} of a column; of a column of records, one a field, named as in Parquet files: `outer.inner`."""
    import narwhals as nw

    kind = column.dtype
    if isinstance(kind, nw.Struct):
        parts: dict[str, Cells] = {}
        for field in kind.fields:
            parts |= _cells(f"{name}.{field.name}", column.struct.field(field.name))
        return parts
    if kind.is_numeric() and not column.null_count():
        return {name: column.to_numpy()}
    missing = column.is_null().to_list()
    return {name: [None if gone else cell for cell, gone in zip(column.to_list(), missing, strict=True)]}


def _kind_of(data: object) -> str:
    """`list of int`, `DataFrame`: what came, for a message."""
    inside = f" of {type(data[0]).__name__}" if isinstance(data, list | tuple) and data else ""
    empty = " without rows" if isinstance(data, list | tuple) and not data else ""
    return f"{type(data).__name__}{inside}{empty}"
