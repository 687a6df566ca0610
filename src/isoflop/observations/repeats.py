"""Several rows of one cell (same N, D and different tokens): copies go, of several settings the best stays, and
replicates of one setting all stay, as their scatter is the noise that intervals are made of.

The best of k replicates is no estimate of their mean: it is low by .56 (k = 2) to 1.16 (k = 5) standard deviations of a
run. With five a cell and .5 % noise that biased forecasts of the loss by -.62 %; all five give -.02 %
(bench/fit/cells.md).
"""

from __future__ import annotations

import re

import numpy as np

from isoflop.errors import Notice
from isoflop.observations.exclusions import (
    Exclusions,
    best_of_design_points,
    combined,
    exact_repeats,
    label_design_points,
    numbered,
)
from isoflop.observations.options import ReadOptions
from isoflop.observations.parsing import Array, Labels, Mask, Words, labels_of
from isoflop.observations.values import NDC, Values

# Decimals up to which a loss can have been rounded so that two runs agree by chance.
_ROUNDED = (2, 3, 4)
# Agreeing pairs that are still chance: a quarter more than rounding leads to expect, as the scatter of few replicates
# is known to no better, and three standard deviations of such a count.
_SCATTER_KNOWN, _SURE = 1.25, 3.0
# A column of conditions has few values, and they come again: a name, a date or a time is new in nearly every row.
_FEW_VALUES, _ROWS_PER_VALUE = 50, 2
_LISTED = 8
# What is by its name a draw or a place and no choice, whatever its losses look like.
_NO_SETTING = re.compile(
    r"seed|(^|_)(rep|reps|replicate|replica|repeat|repetition|trial|rerun|copy|sample|fold|host|hostname|node|machine|"
    r"gpu_?id|device_?id|rank|user|date|time|timestamp|created|wall\w*|runtime|hours|seconds|row|index|idx|line)(_|$)",
    re.IGNORECASE,
)
# What is by its name a choice, even where too few rows are there to show what it does.
_SETTING = re.compile(
    r"(^|_)(dataset|data_?mix|corpus|recipe|group|variant|condition|config|hparams|optimi[sz]er|weight_?decay|wd|"
    r"warm_?up\w*|decay|beta_?[12]|dropout|momentum|tokeni[sz]er|architecture|arch)(_|$)",
    re.IGNORECASE,
)
# Normal quantile of 1 - .01: a column of no effect is taken for a setting in one table of a hundred.
_SURE = 2.326


def drop_repeats(
    values: Values, ndc: NDC, run: Words, final: Mask, exclusions: Exclusions, options: ReadOptions
) -> tuple[Labels, list[Notice]]:
    """Leave out copies, and all but the best setting of each cell (same N, D and different tokens).

    A setting is what somebody chose and that changes the loss: learning rate, batch, schedule, vocabulary, and what
    `setting_columns` finds. Seeds are none. Returns how many rows each row stands for, and what a person should know.
    """
    ones = np.ones(len(final), dtype=np.int64)
    if options.keep_all or not exclusions.keep.any():
        return ones, []
    cell = label_design_points(ndc.N, ndc.D, values.different_tokens(ndc.D), final)
    if np.bincount(cell[exclusions.keep]).max() == 1:
        return ones, []
    loss, seed = values.number("loss"), values.word("seed")
    known = ("peak_lr", "batch", "batch_tokens", "schedule", "vocab_size")
    read = [name for name in known if name in values.mapping]
    setting = combined([_labels(values, name) for name in read] or [np.zeros(len(final), dtype=np.int64)])
    _drop_copies([cell, setting, numbered(seed)], loss, exclusions)
    if options.optima:
        return ones, []
    at = np.flatnonzero(exclusions.keep)
    more, columns = setting_columns(values, run, at, combined([cell, setting])[at], loss[at])
    cells = best_of_design_points(cell[at], loss[at], combined([setting[at], more]), seed[at])
    best, row = at[cells.best], exclusions.row.tolist()
    gone = np.zeros(len(final), dtype=bool)
    gone[at[~cells.stays]] = True
    names = [values.mapping[name].column for name in read] + columns
    varied = [name for name in names if _varies(values, name, at, best)]
    reasons = {
        i: f"another setting ({', '.join(varied)}) of the cell of row {row[j]} (same N and D): loss {loss[i]:.6g}, "
        f"kept {loss[j]:.6g}"
        for i, j in zip(at[~cells.stays].tolist(), best[~cells.stays].tolist(), strict=True)
    }
    exclusions.drop(gone, reasons, "worse_setting")
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


