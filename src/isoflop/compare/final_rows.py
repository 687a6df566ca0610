"""Runs of a table of final losses: one row a run, with its size, its tokens and a loss on each evaluation set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.fit import FitReport, ParametricFit
from isoflop.logs.loss_sets import UNSTATED
from isoflop.logs.roles import Roles, roles_of
from isoflop.logs.run import LoggedRun, Series, Setting
from isoflop.observations.file_formats import RawTable
from isoflop.observations.options import ReadOptions
from isoflop.observations.shared_settings import setting_columns, setting_of
from isoflop.observations.table import Observations

TRAINING = "training"
"""Name of the set of a training loss, which stands in where a table has no other."""


def loss_columns(table: RawTable, options: ReadOptions, losses: Sequence[str] = ()) -> dict[str, str]:
    """{evaluation set: its column}: those of `losses`, or every column that is a loss of an evaluation.

    Without such a loss of unstated text, and without that the training loss. Raises InputError for a column of
    `losses` that is not there, and where no column is a loss.
    """
    if missing := [name for name in losses if name not in table.columns]:
        raise InputError(f"--loss: no column {missing[0]!r} (columns: {', '.join(table.columns)})")
    stated = [*losses] or ([options.columns["loss"]] if "loss" in options.columns else [])
    if len(stated) == 1:
        found = _sets(roles_of(stated, {}))
        return found or {stated[0]: stated[0]}
    found = _sets(roles_of(stated or table.columns, options.columns))
    if not found:
        raise InputError(f"expected a column with a loss, got {', '.join(table.columns)}; name it with --loss")
    return found | {name: name for name in stated if name not in found.values()}


def _sets(roles: Roles) -> dict[str, str]:
    if roles.evaluations:
        return {name: items[0].name for name, items in roles.evaluations.items()}
    for name, items in ((UNSTATED, roles.unstated), (TRAINING, roles.training)):
        if items:
            return {name: items[0].name}
    return {}


def runs_of_rows(
    table: RawTable, options: ReadOptions, losses: Sequence[str] = (), *, source: str, also: Sequence[str] = ()
) -> tuple[tuple[LoggedRun, ...], tuple[Notice, ...]]:
    """(the runs, what looked odd): a run for each row that is the end of one, with its losses and its settings.

    `also` are columns that are settings whatever they are called.

    Raises InputError where size, tokens or losses have no column, as `read_observations` does.
    """
    sets = loss_columns(table, options, losses)
    read: dict[str, Observations] = {}
    for name, column in sets.items():
        whole = replace(options, columns={**options.columns, "loss": column}, keep_all=True)
        read[name] = Observations.from_table(table, whole).finals()
    settings = dict.fromkeys([*setting_columns(table, sets.values()), *(key for key in also if key in table.columns)])
    runs: dict[int, LoggedRun] = {}
    for name, rows in read.items():
        for i, row in enumerate(rows.row.tolist()):
            known = runs.get(row) or _run(rows, i, source, {key: setting_of(table, key, row) for key in settings})
            loss = Series(steps=np.array([rows.D[i]]), values=np.array([rows.loss[i]]))
            runs[row] = replace(known, evaluations={**known.evaluations, name: loss})
    notices = dict.fromkeys(notice for rows in read.values() for notice in rows.notices)
    return tuple(runs[row] for row in sorted(runs)), (*notices, *_left_out(read, table.rows))


def runs_of_fit(report: FitReport, source: str) -> tuple[LoggedRun, ...]:
    """The runs that a fit used, with the settings that all of them had in common."""
    listed = report.parametric.residuals if isinstance(report.parametric, ParametricFit) else report.rows
    read, runs = report.observations, []
    for row in listed:
        if row.loss is None:
            continue
        tokens = np.array([row.tokens])
        runs.append(
            LoggedRun(
                name=row.run_id,
                source=source,
                settings=read.settings,
                params=row.params,
                params_convention=read.params_convention if read.stated["params_convention"] else None,
                tokens=Series(steps=tokens, values=tokens),
                evaluations={UNSTATED: Series(steps=tokens, values=np.array([row.loss]))},
                loss_unit=read.loss_unit,
                flops=Series(steps=tokens, values=np.array([row.flops])),
            )
        )
    return tuple(runs)


def _run(rows: Observations, i: int, source: str, settings: Mapping[str, Setting]) -> LoggedRun:
    """The run of one row, without its losses."""
    tokens = np.array([rows.D[i]])
    return LoggedRun(
        name=rows.run_id[i],
        source=source,
        settings=settings,
        params=float(rows.N[i]),
        params_convention=rows.params_convention if "params_convention" in rows.stated else None,
        tokens=Series(steps=tokens, values=tokens),
        loss_unit=rows.loss_unit,
        flops=Series(steps=tokens, values=np.array([rows.C[i]])),
    )


def _left_out(read: Mapping[str, Observations], rows: int) -> list[Notice]:
    """A notice of the rows that have no usable loss, size or tokens, with the first reason."""
    notices = []
    for name, found in read.items():
        if found.dropped:
            first = found.dropped[0]
            text = f"{name}: {len(found.dropped)} of {rows} rows are left out, such as row {first.row}: {first.reason}"
            notices.append(Notice(code="rows_left_out", message=text))
    return notices
