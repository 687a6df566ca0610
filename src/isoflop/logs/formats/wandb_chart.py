"""A chart that Weights & Biases exported: one column a run, with the ends of its range as `__MIN` and `__MAX`.

"Step","small - eval/loss","small - eval/loss__MIN","small - eval/loss__MAX","large - eval/loss",...
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.logs.build import LoggedLines, logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.table_columns import read_columns
from isoflop.logs.formats.tables import names_of_table
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Points
from isoflop.logs.roles import roles_of
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource
from isoflop.observations.curve_exports import chart_lines

_RANGE = ("__MIN", "__MAX")


def recognise(source: LogSource) -> bool:
    """Whether every column is a line of a chart, its range, or its axis."""
    return not source.is_folder and bool(chart_lines(names_of_table(source)))


def read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    """One run for each line, or lines, that belong to it. Raises InputError where no line is a loss by its name."""
    table = read_columns(source)
    lines = chart_lines(table.columns)
    axis = [name for name in table.columns if name not in lines and not name.endswith(_RANGE)]
    by_run: dict[str, dict[str, str]] = {}
    for column, (run, metric) in lines.items():
        by_run.setdefault(run, {})[metric] = column
    metrics = {metric for columns in by_run.values() for metric in columns}
    if not roles_of(metrics, options.columns).losses:
        raise InputError(f"{source}: a chart of {', '.join(sorted(metrics)[:5])}, which name no loss")
    numbers = table.numbers()
    runs = []
    for i, (run, columns) in enumerate(by_run.items()):
        own = {metric: numbers[column] for metric, column in columns.items() if column in numbers}
        shared = {name: numbers[name] for name in axis if name in numbers and " - " not in name}
        notices = (*_about_bins(columns, numbers), *(table.notices if i == 0 else ()))
        runs.append(
            logged_run(
                LoggedLines(lines=table.rows, numbers=_where_measured({**shared, **own}, own)),
                name=run or source.run_name,
                source=f"{source.path} (a chart of {len(by_run)} runs)",
                options=options,
                notices=notices,
            )
        )
    return tuple(runs)


FORMAT = LogFormat(name="wandb_chart", words="a chart exported by Weights & Biases", recognise=recognise, read=read)


def _where_measured(numbers: Mapping[str, Points], own: Mapping[str, Points]) -> dict[str, Points]:
    """`numbers` at the lines at which the run itself has a value: the axis has those of all runs."""
    present = [points.rows for points in own.values() if len(points)]
    rows = np.unique(np.concatenate(present)) if present else np.zeros(0, dtype=np.int64)
    kept = {name: np.isin(points.rows, rows) for name, points in numbers.items()}
    return {name: Points(rows=p.rows[kept[name]], values=p.values[kept[name]]) for name, p in numbers.items()}


def _about_bins(columns: Mapping[str, str], numbers: Mapping[str, Points]) -> list[Notice]:
    """A notice where points are means over several steps: their range is not one value."""
    for column in columns.values():
        low, high = (numbers.get(f"{column}{end}") for end in _RANGE)
        if low is None or high is None or len(low) != len(high):
            continue
        wide = int(np.sum(low.values < high.values))
        if wide:
            text = (
                f"{wide} of {len(low)} points of {column!r} are means over several steps, as the chart's export makes "
                "them: the last one lies above the run's last loss"
            )
            return [Notice(code="means_of_bins", message=text)]
    return []
