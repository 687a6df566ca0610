"""Tables of any kind: curves of one run or of several, one line a point; or one row for the end of each run.

CSV and its like, JSON Lines and other JSON, Parquet, under the column names that `observations` knows. What a table is
taken for stands in the source of its runs.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.errors import InputError
from isoflop.json_values import json_value
from isoflop.logs.build import LoggedLines, logged_run
from isoflop.logs.formats.column_store import TableColumns
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.growing_table import GrowingTable, growing_table
from isoflop.logs.formats.run_groups import RunGroups, cell, group_rows
from isoflop.logs.formats.table_columns import parquet_names, read_columns
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Points
from isoflop.logs.roles import Roles, roles_of
from isoflop.logs.run import LoggedRun, Setting
from isoflop.logs.source import HEAD_BYTES, LogSource
from isoflop.observations.columns import candidates
from isoflop.observations.delimited import DelimitedBlocks
from isoflop.observations.exclusions import unfinished
from isoflop.observations.json_tables import table_in
from isoflop.observations.parsing import is_empty_cell, is_no, is_yes, read_numbers

_KEY = re.compile(r'"((?:[^"\\]|\\.){1,300})"\s*:')
_LISTED_NAMES = re.compile(r'"columns"\s*:\s*\[([^]]{1,20000})\]')
"""How pandas lists the columns (orient split)."""
_KEYS, _SAMPLED, _LISTED, _FIRST = 400, 50, 30, 3
_RUNNING = ("running", "pending", "waiting", "queued", "training", "started")
_BESIDE = ("step", "D", "C", "N", "run_id", "peak_lr", "budget")
"""Fields of which a table of losses has one at least; without, it is some other table."""


def recognise(source: LogSource) -> bool:
    """Whether the columns have a loss, and one of what tells where a run was: steps, tokens, FLOPs, size, name."""
    if source.is_folder:
        return False
    names = names_of_table(source)
    if len(names) < 2:
        return False
    losses = [loss.name for loss in roles_of(names).losses]
    known = candidates(names)
    return bool(losses) and any(field in known for field in _BESIDE) and _has_numbers(source, losses)


def is_table_of_runs(source: LogSource) -> bool:
    """Whether a table has what the size of each run follows from: a column of it, of a ratio, of FLOPs and tokens."""
    known = candidates(names_of_table(source))
    by_ratio = "tokens_per_param" in known and bool({"C", "D"} & known.keys())
    by_flops = {"C", "D"} <= known.keys() and "step" not in known  # of a run's end: on the way C / 6D is no size
    return "N" in known or by_ratio or by_flops


def holds_curves(source: LogSource, options: LogOptions) -> bool:
    """Whether rows are points of curves, rather than each the end of a run. Raises InputError as `read` does."""
    table = read_columns(source)
    roles = roles_of(table.numbers(), options.columns)
    return bool(table.rows and roles.losses) and group_rows(table, roles, _progress(table, roles)).curves


def read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    """The runs in a table. Raises InputError where it is none, and where it has no loss."""
    table = read_columns(source)
    if not table.rows:
        raise InputError(f"{source}: expected at least one row, got none")
    return runs_of(table, source, options)


def grow(source: LogSource, options: LogOptions) -> GrowingTable | None:
    """The reader of a table that grows by lines; None for one that has to be read whole each time."""
    return growing_table(source, options, runs_of)


FORMAT = LogFormat(name="table", words="a table of curves or of runs", recognise=recognise, read=read, grow=grow)


def runs_of(table: TableColumns, source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    """The runs in the rows of `table`."""
    numbers = table.numbers()
    roles = roles_of(numbers, options.columns)
    if not roles.losses:
        listed = ", ".join(list(table.columns)[:_LISTED])
        raise InputError(f"{source}: no column of numbers is a loss by its name; the columns are {listed}")
    groups = group_rows(table, roles, _progress(table, roles))
    count = int(groups.run.max()) + 1
    what = f"curves of {count} runs" if count > 1 else "the curve of one run"
    where = f"{source.path} ({what if groups.curves else 'one row for each run'})"
    lines = _lines_of_runs(numbers, groups.run, count)
    named = groups.by[:1] if groups.named else ()
    words = [name for name, column in table.columns.items() if column.points is None and name not in named]
    last = _last_rows(groups.run, count)
    runs = []
    for i, (own, rows) in enumerate(zip(lines, np.bincount(groups.run).tolist(), strict=True)):
        settings: dict[str, Setting] = {name: cell(table, name, last[i]) for name in words}
        ended, failure = _state(table, last[i])
        runs.append(
            logged_run(
                LoggedLines(lines=rows, numbers=own, settings=settings),
                name=groups.names[i] or _unnamed(source, groups, i, count),
                source=where,
                options=options,
                ended=ended,
                failure=failure,
                notices=(*table.notices, *groups.notices) if i == 0 else (),
            )
        )
    return tuple(runs)


def names_of_table(source: LogSource) -> list[str]:
    """The names of columns that the first bytes of a file show, if they are those of a table; else perhaps none."""
    if source.head.startswith(b"PAR1"):
        return parquet_names(source)
    text = source.text.lstrip("\ufeff \t\r\n")
    if text[:1] in ("{", "["):
        if len(source.head) < HEAD_BYTES and "\n{" not in text:
            return _names_in_json(source, text)
        text += " ".join(
            f'"{name}":' for names in _LISTED_NAMES.findall(text) for name in re.findall(r'"([^"]+)"', names)
        )
        return list(dict.fromkeys(match[1] for match in islice(_KEY.finditer(text), _KEYS)))
    try:
        return [name for name in DelimitedBlocks(source.path, io.StringIO(_whole_lines(source, text))).header if name]
    except (InputError, csv.Error):
        return []


def _whole_lines(source: LogSource, text: str) -> str:
    """The head of a file without a last line that may be cut."""
    return text if len(source.head) < HEAD_BYTES else text.rpartition("\n")[0]


def _has_numbers(source: LogSource, losses: Collection[str]) -> bool:
    """Whether numbers stand below a loss: prose with commas may begin with such words too."""
    text = source.text.lstrip("\ufeff \t\r\n")
    if source.head.startswith(b"PAR1") or text[:1] in ("{", "["):
        return True
    lines = _whole_lines(source, text)
    for part in (lines, "\n".join(lines.split("\n")[:_FIRST])):  # a row that is broken further on is no sign
        try:
            table = DelimitedBlocks(source.path, io.StringIO(part))
            first = next(table.blocks(), [])
        except (InputError, csv.Error):
            continue
        cells = dict(zip(table.header, first, strict=True)) if first else {}
        return any(_any_number(cells[name]) for name in losses if name in cells)
    return False


def _names_in_json(source: LogSource, text: str) -> list[str]:
    """The names of columns of the table in a JSON value; empty where it holds none."""
    try:
        return list(table_in(json_value(text, finite=False), str(source)).columns)
    except (InputError, ValueError):
        return []


def _any_number(cells: Sequence[str]) -> bool:
    filled = [text.replace(",", ".") for text in cells if not is_empty_cell(text)][:_SAMPLED]
    return bool(filled) and not read_numbers(filled).unreadable.all()


def _progress(table: TableColumns, roles: Roles) -> Array:
    """Steps or tokens of each row, of the column that most rows have; NaN where unknown."""
    progress = np.full(table.rows, np.nan)
    items = [*roles.steps, *roles.tokens]
    filled = [(len(points), -i, points) for i, item in enumerate(items)
              if (points := table.columns[item.column].points) is not None]  # fmt: skip
    if filled:
        points = max(filled, key=lambda item: item[:2])[2]
        progress[points.rows] = points.values
    return progress


def _lines_of_runs(numbers: Mapping[str, Points], run: Labels, count: int) -> list[dict[str, Points]]:
    """{column: its numbers} of each run, with the rows of a run counted from 0."""
    if count == 1:
        return [{name: points for name, points in numbers.items() if len(points)}]
    order = np.argsort(run, kind="stable")
    starts = np.searchsorted(run[order], np.arange(count))
    within = np.empty(len(run), dtype=np.int64)
    within[order] = np.arange(len(run)) - starts[run[order]]
    lines: list[dict[str, Points]] = [{} for _ in range(count)]
    for name, points in numbers.items():
        owner = run[points.rows]
        by_run = np.argsort(owner, kind="stable")
        rows, values = within[points.rows[by_run]], points.values[by_run]
        ends = np.cumsum(np.bincount(owner, minlength=count)).tolist()
        start = 0
        for i, end in enumerate(ends):
            if end > start:
                lines[i][name] = Points(rows=rows[start:end], values=values[start:end])
            start = end
    return lines


def _last_rows(run: Labels, count: int) -> list[int]:
    last = np.zeros(count, dtype=np.int64)
    last[run] = np.arange(len(run))  # of several writes to one run the last stays
    return [int(row) for row in last]


def _state(table: TableColumns, row: int) -> tuple[bool | None, str]:
    """(whether the run ended, why it failed) as columns of states say in its last row; None where none does."""
    known = candidates(table.columns)
    for field in ("status", "failed", "is_final"):
        for item in known.get(field, [])[:1]:
            word = cell(table, item.column, row)
            if word is None:
                continue
            text = str(word)
            if field == "status":
                bad, unknown = unfinished(np.array([text]))
                if bool(bad[0]):
                    running = text.lower() in _RUNNING
                    return False, "" if running else f"{item.column} is {text!r}"
                return (None if unknown else True), ""
            if field == "failed" and is_yes(np.array([text]))[0]:
                return False, f"{item.column} is {text!r}"
            if field == "is_final" and is_no(np.array([text]))[0]:
                return False, ""
    return None, ""


def _unnamed(source: LogSource, groups: RunGroups, i: int, count: int) -> str:
    if count == 1:
        return source.run_name
    return f"{source.run_name}-{i + 1}" if groups.curves else f"row-{i + 1}"
