"""What a fit reads: a table of runs as `observations` reads it, or logs of any kind, whose last points are the runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from isoflop.errors import Notice
from isoflop.logs.fit_rows import fit_rows
from isoflop.logs.formats.tables import is_table_of_runs
from isoflop.logs.options import LogOptions
from isoflop.logs.read import Logs, format_of, read_logs
from isoflop.logs.source import LogSource
from isoflop.observations.options import ReadOptions
from isoflop.observations.read import read_observations
from isoflop.observations.table import Observations


class FitSource:
    """A path, read once however often its rows are asked for.

    `params` and `tokens_per_step` are what is stated about runs, as in `LogOptions`.
    """

    def __init__(
        self,
        path: Path,
        *,
        params: Mapping[str, float] | None = None,
        tokens_per_step: Mapping[str, float] | None = None,
    ) -> None:
        self.path = path
        self._params, self._tokens_per_step = params or {}, tokens_per_step or {}
        self._kept: tuple[LogOptions, Logs] | None = None

    @cached_property
    def is_table(self) -> bool:
        """Whether the path is a table with the size of each run, which needs no more."""
        if self._params or self._tokens_per_step or self.path.is_dir() or not self.path.exists():
            return False
        source = LogSource(path=self.path, root=self.path)
        known = format_of(source)
        return known is None or (known.name == "table" and is_table_of_runs(source))

    def observations(self, options: ReadOptions) -> Observations:
        """The rows that a fit takes.

        Raises InputError for what is neither a table of runs nor a log, and as `read_observations` and `fit_rows` do.
        """
        if self.is_table or not self.path.exists():
            return read_observations(self.path, options)
        stated = LogOptions(
            params=self._params,
            tokens_per_step=self._tokens_per_step,
            loss_unit=options.loss_unit,
            params_convention=options.params_convention,
            columns={name: column for name, column in options.columns.items() if name == "loss"},
        )
        logs = self._logs(stated)
        rows = fit_rows(logs, options, str(self.path))
        return replace(rows, notices=(*_about(logs), *rows.notices))

    def _logs(self, options: LogOptions) -> Logs:
        """What the path holds, read by `options`; kept, as fits of several conditions ask again."""
        if self._kept is None or self._kept[0] != options:
            self._kept = options, read_logs(self.path, options)
        return self._kept[1]


def _about(logs: Logs) -> tuple[Notice, ...]:
    """What was read and as what, and what was left alone."""
    kinds: dict[str, int] = {}
    for file in logs.files:
        kinds[file.words] = kinds.get(file.words, 0) + file.runs
    shown = "; ".join(f"{count} from {words}" for words, count in kinds.items())
    text = f"logs of {len(logs)} runs are read ({shown}): the last point of each run that ended is a row"
    return (Notice(code="logs_read", message=text), *logs.notices)
