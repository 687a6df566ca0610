"""Several rows of one design point (same N, D and distinct tokens): copies are dropped, and all but the best setting.

All replicates of one setting stay, as their scatter is the noise that intervals are computed from.

The best of k replicates does not estimate their mean: it is low by .56 (k = 2) to 1.16 (k = 5) standard deviations of a
run. With five replicates and .5 % noise that biased forecasts of the loss by -.62 %; all five give -.02 %
(bench/fit/cells.md).
"""

from __future__ import annotations

import re

import numpy as np

from isoflop.arrays import Array, Labels, Mask
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
from isoflop.observations.parsing import Words, labels_of
from isoflop.observations.values import NDC, Values
from isoflop.units import format_number, percent

# Decimals up to which a loss can have been rounded so that two runs agree by chance.
_ROUNDED = (2, 3, 4)
# How many pairs may agree by chance: a quarter more than rounding makes likely, since the scatter of few replicates is
# known no better, and three standard deviations of such a count.
_SCATTER_KNOWN, _SURE = 1.25, 3.0
# A column of conditions has few values that recur: a name, a date or a time is new in nearly every row.
_FEW_VALUES, _ROWS_PER_VALUE = 50, 2
_LISTED = 8
# Names of draws and places, which are no settings, whatever the losses look like.
_NO_SETTING = re.compile(
    r"seed|(^|_)(rep|reps|replicate|replica|repeat|repetition|trial|rerun|copy|sample|fold|host|hostname|node|machine|"
    r"gpu_?id|device_?id|rank|user|date|time|timestamp|created|wall\w*|runtime|hours|seconds|row|index|idx|line)(_|$)",
    re.IGNORECASE,
)
# Names of settings, even where there are too few rows to show an effect.
SETTING = re.compile(
    r"(^|_)(dataset|data_?mix|corpus|recipe|group|variant|condition|config|hparams|optimi[sz]er|weight_?decay|wd|"
    r"warm_?up\w*|decay|beta_?[12]|dropout|momentum|tokeni[sz]er|architecture|arch)(_|$)",
    re.IGNORECASE,
)
# Names of what a loss is measured on, or of how it is counted: losses of two of them cannot be compared, so that the
# better of both is no better setting.
MEASURED = re.compile(
    r"(^|_)(dataset|data_?set|data_?mix|corpus|language|domain|modality|tokeni[sz]er|(eval|val|test)(_?(set|data|split))?|"
    r"(param|params|flop|flops)_(count|counts|convention))(_|$)",
    re.IGNORECASE,
)
# Normal quantile of 1 - .01: a column without effect is taken for a setting in one table of a hundred.
_EFFECT_DEVIATE = 2.326


def drop_repeats(
    values: Values, ndc: NDC, run: Words, final: Mask, exclusions: Exclusions, options: ReadOptions
) -> tuple[Labels, list[Notice]]:
    """(how many rows each row represents, notices), after dropping copies and all but the best setting of each point.

    A setting is what somebody chose and that changes the loss: learning rate, batch, schedule, vocabulary, and what
    `setting_columns` finds. A seed is none.
    """
    ones = np.ones(len(final), dtype=np.int64)
    if options.keep_all or not exclusions.keep.any():
        return ones, []
    point = label_design_points(ndc.N, ndc.D, values.distinct_tokens(ndc.D), final)
    point = _apart(values, run, point, np.flatnonzero(exclusions.keep))
    if np.bincount(point[exclusions.keep]).max() == 1:
        return ones, []
    loss, seed = values.number("loss"), values.word("seed")
    fields = ("peak_lr", "batch", "batch_tokens", "schedule", "vocab_size")
    read = [name for name in fields if name in values.mapping]
    setting = combined([_labels(values, name) for name in read] or [np.zeros(len(final), dtype=np.int64)])
    _drop_copies([point, setting, numbered(seed)], loss, exclusions)
    if options.optima:
        return ones, []
    # From here on arrays hold the rows that are left, `at` their indices among all.
    at = np.flatnonzero(exclusions.keep)
    more, columns = setting_columns(values, run, at, combined([point, setting])[at], loss[at])
    chosen = best_of_design_points(point[at], loss[at], combined([setting[at], more]), seed[at])
    best, row = at[chosen.best], exclusions.row.tolist()
    worse = np.zeros(len(final), dtype=bool)
    worse[at[~chosen.stays]] = True
    names = [values.mapping[name].column for name in read] + columns
    varied = [name for name in names if _varies(values, name, at, best)]
    reasons = {
        i: f"another setting ({', '.join(varied)}) of the design point of row {row[j]} (same N and D): loss "
        f"{format_number(loss[i], 6)}, kept {format_number(loss[j], 6)}"
        for i, j in zip(at[~chosen.stays].tolist(), best[~chosen.stays].tolist(), strict=True)
    }
    exclusions.drop(worse, reasons, "worse_setting")
    ones[at] = chosen.stands_for
    notices = _tuned(chosen.settings, point[at], varied, int(worse.sum()))
    stay = at[chosen.stays]
    return ones, notices + _replicated(values, run, stay, point[stay], loss[stay], seed[stay])


