"""Schedules of the runs: which rows end one, and what the losses show of them (a decay inside the table, an exponent
too steep). Only at the end of its schedule is the loss of a run that of a run of its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice
from isoflop.fit.budgets import split_by_label
from isoflop.units import format_number, percent

if TYPE_CHECKING:
    from isoflop.observations import Observations

MISMATCH = "schedule_mismatch"

_EARLIEST = 0.1  # of a run's tokens: before that, warm-up and the first fall
_FEWEST_POINTS = 5  # a run from there on: four are spent on its curve, one more tells the noise
_FEWEST_FREE = 5  # degrees of freedom of the noise, all runs together
_LOUD = 2.6  # standard errors: one table in 200, and fewer of a law, whose own part of it is negative
_STEEPEST_MATCHED = 0.58
"""Approach 2 on runs with a schedule of their own has given a = .45 to .578: Hoffmann et al. 2022 .49, Llama 3 .47 (its
tokens .53), DeepSeek LLM .45 to .578 over corpora, Porian et al. 2024 .569 to .578 with a cosine a run and .497 to .518
tuned. One long schedule for all horizons gave .60 to .62 there, with a long warm-up .70 to .87."""


@dataclass(frozen=True, kw_only=True)
class Decay:
    """A cosine decay of the rate seen in the losses of runs of at least five rows, pooled over the runs."""

    runs: int
    """Runs with enough rows."""
    share: float
    """By how much their ln losses start above what they end with, beyond what a law does: about .03 for rows of one
    cosine (annealed rows of Gemstones and of Porian et al. lie 3 to 4.5 % below others), at most 0 for a law."""
    se: float
    """Its standard error, from the scatter about the runs' own curves."""

    @property
    def z(self) -> float:
        """Share in standard errors."""
        return self.share / self.se


def observed_decay(observations: Observations) -> Decay | None:
    """A cosine over each run's tokens in its losses; None where too few runs have enough rows to tell.

    ln L = c0 + c1 x + c2 x^2 + share (1 + cos pi p) / 2 from a tenth of a run on, x = ln D, p = D over the run's last.
    E + A N^-alpha + B D^-beta gives a share of 0 to -.03 for any beta from .2 to .9, and so do losses at a constant
    rate and rows that each end a schedule of their own. A straight decay cannot be distinguished from a law in this
    way: rows of Gemstones, annealed or not, would raise the notice.
    """
    groups = []
    for rows in rows_of_runs(observations, _FEWEST_POINTS):
        late = rows[observations.D[rows] >= _EARLIEST * (1 - 1e-9) * observations.D[rows[-1]]]
        if len(late) >= _FEWEST_POINTS and np.all(np.diff(observations.D[late]) > 0):
            groups.append(late)
    if sum(len(rows) - 4 for rows in groups) < _FEWEST_FREE:
        return None
    parts = []
    for rows in groups:
        p = observations.D[rows] / observations.D[rows[-1]]
        law = np.stack([np.ones_like(p), np.log(p), np.log(p) ** 2], axis=1)
        both = np.stack([0.5 * (1 + np.cos(np.pi * p)), np.log(observations.loss[rows])], axis=1)
        # Residuals of both on the law's columns: their regression is that of the full fit (Frisch-Waugh-Lovell).
        residuals = both - law @ np.linalg.lstsq(law, both, rcond=None)[0]
        x, y = residuals.T
        weight, along, left = x @ x, x @ y, y @ y
        parts.append((along, weight, max(left - along**2 / weight, 0.0), len(rows) - 4.0))
    # The names of the runs must not show in the last digit.
    along, weight, left, free = np.array(sorted(parts)).sum(axis=0).tolist()
    noise = max(float(np.sqrt(left / free)), 1e-12)
    return Decay(runs=len(groups), share=along / weight, se=noise / float(np.sqrt(weight)))


def decay_notices(observations: Observations) -> list[Notice]:
    """`schedule_mismatch` where the rate decays inside the table and nobody stated the schedules.

    Several rows a run under one decaying schedule: all but the last of each lie above a run of that length.
    """
    if observations.schedule != "unknown":
        return []
    decay = observed_decay(observations)
    if decay is None or decay.z < _LOUD:
        return []
    text = (
        f"the losses of {decay.runs} runs fall along each run as under one cosine decay of the rate "
        f"({percent(decay.share)} more than a law does, {decay.z:.1f} standard errors): all rows but the last of a run "
        "lie above a run that ends there; use only the last rows, or pass --schedule matched if each row has a "
        "schedule of its own"
    )
    return [Notice(code=MISMATCH, message=text)]


def exponent_notices(observations: Observations, a: float) -> list[Notice]:
    """`schedule_mismatch` where approach 2 finds a steeper exponent than any sweep of matched schedules has given.

    A table of final losses cannot show one schedule that is far longer than all runs: with the rate all but constant,
    the losses of Porian et al. 2024 fit the law as closely as matched ones do (bench/fit/porian.md). It raises the
    exponent.
    """
    if observations.schedule == "matched" or not a > _STEEPEST_MATCHED:
        return []
    text = (
        f"a = {a:.3f} is more than sweeps have given whose runs each ended a schedule of their own (.45 to "
        f"{format_number(_STEEPEST_MATCHED)}): one long schedule or warm-up for all horizons raises a like this, and "
        "so does leaving the output head out of N or C; pass --schedule matched if each run had its own"
    )
    return [Notice(code=MISMATCH, message=text)]


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
