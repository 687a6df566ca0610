"""Which rows of a table are of one run, and whether a run has one row (its end) or several (its curve)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.errors import Notice
from isoflop.logs.formats.column_store import TableColumns
from isoflop.logs.roles import Roles
from isoflop.observations.columns import candidates
from isoflop.observations.exclusions import combined, numbered
from isoflop.observations.falling_rates import falling_groups

_SAME_SIZE = 0.01  # relative: one size rounded in two ways differs by less
_CLASH, _RESOLVED = 0.3, 0.1
"""Share of rows at a step that their run has already: above the first, rows are of several runs, since restarts repeat
fewer; a further column tells these apart where it leaves fewer by the second."""
_FEW, _ROWS_PER_VALUE = 200, 2
"""Distinct values of a column that may tell runs apart, and rows for each."""
_WHOLE = 0.99
"""Share of the longest run under a name from which another one is as long."""
_CURVE = 20
"""Rows of one size, in a table without names of runs, from which they are a curve: sweeps train a size less often."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RunGroups:
    """The rows of a table by run."""

    notices: tuple[Notice, ...] = ()
    """What was done about several runs under one name."""
    run: Labels
    """The run of each row, from 0, in the order in which runs appear; (rows,)."""
    names: tuple[str, ...]
    """The name of each run; empty where the table names none."""
    curves: bool
    """Whether the rows of a run are points of its curve; else each row is the end of a run of its own."""
    by: tuple[str, ...]
    """The columns that tell runs apart."""
    named: bool
    """Whether the first of them names runs."""


def group_rows(table: TableColumns, roles: Roles, progress: Array) -> RunGroups:
    """The runs in `table`, whose rows have made `progress` (steps or tokens; NaN where unknown)."""
    known = candidates(table.columns)
    size = _size(table, roles)
    by: list[str] = []
    keys: list[Labels] = []
    named = next(
        (item.column for item in known.get("run_id", []) if _names_runs(labels_of(table, item.column), size)), None
    )
    if named is not None:
        by.append(named)
        keys.append(labels_of(table, named))
    seed = next((item.column for item in known.get("seed", [])), None)
    if seed is not None and (named is None or _splits(keys[0], labels_of(table, seed))):
        by.append(seed)
        keys.append(labels_of(table, seed))
    if named is None and roles.params:
        by.append(roles.params[0].column)
        keys.append(numbered(size))
    counts = np.isfinite(progress)
    if counts.any():
        _resolve(table, roles, progress, by, keys)
    group = combined(keys) if keys else np.zeros(table.rows, dtype=np.int64)
    curves = bool(counts.any()) and _are_curves(group, progress, table, roles, named=named is not None)
    if not curves:
        run, names = np.arange(table.rows), _row_names(table, named)
        notices: tuple[Notice, ...] = ()
    else:
        part = _parts(_by_appearance(group), progress)
        run = _by_appearance(combined([group, part]))
        names = _names(table, by, run, part, known_names=named is not None)
        notices = _about_parts(part)
    return RunGroups(run=run, names=names, curves=curves, by=tuple(by), named=named is not None, notices=notices)


def _splits(runs: Labels, labels: Labels) -> bool:
    """Whether `labels` differ within runs, so that one name stands for several of them."""
    return len(np.unique(combined([runs, labels]))) > len(np.unique(runs))


def labels_of(table: TableColumns, name: str) -> Labels:
    """A label for the cell of each row in a column; equal cells have equal labels."""
    column = table.columns[name]
    if column.points is None:
        return numbered(column.codes)
    values = np.full(table.rows, np.nan)
    values[column.points.rows] = column.points.values
    return numbered(values)


def cell(table: TableColumns, name: str, row: int) -> str | float | None:
    """One cell; None where it is empty."""
    column = table.columns[name]
    if column.points is None:
        code = int(column.codes[row])
        return None if code < 0 else column.words[code]
    at = int(np.searchsorted(column.points.rows, row))
    found = at < len(column.points) and int(column.points.rows[at]) == row
    return float(column.points.values[at]) if found else None


def _size(table: TableColumns, roles: Roles) -> Array:
    size = np.full(table.rows, np.nan)
    if roles.params and (points := table.columns[roles.params[0].column].points) is not None:
        size[points.rows] = points.values
    return size


def _names_runs(labels: Labels, size: Array) -> bool:
    """Whether a column names runs: a run has one size, so that rows under one name hold one N."""
    if len(labels) > 1 and len(np.unique(labels)) == 1 and len(np.unique(size[np.isfinite(size)])) > 1:
        return False
    known = np.isfinite(size)
    least, most = np.full(int(labels.max()) + 1, np.inf), np.full(int(labels.max()) + 1, -np.inf)
    np.minimum.at(least, labels[known], size[known])
    np.maximum.at(most, labels[known], size[known])
    return not np.any(most > least * (1 + _SAME_SIZE))


def _clashes(group: Labels, progress: Array) -> float:
    """Share of rows that stand at the same step of their run as another."""
    at = np.isfinite(progress)
    if not at.any():
        return 0.0
    if not group.any() and np.all(np.diff(progress[at]) > 0):
        return 0.0  # one run whose steps rise: the most frequent log, and perhaps the longest
    pairs = combined([group[at], numbered(progress[at])])
    return 1.0 - len(np.unique(pairs)) / len(pairs)


