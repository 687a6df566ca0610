"""Which columns that are read for no field hold settings: what somebody chose, and the loss shows it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.observations.exclusions import Labels, combined, numbered
from isoflop.observations.values import Values

Array = NDArray[np.float64]

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


def setting_columns(
    values: Values, run: NDArray[Any], at: Labels, group: Labels, loss: Array
) -> tuple[Labels, list[str]]:
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


def columns_that_differ(values: Values, run: NDArray[Any], at: Labels, group: Labels) -> list[str]:
    """Columns read for no field, with few values, in which the rows `at` of one group differ."""
    groups = len(np.unique(group))
    conditions = _conditions(values, run, at, again=1)
    return [name for name, labels in conditions if len(np.unique(combined([group, labels]))) > groups][:_LISTED]


def _conditions(
    values: Values, run: NDArray[Any], at: Labels, again: int = _ROWS_PER_VALUE
) -> list[tuple[str, Labels]]:
    """(name, label of each of the rows `at`) of columns read for no field whose few values come `again` on average."""
    used = {choice.column for field, choice in values.choices.items() if field != "run_id" or (run != "").any()}
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
