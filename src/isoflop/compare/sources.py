"""What is compared, as people have it: tables, logs, studies and saved fits, read as runs and parted into recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from isoflop.compare.final_rows import runs_of_fit, runs_of_rows
from isoflop.compare.sides import Side
from isoflop.errors import InputError, Notice, close_names
from isoflop.files import read_json
from isoflop.fit import FitReport
from isoflop.logs import LoggedRun, LogOptions, read_logs
from isoflop.logs.copies import copies
from isoflop.logs.formats.tables import holds_curves
from isoflop.logs.read import format_of
from isoflop.logs.run import Setting, setting_text
from isoflop.logs.source import LogSource
from isoflop.observations import ReadOptions
from isoflop.observations.file_formats import read_table
from isoflop.observations.frames import table_in_memory

if TYPE_CHECKING:
    from isoflop.observations.frames import InMemory

    Source: TypeAlias = str | Path | FitReport | InMemory
    """A path of a table, a log, a folder of logs, a study or a saved fit; a fit; or a table in memory."""

_MOST_LISTED = 2  # notices of one code that are said one by one
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What may be stated about the sources; nothing where nothing was."""

    table: ReadOptions = field(default_factory=ReadOptions)
    """Of tables of final rows."""
    logs: LogOptions = field(default_factory=LogOptions)
    """Of logs."""
    losses: tuple[str, ...] = ()
    """Columns of losses, an evaluation set each; none: every one that is recognised."""
    by: str | None = None
    """The column or setting that names the recipe of a run."""


@dataclass(frozen=True, kw_only=True)
class RecordedRuns:
    """The runs of one source."""

    name: str
    """As people call it: the file or folder, without ending."""
    runs: tuple[LoggedRun, ...]
    notices: tuple[Notice, ...] = ()
    named: bool = False
    """Whether the caller chose the name."""

    def side(self) -> Side:
        """All runs as one recipe; a run alone is called by its own name."""
        return self.part(self.runs[0].name if len(self.runs) == 1 and not self.named else self.name, self.runs)

    def has_setting(self, column: str) -> bool:
        """Whether any run has a value under `column`."""
        return any(_value(run.settings, column) is not None for run in self.runs)

    def by_recipe(self, column: str) -> dict[str, Side]:
        """{recipe: its side}, for the values of `column`, in the order in which they come, as `parts` gives them.

        Raises InputError where no run has that setting.
        """
        parted: dict[str, list[LoggedRun]] = {}
        for run in self.runs:
            value = _value(run.settings, column)
            if value is not None:
                rest = {key: each for key, each in run.settings.items() if not _is(key, column)}
                parted.setdefault(value, []).append(replace(run, settings=rest))
        if not parted:
            known = sorted({key for run in self.runs for key in run.settings})
            hint = f"did you mean {close_names(column, known)}?" if known else "these runs have no settings"
            raise InputError(f"--by {column}: no run of {self.name} has it; {hint}")
        return self.parts(parted)

    def parts(self, parted: Mapping[str, Sequence[LoggedRun]]) -> dict[str, Side]:
        """{recipe: its side} of `parted`, without those of which no run came to its end.

        Raises InputError, with what is wrong with the first, where none is left.
        """
        sides: dict[str, Side] = {}
        first: InputError | None = None
        for value, runs in parted.items():
            try:
                sides[value] = self.part(value, runs)
            except InputError as error:
                first = first or error
        if not sides and first is not None:
            raise first
        return sides

    def part(self, name: str, runs: Sequence[LoggedRun]) -> Side:
        """Some of the runs as the recipe `name`."""
        side = Side.from_logs(name, runs)
        return replace(side, notices=(*self.notices, *copies(runs), *_gathered(side.notices)))


def _gathered(notices: Sequence[Notice]) -> list[Notice]:
    """The notices, of a code that comes often the first and how many more there are."""
    by_code: dict[str, list[Notice]] = {}
    for notice in notices:
        by_code.setdefault(notice.code, []).append(notice)
    found = []
    for code, same in by_code.items():
        if len(same) <= _MOST_LISTED:
            found += same
        else:
            found.append(Notice(code=code, message=f"{same[0].message}; so are {len(same) - 1} more runs"))
    return found


def _value(settings: Mapping[str, Setting], column: str) -> str | None:
    """The value of a setting as people type it, by its whole name or its last part."""
    found = settings.get(column, next((value for key, value in settings.items() if _is(key, column)), None))
    return None if found is None else setting_text(found)


