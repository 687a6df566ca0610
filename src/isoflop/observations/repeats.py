"""Several rows of one cell (same N, D and different tokens): copies go, of several settings the best stays, and
replicates of one setting all stay, as their scatter is the noise that intervals are made of.

The best of k replicates is no estimate of their mean: it is low by .56 (k = 2) to 1.16 (k = 5) standard deviations of a
run. With five a cell and .5 % noise that biased forecasts of the loss by -.62 %; all five give -.02 %
(bench/fit/cells.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice
from isoflop.observations.exclusions import (
    Exclusions,
    Labels,
    best_of_cells,
    combined,
    exact_repeats,
    label_cells,
    numbered,
)
from isoflop.observations.options import Reading
from isoflop.observations.parsing import Mask, labels_of
from isoflop.observations.settings import columns_that_differ, setting_columns
from isoflop.observations.values import Triple, Values

Array = NDArray[np.float64]

# Decimals up to which a loss can have been rounded so that two runs agree by chance.
_ROUNDED = (2, 3, 4)
# Agreeing pairs that are still chance: a quarter more than rounding leads to expect, as the scatter of few replicates
# is known to no better, and three standard deviations of such a count.
_SCATTER_KNOWN, _SURE = 1.25, 3.0


def drop_repeats(
    values: Values, triple: Triple, run: NDArray[Any], final: Mask, out: Exclusions, reading: Reading
) -> tuple[Labels, list[Notice]]:
    """Leave out copies, and all but the best setting of each cell (same N, D and different tokens).

    A setting is what somebody chose and that changes the loss: learning rate, batch, schedule, vocabulary, and what
    `setting_columns` finds. Seeds are none. Returns how many rows each row stands for, and what a person should know.
    """
    ones = np.ones(len(final), dtype=np.int64)
    if reading.keep_all or not out.keep.any():
        return ones, []
    cell = label_cells(triple.N, triple.D, values.different_tokens(triple.D), final)
    if np.bincount(cell[out.keep]).max() == 1:
        return ones, []
    loss, seed = values.number("loss"), values.word("seed")
    known = ("peak_lr", "batch", "batch_tokens", "schedule", "vocab_size")
    read = [name for name in known if name in values.choices]
    setting = combined([_labels(values, name) for name in read] or [np.zeros(len(final), dtype=np.int64)])
    _drop_copies([cell, setting, numbered(seed)], loss, out)
    if reading.optima:
        return ones, []
    at = np.flatnonzero(out.keep)
    more, columns = setting_columns(values, run, at, combined([cell, setting])[at], loss[at])
    cells = best_of_cells(cell[at], loss[at], combined([setting[at], more]), seed[at])
    best, row = at[cells.best], out.row.tolist()
    gone = np.zeros(len(final), dtype=bool)
    gone[at[~cells.stays]] = True
    names = [values.choices[name].column for name in read] + columns
    varied = [name for name in names if _varies(values, name, at, best)]
    reasons = {
        i: f"another setting ({', '.join(varied)}) of the cell of row {row[j]} (same N and D): loss {loss[i]:.6g}, "
        f"kept {loss[j]:.6g}"
        for i, j in zip(at[~cells.stays].tolist(), best[~cells.stays].tolist(), strict=True)
    }
    out.drop(gone, reasons, "worse_setting")
    ones[at] = cells.stands_for
    notices = _tuned(cells.settings, cell[at], varied, int(gone.sum()))
    stay = at[cells.stays]
    return ones, notices + _replicated(values, run, stay, cell[stay], loss[stay], seed[stay])


def _labels(values: Values, field: str) -> Labels:
    return labels_of(values.number(field)) if field in values.numbers else numbered(values.word(field))


def _varies(values: Values, column: str, rows: Labels, others: Labels) -> bool:
    """Whether the column's cells differ between `rows` and `others`."""
    cells = values.table.columns.get(column)
    return cells is not None and any(
        str(cells[i]) != str(cells[j]) for i, j in zip(rows.tolist(), others.tolist(), strict=True) if i != j
    )


