"""Case resampling by run or size (Efron 1979; Cameron, Gelbach and Miller 2008 for clusters), within budgets.

With percentile limits this interval kept its level in every noise setting tried.

The draws depend only on the data of the runs: neither on the order of the rows nor on the names of the runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array, Labels

if TYPE_CHECKING:
    from isoflop.observations import Observations

LEVEL = 0.9
"""Level of every interval unless another is asked for."""
DRAWS = 4000
"""Resamples unless another number is asked for: the ends of a 90 % interval are then known to 2 % of its width."""


def row_order(*columns: Array) -> Labels:
    """Rows sorted by the first column, ties by the second and so on: the same rows in the same order, however given."""
    return np.lexsort(columns[::-1]).astype(np.int64)


def numbered_runs(data: Observations, named: Labels) -> Labels:
    """The number of each row's run, (rows,), runs being ordered by their own N, D and losses, not as `named`.

    Runs whose data are equal are interchangeable; their order does not matter.
    """
    count = int(named.max()) + 1
    order = row_order(data.N, data.D, data.loss)
    columns = np.stack([data.N, data.D, data.loss])[:, order]
    # Equal rows share a rank, so that which of them came first in the file plays no part.
    rank = np.empty(len(order))
    rank[order] = np.cumsum(np.append(True, np.any(np.diff(columns, axis=1) != 0, axis=0)))
    smallest, largest = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(smallest, named, rank)
    np.maximum.at(largest, named, rank)
    sums = [np.bincount(named, rank**power, count).astype(np.float64) for power in (0, 1, 2)]
    number = np.empty(count, dtype=np.int64)
    number[row_order(smallest, largest, *sums)] = np.arange(count)
    return number[named]


def run_strata(data: Observations, run: Labels, strata: Labels) -> Labels:
    """The stratum of each run by number, (runs,); those of one run joined as -1."""
    order = row_order(data.N, data.D, data.loss)
    stratum = np.empty(int(run.max()) + 1, dtype=np.int64)
    stratum[run[order[::-1]]] = strata[order[::-1]]  # the last to be written is the first by N, D and loss
    labels, members = np.unique(stratum, return_counts=True)
    stratum[np.isin(stratum, labels[members < 2])] = -1
    return stratum


def run_weights(stratum: Labels, draws: int, rng: np.random.Generator) -> Array:
    """How often each run counts in each draw, (draws, runs): as many drawn from each stratum as it has."""
    weights = np.empty((draws, len(stratum)))
    for label in np.unique(stratum):
        members = np.flatnonzero(stratum == label)
        drawn = rng.integers(len(members), size=(draws, len(members)))
        drawn += len(members) * np.arange(draws)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=draws * len(members))
        weights[:, members] = counts.reshape(draws, len(members))
    return weights


def percentile_interval(values: ArrayLike, level: float) -> tuple[float, float]:
    """The central interval that holds `level` of the finite values."""
    array = np.asarray(values, dtype=np.float64)
    low, high = np.quantile(array[np.isfinite(array)], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