def _apart(values: Values, run: Words, point: Labels, at: Labels) -> Labels:
    """Design points of which those are parted whose rows `at` were measured on different things."""
    more = [labels for name, labels in few_valued_columns(values, run, at) if MEASURED.search(spaced(name))]
    if not more:
        return point
    parted = point.copy()
    parted[at] = combined([point[at], *more]) + int(point.max()) + 1
    return numbered(parted)


def _labels(values: Values, field: str) -> Labels:
    return labels_of(values.number(field)) if field in values.numbers else numbered(values.word(field))


def _varies(values: Values, column: str, rows: Labels, others: Labels) -> bool:
    """Whether the cells of a column differ between `rows` and `others`."""
    cells = values.table.columns.get(column)
    return cells is not None and any(
        str(cells[i]) != str(cells[j]) for i, j in zip(rows.tolist(), others.tolist(), strict=True) if i != j
    )


def _drop_copies(keys: list[Labels], loss: Array, exclusions: Exclusions) -> None:
    """Drop rows that repeat an earlier one, unless losses of few digits agree by chance."""
    repeat, first = exact_repeats([*keys, loss], exclusions.keep)
    if not repeat.any() or _by_chance(combined(keys)[exclusions.keep], loss[exclusions.keep]):
        return
    row = exclusions.row.tolist()
    reasons = {i: f"a duplicate of row {row[first[i]]} (same N, D and loss)" for i in np.flatnonzero(repeat).tolist()}
    exclusions.drop(repeat, reasons, "duplicate")


def _by_chance(group: Labels, loss: Array) -> bool:
    """Whether so few pairs of a group agree as replicates do whose losses were rounded to a few decimals.

    Two losses with a standard deviation s, rounded to steps of r, agree with probability r / (2 sqrt(pi) s).
    """
    step = next((10.0**-n for n in _ROUNDED if np.all(np.abs(loss * 10**n - np.round(loss * 10**n)) < 1e-6)), 0.0)
    rows = np.bincount(group)
    equal = np.bincount(combined([group, numbered(loss)]))
    # the pooled standard deviation of the losses within their groups
    residuals = loss - (np.bincount(group, loss) / np.maximum(rows, 1))[group]
    dof = int(np.sum(rows[rows > 0] - 1))
    spread = float(np.sqrt(residuals @ residuals / dof)) if dof else 0.0
    # Losses that all come several times are a table that was pasted twice, whatever the probability.
    if not step or spread < step or equal[equal > 0].min() > 1:
        return False
    pairs, agreeing = (float(np.sum(counts * (counts - 1) / 2)) for counts in (rows, equal))
    expected = _SCATTER_KNOWN * pairs * step / (2 * np.sqrt(np.pi) * spread)
    return bool(agreeing <= expected + _SURE * np.sqrt(max(expected, 1.0)))


def _tuned(settings: Labels, point: Labels, names: list[str], dropped: int) -> list[Notice]:
    """The notice `best_of_settings` where design points were run at several settings: how many, and what was done."""
    _, first = np.unique(point, return_index=True)
    counts = settings[first]
    several = counts[counts > 1]
    if not len(several):
        return []
    span = f"{several.min()}" if several.min() == several.max() else f"{several.min()} to {several.max()}"
    text = (
        f"{len(several)} of {len(counts)} design points (same N and D) were run at {span} settings "
        f"({', '.join(map(repr, names))}): of each the setting of least mean loss is used, {dropped} rows are left "
        "out; if these are conditions and no tuning choose one with --where COLUMN=VALUE, or keep all with --keep-all"
    )
    return [Notice(code="best_of_settings", message=text)]


def _replicated(values: Values, run: Words, at: Labels, point: Labels, loss: Array, seed: Words) -> list[Notice]:
    """The notice `replicates` where rows share a design point, and neither a seed nor a run tells them apart."""
    runs = [numbered(run[at])] if (run[at] != "").any() else []
    label = combined([point, numbered(seed), *runs])
    shared, unexplained = np.bincount(point)[point] > 1, np.bincount(label)[label] > 1
    if not unexplained.any():
        return []
    logs = np.log(loss)
    rows = np.bincount(point)
    residuals = logs - (np.bincount(point, logs) / np.maximum(rows, 1))[point]
    spread = float(np.sqrt(residuals @ residuals / np.sum(rows[rows > 0] - 1)))
    names = columns_that_differ(values, run, at[shared], point[shared])
    differ = f"; they differ in {', '.join(map(repr, names))}" if names else ""
    text = (
        f"{int(shared.sum())} rows share the N and D of others, and no setting tells them apart{differ}: all are "
        f"used, as repetitions that scatter by {percent(spread, 2)}; if they are of different conditions choose one "
        "with --where COLUMN=VALUE"
    )
    return [Notice(code="replicates", message=text)]


