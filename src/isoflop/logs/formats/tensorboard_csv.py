"""A scalar that TensorBoard exported as CSV (Wall time, Step, Value), or a folder of those of one run or several.

The columns do not name the scalar: the name of the file does, as TensorBoard downloads it, `run-NAME-tag-TAG.csv`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from isoflop.errors import InputError
from isoflop.logs.build import LoggedLines, logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.table_columns import read_columns
from isoflop.logs.formats.tables import names_of_table
from isoflop.logs.loss_sets import logged_loss
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Points
from isoflop.logs.roles import roles_of
from isoflop.logs.run import LoggedRun
from isoflop.logs.source import LogSource
from isoflop.observations.curve_exports import is_tensorboard_scalar

_DOWNLOAD = re.compile(r"(?:run-)?(?P<run>.+?)[-_.]tag[-_.](?P<tag>.+)", re.IGNORECASE)
_STEP, _SECONDS = "step", "wall_seconds"
_MOST_FILES = 512


def recognise(source: LogSource) -> bool:
    """Whether a file has the three columns, or a folder holds such files and no other table."""
    if not source.is_folder:
        return is_tensorboard_scalar(names_of_table(source))
    tables = [name for name in source.names if name.lower().endswith(".csv")][:_MOST_FILES]
    files = [LogSource(path=source.path / name, root=source.root) for name in tables]
    return bool(files) and all(file.path.is_file() and not file.path.is_symlink() and recognise(file) for file in files)


def read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    """The runs of one file, or of a folder of files. Raises InputError where no file's name names a loss."""
    files = [source]
    if source.is_folder:
        names = [name for name in source.names if name.lower().endswith(".csv")]
        files = [LogSource(path=source.path / name, root=source.root) for name in names]
    by_run: dict[str, dict[str, Mapping[str, Points]]] = {}
    for file in files:
        run, tag = _run_and_tag(file)
        by_run.setdefault(run, {})[tag] = read_columns(file).numbers()
    tags = {tag for scalars in by_run.values() for tag in scalars}
    if not roles_of(tags, options.columns).losses:
        raise InputError(
            f"{source}: scalars of TensorBoard (Wall time, Step, Value), whose files name no loss: "
            f"{', '.join(sorted(tags)[:5])}; call a file after its run and scalar, run-small-tag-eval_loss.csv"
        )
    where = f"{source.path} (scalars of TensorBoard, {len(files)} file{'s' if len(files) > 1 else ''})"
    return tuple(
        logged_run(_one_after_another(scalars), name=run, source=where, options=options)
        for run, scalars in by_run.items()
    )


FORMAT = LogFormat(
    name="tensorboard_csv", words="scalars exported by TensorBoard as CSV", recognise=recognise, read=read
)


def _run_and_tag(source: LogSource) -> tuple[str, str]:
    """(run, scalar) as the name of a file says; the whole name is the scalar where it names a loss alone."""
    stem = source.path.name.removesuffix(".gz").rpartition(".")[0] or source.path.name
    match = _DOWNLOAD.fullmatch(stem)
    if match is not None:
        return match["run"].rstrip("-_."), match["tag"]
    loss = logged_loss(stem)
    if loss is not None and loss.text != "unstated":
        return source.path.absolute().parent.name, stem
    return source.run_name, stem


def _one_after_another(scalars: Mapping[str, Mapping[str, Points]]) -> LoggedLines:
    """The lines of several scalars of one run by the clock, so that a restart stands where it happened."""
    tags = list(scalars)
    counts = [len(scalars[tag]["Step"]) for tag in tags]
    clock = np.concatenate([scalars[tag]["Wall time"].values for tag in tags])
    order = np.argsort(clock, kind="stable")
    line = np.empty(len(order), dtype=np.int64)
    line[order] = np.arange(len(order))
    steps = np.concatenate([scalars[tag]["Step"].values for tag in tags])
    every = np.arange(len(order), dtype=np.int64)
    numbers = {
        _STEP: Points(rows=every, values=steps[order]),
        _SECONDS: Points(rows=every, values=clock[order] - clock.min()),
    }
    start = 0
    for tag, count in zip(tags, counts, strict=True):
        values = scalars[tag]["Value"]
        numbers[tag] = Points(rows=line[start : start + count][values.rows], values=values.values)
        by_line = np.argsort(numbers[tag].rows, kind="stable")
        numbers[tag] = replace(numbers[tag], rows=numbers[tag].rows[by_line], values=numbers[tag].values[by_line])
        start += count
    return LoggedLines(lines=len(order), numbers=numbers)