def _drop_copies(keys: list[Labels], loss: Array, out: Exclusions) -> None:
    """Leave out rows that repeat an earlier one, unless losses of few digits agree by chance."""
    repeat, first = exact_repeats([*keys, loss], out.keep)
    if not repeat.any() or _by_chance(combined(keys)[out.keep], loss[out.keep]):
        return
    row = out.row.tolist()
    reasons = {i: f"a duplicate of row {row[first[i]]} (same N, D and loss)" for i in np.flatnonzero(repeat).tolist()}
    out.drop(repeat, reasons, "duplicate")


def _by_chance(group: Labels, loss: Array) -> bool:
    """Whether as few pairs of a group agree as replicates do whose losses were rounded to a few decimals.

    Two losses with a standard deviation s, rounded to steps of r, agree with probability r / (2 sqrt(pi) s).
    """
    step = next((10.0**-n for n in _ROUNDED if np.all(np.abs(loss * 10**n - np.round(loss * 10**n)) < 1e-6)), 0.0)
    rows = np.bincount(group)
    equal = np.bincount(combined([group, numbered(loss)]))
    left = loss - (np.bincount(group, loss) / np.maximum(rows, 1))[group]
    free = int(np.sum(rows[rows > 0] - 1))
    spread = float(np.sqrt(left @ left / free)) if free else 0.0
    if not step or spread < step or equal[equal > 0].min() > 1:
        return False
    pairs, agreeing = (float(np.sum(counts * (counts - 1) / 2)) for counts in (rows, equal))
    expected = _SCATTER_KNOWN * pairs * step / (2 * np.sqrt(np.pi) * spread)
    return bool(agreeing <= expected + _SURE * np.sqrt(max(expected, 1.0)))


def _tuned(settings: Labels, cell: Labels, names: list[str], left_out: int) -> list[Notice]:
    """`best_of_settings` where cells were run at several settings: how many, and what that does."""
    _, first = np.unique(cell, return_index=True)
    counts = settings[first]
    several = counts[counts > 1]
    if not len(several):
        return []
    span = f"{several.min()}" if several.min() == several.max() else f"{several.min()} to {several.max()}"
    text = (
        f"{len(several)} of {len(counts)} cells (same N and D) were run at {span} settings "
        f"({', '.join(map(repr, names))}): of each the setting of least mean loss is used, {left_out} rows are left "
        "out; if these are conditions and no tuning choose one with --where COLUMN=VALUE, or keep all with --keep-all"
    )
    return [Notice(code="best_of_settings", message=text)]


def _replicated(
    values: Values, run: NDArray[Any], at: Labels, cell: Labels, loss: Array, seed: NDArray[Any]
) -> list[Notice]:
    """`replicates` where rows share a cell, and neither a seed nor a run tells why: all of them are used."""
    told = combined([cell, numbered(seed), numbered(run[at])]) if (run[at] != "").any() else combined(
        [cell, numbered(seed)]
    )  # fmt: skip
    of_cell, alike = np.bincount(cell)[cell] > 1, np.bincount(told)[told] > 1
    if not alike.any():
        return []
    logs = np.log(loss)
    rows = np.bincount(cell)
    left = logs - (np.bincount(cell, logs) / np.maximum(rows, 1))[cell]
    spread = float(np.sqrt(left @ left / np.sum(rows[rows > 0] - 1)))
    names = columns_that_differ(values, run, at[of_cell], cell[of_cell])
    differ = f"; they differ in {', '.join(map(repr, names))}" if names else ""
    text = (
        f"{int(of_cell.sum())} rows share the N and D of others, and no setting tells them apart{differ}: all are "
        f"used, as repetitions that scatter by {spread:.2%}; if they are of different conditions choose one with "
        "--where COLUMN=VALUE"
    )
    return [Notice(code="replicates", message=text)]
