"""Which rows of a table a fit lists one by one: all, or of a very large one as many as can be looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.observations import Observations

Array = NDArray[np.float64]

MOST_LISTED = 20_000
"""Rows; a million of them, each with eight numbers, are 170 MB of JSON and 1 GiB of memory before that."""
_FURTHEST = 1000


def listed_rows(count: int, off: Array | None = None) -> NDArray[np.int64]:
    """Indices, ascending, of at most 20,000 of `count` rows: evenly over the table, and those furthest `off`."""
    if count <= MOST_LISTED:
        return np.arange(count)
    evenly = np.linspace(0, count - 1, MOST_LISTED - _FURTHEST).astype(np.int64)
    if off is None:
        return evenly
    furthest = np.argpartition(-np.abs(off), _FURTHEST)[:_FURTHEST]
    return np.union1d(evenly, furthest)


def rows_as_json(data: Observations) -> tuple[dict[str, Any], ...]:
    """{row, run_id, params, tokens, flops, loss} of the listed rows; loss None where rows are optima without one."""
    listed = listed_rows(len(data))
    columns = (column[listed].tolist() for column in (data.row, data.N, data.D, data.C, data.loss))
    names = ("row", "params", "tokens", "flops", "loss")
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    return tuple(
        row | {"run_id": data.run_id[i], "loss": row["loss"] if np.isfinite(row["loss"]) else None}
        for i, row in zip(listed.tolist(), rows, strict=True)
    )
