"""Which rows are the ends of finished runs: only there has a schedule brought the loss down to what a run is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.fit.budgets import split_by_label
from isoflop.observations import Observations


def rows_of_runs(observations: Observations, fewest: int) -> list[NDArray[np.int64]]:
    """Rows of each run of at least `fewest` rows, by rising tokens and loss."""
    if len(set(observations.run_id)) == len(observations) and fewest > 1:
        return []
    _, run, counts = np.unique(np.array(observations.run_id, dtype=str), return_inverse=True, return_counts=True)
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
    if observations.schedule != "constant":
        for rows in rows_of_runs(observations, 2 if observations.schedule == "unmatched" else 1):
            longest = observations.D[rows] == observations.D[rows[-1]]
            ends[rows[longest][0]] = True  # two rows at one token count are two evaluations: the better one
    return ends & observations.is_final