def read_source(source: Source, options: SourceOptions, name: str = "") -> RecordedRuns:
    """The runs of `source`; `name` is what a table in memory or a fit is called.

    Raises InputError for what is missing, and for what is neither a table with sizes, tokens and losses nor a log.
    """
    return replace(_read(source, options, name), named=bool(name))


def _read(source: Source, options: SourceOptions, name: str) -> RecordedRuns:
    if isinstance(source, FitReport):
        runs = runs_of_fit(source, name or "fit")
        return RecordedRuns(name=name or "fit", runs=runs, notices=source.observations.notices)
    if not isinstance(source, str | Path):
        runs, notices = runs_of_rows(
            table_in_memory(source), options.table, options.losses, source=name or "runs", also=_by(options)
        )
        return RecordedRuns(name=name or "runs", runs=runs, notices=notices)
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: expected a table, a log, a folder of logs, a study or a fit, found no such file")
    called = name or _called(path)
    if (path / "study.toml").exists():
        return _of_study(path, options, called)
    if path.is_dir():
        return _of_logs(path, options, called)
    if _is_fit(path):
        return _read(FitReport.load(path), options, called)
    if path.name.lower().removesuffix(".gz").endswith(_TABLES):
        return _of_table(path, options, called)
    return _of_logs(path, options, called)


def _by(options: SourceOptions) -> tuple[str, ...]:
    return () if options.by is None else (options.by,)


def _is(key: str, column: str) -> bool:
    """Whether a setting is the one that people call `column`: by its whole name or its last part."""
    return column in (key, key.rsplit(".", 1)[-1])


def _called(path: Path) -> str:
    return path.resolve().name if path.is_dir() else path.name.removesuffix(".gz").rpartition(".")[0] or path.name


def _is_fit(path: Path) -> bool:
    """Whether a file is a fit as `FitReport.save` writes it, of whatever schema."""
    if path.suffix != ".json":
        return False
    try:
        data = read_json(path)
    except InputError:
        return False
    return isinstance(data, dict) and "parametric" in data


def _of_table(path: Path, options: SourceOptions, name: str) -> RecordedRuns:
    """The curves in a table that a logger exports; else the final rows of one with sizes, tokens and losses.

    Where something is stated about the table, or its losses are named, its rows are final ones.
    """
    stated = options.table != ReadOptions() or bool(options.losses)
    curves = None if stated else _curves_in(path, options, name)
    if curves is not None:
        return curves
    try:
        table = read_table(path)
        runs, notices = runs_of_rows(table, options.table, options.losses, source=str(path), also=_by(options))
    except InputError as of_rows:
        said = str(of_rows) if str(path) in str(of_rows) else f"{path}: {of_rows}"
        if options.table.where or options.table.scale or options.losses:
            raise InputError(said) from of_rows
        try:
            return _of_logs(path, options, name)
        except InputError:
            raise InputError(said) from of_rows
    return RecordedRuns(name=name, runs=runs, notices=notices)


def _curves_in(path: Path, options: SourceOptions, name: str) -> RecordedRuns | None:
    """The runs of a table whose rows are points of curves; None where each row is a run, or where it is no log."""
    source = LogSource(path=path, root=path)
    try:
        known = format_of(source)
        if known is None or (known.name == "table" and not holds_curves(source, options.logs)):
            return None
        return _of_logs(path, options, name)
    except InputError:
        return None


def _of_logs(path: Path, options: SourceOptions, name: str) -> RecordedRuns:
    logs = read_logs(path, options.logs)
    # what is said of copies is said of each recipe's own runs
    notices = tuple(notice for notice in logs.notices if notice not in copies(logs))
    return RecordedRuns(name=name, runs=tuple(logs), notices=notices)


def _of_study(path: Path, options: SourceOptions, name: str) -> RecordedRuns:
    """The runs that the fit of a study uses: of each cell those at its best learning rate."""
    fit = path / "fits" / "sweep.json"
    if not fit.exists():
        raise InputError(f"{path}: the sweep of this study is not fitted yet; do that first: isoflop fit {path}")
    used = {run.name for run in runs_of_fit(FitReport.load(fit), name)}
    recorded = _of_logs(path / "runs", options, name)
    return replace(recorded, runs=tuple(run for run in recorded.runs if run.name in used))
