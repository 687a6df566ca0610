"""Which rows are the ends of finished runs: only there has a schedule brought the loss down to what a run is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.fit.budgets import split_by_label
from isoflop.observations import Observations


def rows_of_runs(observations: Observations, fewest: int) -> list[NDArray[np.int64]]:
    """Rows of each run of at least `fewest` rows, by rising tokens and loss."""
    run = observations.run_number
    counts = np.bincount(run)
    if counts.max(initial=0) < fewest:
        return []
    order = np.lexsort((observations.loss, observations.D, run))
    order = order[counts[run[order]] >= fewest]
    return split_by_label(order, run[order])


def finished_ends(observations: Observations) -> NDArray[np.bool_]:
    """True for rows that are known, or may be taken, to be the end of a schedule.

    `matched`: every final row, as stated. `constant`: none, nothing was annealed. `unmatched`: the last row of each run
    of several rows; a row alone was taken before the end of a longer schedule. `unknown`: the last row of each run, a
    run of one row included: every table of runs gives their ends, and rows before a run's last are of no known
    schedule.
    """
    if observations.schedule == "matched":
        return observations.is_final.copy()
    ends = np.zeros(len(observations), dtype=bool)
    if observations.schedule == "constant" or not len(observations):
        return ends
    run, D = observations.run_number, observations.D
    order = np.lexsort((observations.loss, D, run))
    counts = np.bincount(run)
    last = np.cumsum(counts) - 1
    # two rows at one token count are two evaluations: the better one, which comes first
    longest = D[order] == D[order[last]][run[order]]
    first = np.flatnonzero(longest & ~(np.append(False, longest[:-1]) & np.append(False, np.diff(run[order]) == 0)))
    fewest = 2 if observations.schedule == "unmatched" else 1
    ends[order[first][counts[run[order[first]]] >= fewest]] = True
    return ends & observations.is_final
