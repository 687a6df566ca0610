"""Rows that no fit may use, each with its reason: unreadable, unfinished, repeated, tuned worse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array, Labels, Mask
from isoflop.observations.parsing import Words, is_no, is_nothing, is_yes, labels_of

FINISHED = frozenset({
    "finished", "done", "completed", "complete", "success", "succeeded", "successful", "successfully", "ok", "ended",
    "converged", "passed",
})  # fmt: skip
"""Words of a status column for a run that ended well."""
UNFINISHED = frozenset({
    "failed", "failure", "crashed", "diverged", "nan", "killed", "canceled", "cancelled", "preempted", "error", "oom",
    "timeout", "running", "pending", "waiting", "queued", "starting", "unfinished", "incomplete", "aborted",
    "interrupted", "stopped", "invalid", "fail", "fails", "crash", "diverge", "divergence", "diverging", "unstable",
    "inf", "errored", "exception", "segfault", "sigkill", "sigterm", "cancel", "abort", "timedout", "evicted",
    "terminated",
    "requeued", "suspended", "paused", "started", "training", "resuming", "created", "lost", "dead", "exploded",
    "spiked",
    "exploding", "blowup", "corrupt", "corrupted", "broken", "bad",
})  # fmt: skip
"""Words of a status column for a run whose numbers are not those of its end; any of them in a cell is enough."""
_PHRASES = ("out of memory", "timed out", "time out", "time limit", "not finished", "not done", "not complete",
            "blew up",            "node fail", "exit code 1", "killed by", "in progress", "not ok")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class DroppedRow:
    """A row that no fit uses."""

    row: int
    """Number of the row in its source, the first data row being 1."""
    reason: str
    """One sentence, with the value that led to it."""
    run_id: str = ""
    """Its run, where one is known."""
    code: str = ""
    """Kind of reason: bad_value, unfinished, untrained, earlier_checkpoint, duplicate, worse_setting, checkpoint,
    repeated_rows, diverged; empty for a reason of a caller's own."""


@dataclass(kw_only=True, eq=False)
class Exclusions:
    """Which rows are left, while reasons are collected: of several reasons of a row the first is listed."""

    row: Labels
    """Number of each row in its source."""
    run: Words
    """Run of each row, or empty."""
    keep: Mask
    """True for rows that no reason excludes."""
    dropped: list[DroppedRow] = field(default_factory=list)
    """The others."""

    def drop(self, mask: Mask, reasons: dict[int, str] | str, code: str) -> None:
        """Drop the rows of `mask` that are still kept, with `reasons` by index, or one for all."""
        for i in np.flatnonzero(mask & self.keep).tolist():
            reason = reasons if isinstance(reasons, str) else reasons[i]
            self.dropped.append(DroppedRow(row=int(self.row[i]), reason=reason, run_id=str(self.run[i]), code=code))
        self.keep &= ~mask


def unfinished(words: Words) -> tuple[Mask, list[str]]:
    """(rows whose status means that the run did not end well, words that mean neither good nor bad)."""
    distinct, which = np.unique(words, return_inverse=True)
    lowered = np.char.lower(distinct)
    parted = [re.findall("[a-z]+", text) for text in lowered.tolist()]
    bad = np.array([bool(UNFINISHED & set(each)) or any(phrase in " ".join(each) for phrase in _PHRASES)
                    for each in parted], dtype=bool) | is_no(lowered)  # fmt: skip
    good = np.array([bool(FINISHED & set(each)) for each in parted], dtype=bool) & ~bad | is_yes(lowered)
    if not good.any():
        bad &= lowered != "nan"  # without any good word "nan" is an empty cell, as some writers spell it
    known = bad | good | is_nothing(lowered)
    return np.asarray(bad[which]), sorted(distinct[~known].tolist())


def finished(words: Words) -> Mask:
    """True for rows whose words mean that the run ended well."""
    good = [bool(FINISHED & set(re.findall("[a-z]+", text))) for text in np.char.lower(words).tolist()]
    bad, _ = unfinished(words)
    return np.array(good, dtype=bool) & ~bad


