"""The rows of a table that a fit lists one by one: all, or of a very large table as many as can be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array
from isoflop.codec import Count, Positive

if TYPE_CHECKING:
    from isoflop.observations import Observations

MOST_LISTED = 20_000
"""Rows; a million of them, each with eight numbers, are 170 MB of JSON and 1 GiB of memory before that."""
_FURTHEST = 1000


@dataclass(frozen=True, kw_only=True)
class ListedRow:
    """A row that was used."""

    row: Count
    """Its number in the table."""
    run_id: str
    params: Positive
    tokens: Positive
    flops: Positive
    loss: Positive | None
    """None where rows are optima without a loss."""


@dataclass(frozen=True, kw_only=True)
class Residual(ListedRow):
    """A row with the loss that the fitted law predicts."""

    loss: Positive
    predicted: Positive


def listed_rows(count: int, off: Array | None = None) -> NDArray[np.int64]:
    """Indices, ascending, of at most 20,000 of `count` rows: evenly over the table, and those furthest `off`."""
    if count <= MOST_LISTED:
        return np.arange(count)
    evenly = np.linspace(0, count - 1, MOST_LISTED - _FURTHEST).astype(np.int64)
    if off is None:
        return evenly
    furthest = np.argpartition(-np.abs(off), _FURTHEST)[:_FURTHEST]
    return np.union1d(evenly, furthest)


def rows_used(data: Observations) -> tuple[ListedRow, ...]:
    """The listed rows of `data`."""
    columns = (data.row, data.N, data.D, data.C, data.loss)
    listed = listed_rows(len(data))
    table = zip(listed.tolist(), *(column[listed].tolist() for column in columns), strict=True)
    return tuple(
        ListedRow(row=row, run_id=data.run_id[i], params=N, tokens=D, flops=C, loss=loss if np.isfinite(loss) else None)
        for i, row, N, D, C, loss in table
    )


def residual_rows(data: Observations, residuals: Array) -> tuple[Residual, ...]:
    """The listed rows with what a law expects of them; `residuals` (rows,) are predicted less observed ln loss."""
    listed = listed_rows(len(data), residuals)
    predicted = data.loss * np.exp(residuals)
    columns = (data.row, data.N, data.D, data.C, data.loss, predicted)
    table = zip(listed.tolist(), *(column[listed].tolist() for column in columns), strict=True)
    return tuple(
        Residual(row=row, run_id=data.run_id[i], params=N, tokens=D, flops=C, loss=loss, predicted=expected)
        for i, row, N, D, C, loss, expected in table
    )
