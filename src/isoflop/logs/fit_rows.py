"""The ends of logged runs as the table that fits take; what is missing is asked for, and never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from isoflop.errors import InputError, Notice
from isoflop.logs.final import FinalRow, final_row
from isoflop.logs.loss_sets import DEFAULT_SET
from isoflop.logs.run import LoggedRun, Setting
from isoflop.observations.columns import candidates, field_named
from isoflop.observations.file_formats import RawTable
from isoflop.observations.options import ReadOptions
from isoflop.observations.table import Observations

_NUMBERS = ("params", "tokens", "flops", "steps", "peak_lr")
_TRAINING, _OF_ALL = "training_loss", "val_loss"
_MOST_SETTINGS = 60
_LISTED = 5
_ONE_PEAK = 1.1
"""Ratio of two highest logged rates below which they are of one schedule; rates that are tried differ by more."""


def fit_rows(runs: Sequence[LoggedRun], options: ReadOptions, what: str) -> Observations:
    """One row for each of `runs` that ended, as `options` say; `what` names the logs in messages.

    Runs that failed or whose schedule is not at its end are listed with the reason; a stated schedule uses the
    latter too. Of several evaluation sets `--column loss=SET` chooses one.

    Raises InputError where sizes are missing, or tokens and FLOPs, with what to add; and as `Observations.from_table`.
    """
    if not runs:
        raise InputError(f"{what}: expected at least one run, got none")
    rows = [final_row(run) for run in runs]
    _refuse_without_sizes(rows, options, what)
    units = sorted({row.loss_unit for row in rows})
    if len(units) > 1:
        raise InputError(f"{what}: expected losses of one unit, got {', '.join(units)}: read them one by one")
    columns, notices = _columns(rows, options)
    chosen = {name: _loss_column(name, column, columns) for name, column in options.columns.items()}
    known = {row.ended for row in rows if row.ended is not False and not row.failure}
    if None in known and options.schedule is None:
        unknown = sum(row.ended is None and not row.failure for row in rows)
        text = (
            f"of {unknown} of {len(rows)} runs the log does not tell whether the schedule came to its end: their last "
            "losses are taken for final ones; --schedule matched states it"
        )
        notices.append(Notice(code="end_not_stated", message=text))
    stated = replace(
        options,
        columns=chosen,
        loss_unit=options.loss_unit or units[0],
        params_convention=options.params_convention or _common({row.params_convention for row in rows}),
        flops_convention=options.flops_convention or _common({row.flops_convention for row in rows}),
        schedule=options.schedule or ("matched" if known == {True} else None),
    )
    seen = [notice for run in runs for notice in run.notices if notice.code not in _PER_RUN]
    table = RawTable(columns=columns, rows=len(rows), notices=tuple(_together(seen) + notices))
    read = Observations.from_table(table, stated)
    if read.source is None:
        return read
    common = _common_settings([rows[row - 1] for row in read.row.tolist()])
    return replace(read, source=replace(read.source, settings=common))


_PER_RUN = ("unfinished_schedule",)
"""Notices of single runs that their row repeats as the reason for which it is left out."""


def _columns(rows: Sequence[FinalRow], options: ReadOptions) -> tuple[dict[str, list[object]], list[Notice]]:
    columns: dict[str, list[object]] = {"run": [row.run for row in rows]}
    for name in _NUMBERS:
        cells: list[object] = [getattr(row, name) for row in rows]
        if name == "peak_lr":
            cells = [*_same_peaks([row.peak_lr for row in rows])]
        if any(cell is not None for cell in cells):
            columns[name] = cells
    sets = dict.fromkeys(name for row in rows for name in row.losses)
    never = not any(row.last_evaluated is not None for row in rows)
    for name in sets:
        # of several sets that of all validation text has the plainest name, and is read where none is chosen
        columns[_column_of(name)] = [row.losses.get(name) for row in rows]
    notices = []
    if not sets and never:
        columns[_TRAINING] = [row.training_loss for row in rows]
        text = (
            "no evaluation is logged: the loss is the mean training loss over the last 5 % of the steps, and repeated "
            "text lowers it"
        )
        notices.append(Notice(code="training_loss_used", message=text))
    columns |= _states(rows, options)
    return columns | _varying_settings(rows, columns), notices


def _same_peaks(peaks: Sequence[float | None]) -> list[float | None]:
    """The highest rate of each run, those that differ by little made one: a log may miss the very highest."""
    same: dict[float, float] = {}
    known = sorted((peak for peak in peaks if peak is not None), reverse=True)
    for i, peak in enumerate(known):
        near = i > 0 and peak > 0 and known[i - 1] / peak < _ONE_PEAK
        same[peak] = same[known[i - 1]] if near else peak
    return [None if peak is None else same[peak] for peak in peaks]


def _states(rows: Sequence[FinalRow], options: ReadOptions) -> dict[str, list[object]]:
    """Columns that say which runs did not end, and why; a stated schedule makes an unfinished one a row like others."""
    states: list[object] = []
    reasons: list[object] = []
    for row in rows:
        unfinished = "the log ends before the schedule does" if row.ended is False and options.schedule is None else ""
        if not row.losses and row.last_evaluated is not None:
            unfinished = unfinished or f"it was evaluated last at {row.last_evaluated:.0%} of its steps"
        states.append("failed" if row.failure else "unfinished" if unfinished else "done")
        reasons.append(row.failure or unfinished)
    return {"status": states, "failure_reason": reasons} if set(states) != {"done"} else {}


def _varying_settings(rows: Sequence[FinalRow], taken: Mapping[str, object]) -> dict[str, list[object]]:
    """Settings in which the runs differ, for --where and for conditions; none that could be read for another number."""
    names = dict.fromkeys(name for row in rows for name in row.settings)
    found: dict[str, list[object]] = {}
    for name in names:
        if name in taken or len(found) >= _MOST_SETTINGS or not 0 < len(name) <= 200:
            continue
        cells: list[Setting] = [row.settings.get(name) for row in rows]
        if len({str(cell) for cell in cells}) > 1 and not set(candidates([name])) - {"seed", "batch", "schedule"}:
            found[name] = [*cells]
    return found


def _common_settings(rows: Sequence[FinalRow]) -> dict[str, Setting]:
    """Settings that all of `rows` share, as logged; the highest logged rate under `peak_lr`."""
    if not rows:
        return {}
    found: dict[str, Setting] = {
        name: value
        for name, value in rows[0].settings.items()
        if value is not None and all(row.settings.get(name) == value for row in rows)
    }
    peaks = {row.peak_lr for row in rows}
    if len(peaks) == 1 and None not in peaks:
        found["peak_lr"] = rows[0].peak_lr
    return found


def _column_of(evaluation: str) -> str:
    return _OF_ALL if evaluation == DEFAULT_SET else f"loss[{evaluation}]"


def _loss_column(name: str, column: str, columns: Mapping[str, object]) -> str:
    """The column that `--column NAME=COLUMN` means: an evaluation set, or the logged name of the one loss."""
    if field_named(name, "--column") != "loss" or column in columns:
        return column
    whole = _column_of(column)
    losses = [name for name in columns if name.startswith("loss[") or name in (_TRAINING, _OF_ALL)]
    return whole if whole in columns else losses[0] if len(losses) == 1 else column


def _refuse_without_sizes(rows: Sequence[FinalRow], options: ReadOptions, what: str) -> None:
    """Raise InputError where the logs tell no size, or neither tokens nor FLOPs, of runs that ended."""
    stated = {field_named(name, "--column") for name in options.columns}
    ended = [row for row in rows if row.ended is not False and not row.failure] or list(rows)
    without_size = [row.run for row in ended if row.params is None]
    without_tokens = [row for row in ended if row.tokens is None and (row.flops is None or row.params is None)]
    problems = []
    if without_size and "N" not in stated:
        problems.append(
            f"the size of {_named(without_size, len(ended))} is not in the logs; add it: --params-of "
            f"'{_pattern(without_size[0])}=PARAMS', PARAMS such as 190M, for a run or a pattern of names, or "
            "--params-of sizes.csv, a table of run,params"
        )
    if without_tokens and "D" not in stated:
        by_steps = all(row.steps is not None for row in without_tokens)
        add = (
            "--tokens-per-step TOKENS, such as 524288, where a step of each has as many, or "
            f"'{_pattern(without_tokens[0].run)}=TOKENS' for a run"
            if by_steps
            else "--column tokens=130e9 where all saw as many, or log the tokens seen"
        )
        names = [row.run for row in without_tokens]
        problems.append(f"the tokens of {_named(names, len(ended))} are not in the logs; add them: {add}")
    if problems:
        raise InputError.gathered(what, problems)


def _named(names: Sequence[str], of: int) -> str:
    shown = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    return f"{len(names)} of {of} runs ({shown})"


def _pattern(name: str) -> str:
    """A name as an option may write it: characters that patterns give a meaning are replaced by `?`."""
    return "".join("?" if char in "*?[]='\"" else char for char in name)


def _common(conventions: set[str | None]) -> str | None:
    return conventions.pop() if len(conventions) == 1 else None


def _together(notices: Sequence[Notice]) -> list[Notice]:
    """One notice for each code: the first of it, with how many runs have one."""
    by_code: dict[str, list[Notice]] = {}
    for notice in notices:
        by_code.setdefault(notice.code, []).append(notice)
    together = []
    for code, items in by_code.items():
        more = f" (the first of {len(items)} runs with such a notice)" if len(items) > 1 else ""
        together.append(Notice(code=code, message=f"{items[0].message}{more}"))
    return together