def _resolve(table: TableColumns, roles: Roles, progress: Array, by: list[str], keys: list[Labels]) -> None:
    """Adds the columns that tell apart runs whose rows stand at the same steps."""
    sizes = roles.params[0].column if roles.params else ""
    while True:
        group = combined(keys) if keys else np.zeros(table.rows, dtype=np.int64)
        clashes = _clashes(group, progress)
        if clashes <= _CLASH:
            return
        best: tuple[float, str, Labels] | None = None
        for name in table.columns:
            if name in by or (name in roles.names and name != sizes):
                continue
            labels = labels_of(table, name)
            distinct = len(np.unique(labels))
            if not 1 < distinct <= min(_FEW, table.rows / _ROWS_PER_VALUE):
                continue
            left = _clashes(combined([group, labels]), progress)
            if best is None or left < best[0]:
                best = left, name, labels
        if best is None or best[0] > clashes - _RESOLVED:
            return
        by.append(best[1])
        keys.append(best[2])


def _are_curves(group: Labels, progress: Array, table: TableColumns, roles: Roles, *, named: bool) -> bool:
    """Whether the rows of a group are points of one curve.

    Rows of a named run are. Rows of one size may be runs of several lengths: they are a curve where there are too many
    of them, or where their learning rate falls along them as in one schedule.
    """
    rows = np.bincount(group)
    if np.median(rows) < 2:
        return False
    at = np.flatnonzero(np.isfinite(progress))
    order = at[np.lexsort((progress[at], group[at]))]
    new = np.append(True, (np.diff(progress[order]) > 0) | (np.diff(group[order]) > 0))
    if np.median(np.bincount(group[order][new], minlength=len(rows))) < 2:
        return False
    if named or not roles.params or np.median(rows) >= _CURVE:
        return True
    for name in roles.rates:
        points = table.columns[name].points
        if points is None:
            continue
        rate = np.full(table.rows, np.nan)
        rate[points.rows] = points.values
        at = np.isfinite(rate) & np.isfinite(progress)
        falling, several = falling_groups(group[at], progress[at], rate[at], ambiguous=True)
        if several and 2 * len(falling) >= several:
            return True
    return False


def _parts(group: Labels, progress: Array) -> Labels:
    """0 for the rows of the first run of each group, 1 for those of the second, and so on.

    A group whose step falls back to its first one, after each time that it came to its last, holds several runs: a
    restart has no reason to repeat a run that had ended.
    """
    part = np.zeros(len(group), dtype=np.int64)
    order = np.argsort(group, kind="stable")
    falls = np.flatnonzero((np.diff(progress[order]) < 0) & (np.diff(group[order]) == 0))
    for label in np.unique(group[order][falls]).tolist():
        rows = order[np.searchsorted(group[order], label) : np.searchsorted(group[order], label, side="right")]
        along = progress[rows]
        starts = np.append(0, np.flatnonzero((along[1:] <= np.nanmin(along)) & (np.diff(along) < 0)) + 1)
        ends = np.array([np.nanmax(piece) for piece in np.split(along, starts[1:])])
        if len(starts) > 1 and len(along) > 2 * len(starts) and ends.min() >= _WHOLE * ends.max():
            part[rows] = np.searchsorted(starts, np.arange(len(rows)), side="right") - 1
    return part


def _about_parts(part: Labels) -> tuple[Notice, ...]:
    if not part.any():
        return ()
    text = (
        "the step begins again after it had come to its last, under the same name: each time is taken for a run of its "
        "own; a column that names the runs decides otherwise"
    )
    return (Notice(code="several_runs_in_file", message=text),)


def _by_appearance(group: Labels) -> Labels:
    """Labels from 0 in the order in which they appear."""
    if not group.any():
        return group
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse], dtype=np.int64)


def _names(table: TableColumns, by: list[str], run: Labels, part: Labels, *, known_names: bool) -> tuple[str, ...]:
    """The name of each run: what its row says in the columns that vary, the run's own name first."""
    _, first = np.unique(run, return_index=True)
    varying = [
        name for i, name in enumerate(by) if (i == 0 and known_names) or len(np.unique(labels_of(table, name))) > 1
    ]
    names = []
    for row in first.tolist():
        parts = []
        for i, name in enumerate(varying):
            value = cell(table, name, row)
            if value is None:
                continue
            text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            parts.append(text if i == 0 and known_names else f"{name}={text}")
        parts += [str(int(part[row]) + 1)] if part[row] and parts else []
        names.append("-".join(parts))
    return tuple(names)


def _row_names(table: TableColumns, named: str | None) -> tuple[str, ...]:
    if named is None:
        return tuple("" for _ in range(table.rows))
    column = table.columns[named]
    if column.points is None:
        return tuple(column.words[code] if code >= 0 else "" for code in column.codes.tolist())
    return tuple(str(cell(table, named, row) or "") for row in range(table.rows))
