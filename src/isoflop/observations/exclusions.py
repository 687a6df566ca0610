"""Rows that no fit may see, each with its reason: unreadable, unfinished, repeated, tuned worse."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.observations.parsing import Mask, is_no, is_nothing, is_yes, labels_of

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

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
    """A row that no fit sees."""

    row: int
    """Number of the row in its source, the first data row being 1."""
    reason: str
    """One sentence, with the value that led to it."""
    run_id: str = ""
    """Its run, where one was given."""
    code: str = ""
    """Kind of reason: bad_value, unfinished, untrained, earlier_checkpoint, duplicate, worse_setting, checkpoint,
    repeated_rows, diverged; empty where a caller gave a reason of its own."""

    def as_json(self) -> dict[str, Any]:
        """{row, reason, run_id, code}."""
        return {"row": self.row, "reason": self.reason, "run_id": self.run_id, "code": self.code}


@dataclass(kw_only=True, eq=False)
class Exclusions:
    """Which rows are left, while reasons are gathered: the first reason of a row is the one that is told."""

    row: Labels
    """Number of each row in its source."""
    run: NDArray[Any]
    """Run of each row, or empty."""
    keep: Mask
    """Rows that no reason was found against."""
    dropped: list[DroppedRow] = field(default_factory=list)
    """The others."""

    def drop(self, mask: Mask, reasons: dict[int, str] | str, code: str) -> None:
        """Leave out the rows of `mask` that are still kept, `reasons` by index or one for all."""
        for i in np.flatnonzero(mask & self.keep).tolist():
            reason = reasons if isinstance(reasons, str) else reasons[i]
            self.dropped.append(DroppedRow(row=int(self.row[i]), reason=reason, run_id=str(self.run[i]), code=code))
        self.keep &= ~mask


def unfinished(words: NDArray[Any]) -> tuple[Mask, list[str]]:
    """(rows whose status says that the run did not end well, words that say neither)."""
    distinct, which = np.unique(words, return_inverse=True)
    lowered = np.char.lower(distinct)
    parted = [re.findall("[a-z]+", text) for text in lowered.tolist()]
    bad = np.array([bool(UNFINISHED & set(each)) or any(phrase in " ".join(each) for phrase in _PHRASES)
                    for each in parted], dtype=bool) | is_no(lowered)  # fmt: skip
    good = np.array([bool(FINISHED & set(each)) for each in parted], dtype=bool) & ~bad | is_yes(lowered)
    if not good.any():
        bad &= lowered != "nan"  # nothing but empty cells, as some writers of tables spell them
    known = bad | good | is_nothing(lowered)
    return np.asarray(bad[which]), sorted(distinct[~known].tolist())


def finished(words: NDArray[Any]) -> Mask:
    """Rows whose words say that the run ended well."""
    said = [bool(FINISHED & set(re.findall("[a-z]+", text))) for text in np.char.lower(words).tolist()]
    bad, _ = unfinished(words)
    return np.array(said, dtype=bool) & ~bad


def exact_repeats(keys: list[NDArray[Any]], keep: Mask) -> tuple[Mask, Labels]:
    """(rows that repeat an earlier kept row in every one of `keys`, index of that row)."""
    where = np.flatnonzero(keep)
    repeat, first_of = np.zeros(len(keep), dtype=bool), np.arange(len(keep))
    if len(where):
        group = combined([numbered(key[where]) for key in keys])
        _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
        first_of[where] = where[first[inverse]]
        repeat[where] = first_of[where] != where
    return repeat, first_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Which rows of each cell (same N, D, different tokens and end) stay."""

    stays: Mask
    """All rows of the best setting of each cell."""
    best: Labels
    """Index of the row with the least loss among those that stay in a row's cell."""
    settings: Labels
    """Number of settings in each row's cell."""
    stands_for: Labels
    """How many rows of its cell each row that stays stands for, itself included; 0 for the others."""


def label_cells(N: Array, D: Array, unique_tokens: Array, final: Mask) -> Labels:
    """The cell of each row: same N, D, different tokens and end.

    Text that suffices for D is all fresh, however much there is. Checkpoints before the end of a run are each a cell of
    their own.
    """
    different = labels_of(np.minimum(unique_tokens, D))
    return combined([labels_of(N), labels_of(D), different, np.where(final, 0, np.arange(1, len(N) + 1))])


def best_of_cells(cell: Labels, loss: Array, setting: Labels, seed: NDArray[Any]) -> Cells:
    """Of each cell the setting with the best mean loss, with all of its rows: they are replicates of one another."""
    rows, cell = np.arange(len(cell)), numbered(cell)  # without the gaps that rows left out made
    settings = combined([cell, setting])
    mean = np.bincount(settings, weights=loss) / np.bincount(settings)
    _, first = np.unique(settings, return_index=True)
    # the first of each cell in order of its settings' means; between equals the setting that was listed first
    order = np.lexsort((first, mean, cell[first]))
    _, at = np.unique(cell[first][order], return_index=True)
    stays = order[at][cell] == settings
    staying = rows[stays][np.lexsort((rows[stays], loss[stays], cell[stays]))]
    _, at = np.unique(cell[staying], return_index=True)
    best = staying[at][cell]
    # a row that goes is stood for by one of its own seed, else by the best of its cell
    seeds = combined([cell, numbered(seed)])
    of_seed = np.full(int(seeds.max()) + 1, -1)
    of_seed[seeds[staying][::-1]] = staying[::-1]
    keeper = np.where(stays, rows, np.where(of_seed[seeds] >= 0, of_seed[seeds], best))
    return Cells(
        stays=stays,
        best=best,
        settings=np.bincount(cell[first])[cell],
        stands_for=np.bincount(keeper, minlength=len(cell)),
    )


def last_of_groups(group: Labels, progress: Array) -> Mask:
    """The rows with the most progress (steps or tokens) of each group; NaN is none."""
    most = np.full(int(group.max()) + 1 if len(group) else 0, -np.inf)
    known = np.where(np.isnan(progress), -np.inf, progress)
    np.maximum.at(most, group, known)
    return np.asarray(known >= most[group])


def numbered(values: NDArray[Any]) -> Labels:
    """A number for each distinct value; NaN is one value."""
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.inf, values)
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)


def combined(labels: list[Labels]) -> Labels:
    """A label for each distinct combination of labels, from 0 without gaps. Labels are below 1e6 or so."""
    total = labels[0]
    for more in labels[1:]:
        total = numbered(total * (int(more.max()) + 1 if len(more) else 1) + more)
    return total