def exact_repeats(keys: Sequence[NDArray[np.generic]], keep: Mask) -> tuple[Mask, Labels]:
    """(rows that repeat an earlier kept row in every one of `keys`, index of that row)."""
    at = np.flatnonzero(keep)
    repeat, first_of = np.zeros(len(keep), dtype=bool), np.arange(len(keep))
    if len(at):
        group = combined([numbered(key[at]) for key in keys])
        _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
        first_of[at] = at[first[inverse]]
        repeat[at] = first_of[at] != at
    return repeat, first_of


@dataclass(frozen=True, kw_only=True, eq=False)
class BestSettings:
    """Which rows of each design point (same N, D, distinct tokens and end) stay. Arrays are (rows,)."""

    stays: Mask
    """True for all rows of the best setting of each point."""
    best: Labels
    """Index of the row with the least loss among those that stay at the point of each row."""
    settings: Labels
    """Number of settings at the point of each row."""
    stands_for: Labels
    """How many rows of its point each row that stays represents, itself included; 0 for the others."""


def label_design_points(N: Array, D: Array, unique_tokens: Array, final: Mask) -> Labels:
    """A label for the design point of each row: same N, D, distinct tokens and end.

    Text that suffices for D is all fresh, however much exists. Each checkpoint before the end of a run is a point of
    its own.
    """
    different = labels_of(np.minimum(unique_tokens, D))
    return combined([labels_of(N), labels_of(D), different, np.where(final, 0, np.arange(1, len(N) + 1))])


def best_of_design_points(point: Labels, loss: Array, setting: Labels, seed: Words) -> BestSettings:
    """The setting with the least mean loss of each design point, with all of its rows: they are its replicates."""
    rows, point = np.arange(len(point)), numbered(point)  # without the gaps that dropped rows left
    settings = combined([point, setting])
    mean = np.bincount(settings, weights=loss) / np.bincount(settings)
    # Sort settings by point, then by mean loss; of equal ones the setting that was listed first wins.
    _, first = np.unique(settings, return_index=True)
    order = np.lexsort((first, mean, point[first]))
    _, at = np.unique(point[first][order], return_index=True)
    stays = order[at][point] == settings
    # Sort the rows that stay by point, then by loss: the first of each point is its best row.
    staying = rows[stays][np.lexsort((rows[stays], loss[stays], point[stays]))]
    _, at = np.unique(point[staying], return_index=True)
    best = staying[at][point]
    # A dropped row is represented by one of its own seed, else by the best of its point. Written in reverse, so that
    # of several rows of one seed the best is the last to be stored.
    seeds = combined([point, numbered(seed)])
    of_seed = np.full(int(seeds.max()) + 1, -1)
    of_seed[seeds[staying][::-1]] = staying[::-1]
    keeper = np.where(stays, rows, np.where(of_seed[seeds] >= 0, of_seed[seeds], best))
    return BestSettings(
        stays=stays,
        best=best,
        settings=np.bincount(point[first])[point],
        stands_for=np.bincount(keeper, minlength=len(point)),
    )


def last_of_groups(group: Labels, progress: Array) -> Mask:
    """True for the rows with the most progress (steps or tokens) of their group; NaN counts as none."""
    most = np.full(int(group.max()) + 1 if len(group) else 0, -np.inf)
    known = np.where(np.isnan(progress), -np.inf, progress)
    np.maximum.at(most, group, known)
    return np.asarray(known >= most[group])


def numbered(values: NDArray[np.generic]) -> Labels:
    """A number for each distinct value, from 0 without gaps, (rows,); NaN is one value."""
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.inf, values)
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)


def combined(labels: list[Labels]) -> Labels:
    """A label for each distinct combination of labels, from 0 without gaps. Labels are below 1e6 or so."""
    total = labels[0]
    for more in labels[1:]:
        total = numbered(total * (int(more.max()) + 1 if len(more) else 1) + more)
    return total