def _drop_copies(keys: list[Labels], loss: Array, exclusions: Exclusions) -> None:
    """Leave out rows that repeat an earlier one, unless losses of few digits agree by chance."""
    repeat, first = exact_repeats([*keys, loss], exclusions.keep)
    if not repeat.any() or _by_chance(combined(keys)[exclusions.keep], loss[exclusions.keep]):
        return
    row = exclusions.row.tolist()
    reasons = {i: f"a duplicate of row {row[first[i]]} (same N, D and loss)" for i in np.flatnonzero(repeat).tolist()}
    exclusions.drop(repeat, reasons, "duplicate")


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


def _replicated(values: Values, run: Words, at: Labels, cell: Labels, loss: Array, seed: Words) -> list[Notice]:
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


def setting_columns(values: Values, run: Words, at: Labels, group: Labels, loss: Array) -> tuple[Labels, list[str]]:
    """(setting of each of the rows `at` by columns read for no field, the names of those columns).

    `group` labels rows of one cell and one known setting, `loss` is theirs. A column counts whose few values differ
    within groups, and that is by its name a setting or whose values shift the loss by more than chance does.
    """
    setting = np.zeros(len(at), dtype=np.int64)
    several = np.bincount(group)[group] > 1
    if not several.any():
        return setting, []
    found = []
    inside, logs = numbered(group[several]), np.log(loss[several])
    for name, labels in _conditions(values, run, at):
        mine = numbered(labels[several])
        if len(np.unique(combined([inside, mine]))) == int(inside.max()) + 1:
            continue  # one value a group
        if _SETTING.search(_spaced(name)) or normal_of_f(*_effect(inside, mine, logs)) > _SURE:
            found.append(name)
            setting = combined([setting, labels])
    return setting, found


def columns_that_differ(values: Values, run: Words, at: Labels, group: Labels) -> list[str]:
    """Columns read for no field, with few values, in which the rows `at` of one group differ."""
    groups = len(np.unique(group))
    conditions = _conditions(values, run, at, again=1)
    return [name for name, labels in conditions if len(np.unique(combined([group, labels]))) > groups][:_LISTED]


def _conditions(values: Values, run: Words, at: Labels, again: int = _ROWS_PER_VALUE) -> list[tuple[str, Labels]]:
    """(name, label of each of the rows `at`) of columns read for no field whose few values come `again` on average."""
    used = {choice.column for field, choice in values.mapping.items() if field != "run_id" or (run != "").any()}
    found = []
    for name, cells in values.table.columns.items():
        if name in used or _NO_SETTING.search(_spaced(name)):
            continue
        words = [str(cells[i]) for i in at.tolist()]
        distinct = len(set(words))
        if 1 < distinct <= min(_FEW_VALUES, len(words) // again):
            found.append((name, numbered(np.array(words))))
    return found


def _spaced(name: str) -> str:
    """A name with its words joined by underscores: "Data Mix", "data-mix" and "config/dataMix" alike."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", parted)


def _effect(group: Labels, value: Labels, logs: Array) -> tuple[float, float, float]:
    """(F, its degrees of freedom above and below) of values that shift ln loss alike in all groups."""
    rows, kinds = np.bincount(group), int(value.max()) + 1
    dummies = (value[:, None] == np.arange(1, kinds)).astype(np.float64)
    both = np.column_stack([dummies, logs])
    means = np.stack([np.bincount(group, column) for column in both.T], axis=1) / rows[:, None]
    both -= means[group]
    X, y = both[:, :-1], both[:, -1]
    square = X.T @ X
    shift, rank = (
        np.linalg.pinv(square, hermitian=True) @ (X.T @ y),
        float(np.linalg.matrix_rank(square, hermitian=True)),
    )
    told = float(shift @ (X.T @ y))
    left, free = max(float(y @ y) - told, 0.0), len(y) - len(rows) - rank
    if free < 1 or rank < 1:
        return 0.0, 1.0, 1.0
    return (told / rank) / max(left / free, 1e-30), rank, free


def normal_of_f(F: float, above: float, below: float) -> float:
    """The standard normal deviate with the tail of F (Paulson 1942), to .05 from three degrees of freedom on."""
    root = F ** (1 / 3)
    first, second = 2 / (9 * above), 2 / (9 * below)
    return float(((1 - second) * root - (1 - first)) / np.sqrt(second * root**2 + first))
