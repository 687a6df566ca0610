"""Case resampling by run, within budgets: the interval that holds its level in every noise setting tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def resample_weights(
    run_id: Sequence[str], strata: NDArray[np.int64], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """How often each row counts in each draw, (draws, rows): runs drawn with replacement within their stratum.

    A run's rows share its weight. Strata with one run are joined into one, where a run can be absent.
    """
    _, first, run = np.unique(np.asarray(run_id, dtype=object).astype(str), return_index=True, return_inverse=True)
    stratum_of_run = strata[first].copy()
    for label in np.unique(stratum_of_run):
        members = stratum_of_run == label
        if members.sum() < 2:
            stratum_of_run[members] = -1
    weights = np.zeros((draws, len(first)))
    for label in np.unique(stratum_of_run):
        members = np.flatnonzero(stratum_of_run == label)
        weights[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    return weights[:, run]


def percentile_interval(values: ArrayLike, level: float) -> tuple[float, float]:
    """The central interval that holds `level` of the finite values."""
    array = np.asarray(values, dtype=np.float64)
    low, high = np.quantile(array[np.isfinite(array)], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