def setting_columns(values: Values, run: Words, at: Labels, group: Labels, loss: Array) -> tuple[Labels, list[str]]:
    """(setting of each of the rows `at` by columns read for no field, the names of those columns).

    `group` labels rows of one design point and one known setting, `loss` is theirs. A column counts if its few values
    differ within groups, and if its name is one of a setting or its values shift the loss by more than chance does.
    """
    setting = np.zeros(len(at), dtype=np.int64)
    several = np.bincount(group)[group] > 1
    if not several.any():
        return setting, []
    names = []
    inside, logs = numbered(group[several]), np.log(loss[several])
    for name, labels in few_valued_columns(values, run, at):
        label = numbered(labels[several])
        if len(np.unique(combined([inside, label]))) == int(inside.max()) + 1:
            continue  # one value in each group
        if SETTING.search(spaced(name)) or normal_of_f(*_effect(inside, label, logs)) > _EFFECT_DEVIATE:
            names.append(name)
            setting = combined([setting, labels])
    return setting, names


def columns_that_differ(values: Values, run: Words, at: Labels, group: Labels) -> list[str]:
    """Columns read for no field, with few values, in which the rows `at` of one group differ."""
    groups = len(np.unique(group))
    conditions = few_valued_columns(values, run, at, rows_per_value=1)
    return [name for name, labels in conditions if len(np.unique(combined([group, labels]))) > groups][:_LISTED]


def few_valued_columns(
    values: Values, run: Words, at: Labels, rows_per_value: int = _ROWS_PER_VALUE
) -> list[tuple[str, Labels]]:
    """(name, label of each of the rows `at`) of columns read for no field that have few values.

    Each value stands in `rows_per_value` rows on average, or in more.
    """
    used = {item.column for field, item in values.mapping.items() if field != "run_id" or (run != "").any()}
    conditions = []
    for name, cells in values.table.columns.items():
        if name in used or _NO_SETTING.search(spaced(name)):
            continue
        words = [str(cells[i]) for i in at.tolist()]
        distinct = len(set(words))
        if 1 < distinct <= min(_FEW_VALUES, len(words) // rows_per_value):
            conditions.append((name, numbered(np.array(words))))
    return conditions


def spaced(name: str) -> str:
    """A name with its words joined by underscores: "Data Mix", "data-mix" and "config/dataMix" in one form."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", parted)


def _effect(group: Labels, value: Labels, logs: Array) -> tuple[float, float, float]:
    """(F, its degrees of freedom above and below) of values that shift ln loss equally in all groups.

    The F test of an analysis of variance with groups as blocks: ordinary least squares of ln loss on indicators of the
    values, after the mean of each group is taken from both.
    """
    rows, kinds = np.bincount(group), int(value.max()) + 1
    # the first value is the base, so that the indicators of the others are not collinear with the groups' means
    indicators = (value[:, None] == np.arange(1, kinds)).astype(np.float64)
    columns = np.column_stack([indicators, logs])
    means = np.stack([np.bincount(group, column) for column in columns.T], axis=1) / rows[:, None]
    columns -= means[group]
    X, y = columns[:, :-1], columns[:, -1]
    gram = X.T @ X
    # Values that stand in one group only leave columns of zeros: hence the pseudo-inverse and the rank.
    shift = np.linalg.pinv(gram, hermitian=True) @ (X.T @ y)
    rank = float(np.linalg.matrix_rank(gram, hermitian=True))
    explained = float(shift @ (X.T @ y))
    residual, dof = max(float(y @ y) - explained, 0.0), len(y) - len(rows) - rank
    if dof < 1 or rank < 1:
        return 0.0, 1.0, 1.0
    return (explained / rank) / max(residual / dof, 1e-30), rank, dof


def normal_of_f(F: float, above: float, below: float) -> float:
    """The standard normal deviate with the tail of F (Paulson 1942), within .05 from three degrees of freedom on."""
    root = F ** (1 / 3)
    first, second = 2 / (9 * above), 2 / (9 * below)
    return float(((1 - second) * root - (1 - first)) / np.sqrt(second * root**2 + first))
