"""Lightning's CSVLogger: `metrics.csv`, whose lines hold what was logged together, and `hparams.yaml` next to it.

Written against lightning 2.6. Training and validation are on different lines, with holes for what the others have.
"""

from __future__ import annotations

import csv

from isoflop.errors import InputError
from isoflop.logs.build import logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.gathered import STEP, Gathered
from isoflop.logs.formats.lightning_steps import steps_done
from isoflop.logs.options import LogOptions
from isoflop.logs.plain_yaml import plain_scalars
from isoflop.logs.run import LoggedRun, Setting
from isoflop.logs.source import LogSource

_FILE, _HYPERPARAMETERS, _EPOCH = "metrics.csv", "hparams.yaml", "epoch"


def _recognise(source: LogSource) -> bool:
    """Whether it is a metrics.csv with the columns that Lightning adds."""
    if source.is_folder or source.path.name != _FILE:
        return False
    header = source.text.partition("\n")[0].strip().split(",")
    return {STEP, _EPOCH} <= set(header) or (STEP in header and source.path.with_name(_HYPERPARAMETERS).is_file())


def _read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    gathered, problems = Gathered(), []
    try:
        with open(source.path, encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                try:
                    numbers = {
                        name: float(cell) for name, cell in row.items() if isinstance(cell, str) and cell.strip()
                    }
                except ValueError as error:
                    problems.append(f"row {gathered.lines + 1}: {error}")
                    continue
                gathered.add(None, numbers)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{source}: cannot be read: {error}") from error
    if problems:
        raise InputError.gathered(str(source), problems[:20])
    notices = steps_done(gathered) if _EPOCH in gathered.rows else []
    settings: dict[str, Setting] = {}
    if (file := source.path.with_name(_HYPERPARAMETERS)).is_file() and not file.is_symlink():
        settings = plain_scalars(file)
    run = logged_run(
        gathered.logged(settings),
        name=source.run_name,
        source=f"{source} ({FORMAT.words})",
        options=options,
        notices=notices,
    )
    return (run,)


FORMAT = LogFormat(
    name="lightning",
    words="metrics.csv of Lightning",
    recognise=_recognise,
    read=_read,
    companions=frozenset({_HYPERPARAMETERS}),
)
