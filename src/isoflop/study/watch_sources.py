"""What a run under way is watched by, as people name it: its log, finished runs, a sealed forecast, its study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isoflop.errors import InputError, Notice, close_names
from isoflop.logs import LoggedRun, LogOptions, read_logs
from isoflop.plan import SealedForecast, load_forecast
from isoflop.runs.folder import RunFolder
from isoflop.study.folder import StudyFolder

_LISTED = 12
_STUDY = ("study.toml", "plan.toml")
"""Of which the folder of a study, and that of a planned run, has one."""


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """Where the log of the run lies, and the study that it belongs to."""

    log: Path
    """A run folder, a log, or a folder of logs; perhaps not there yet."""
    study: StudyFolder | None = None

    @property
    def is_run_folder(self) -> bool:
        """Whether the run is one of our own."""
        return RunFolder(self.log).spec.exists()


@dataclass(frozen=True, kw_only=True)
class WatchContext:
    """What a run is held against: read once, however long the run is followed."""

    like: tuple[LoggedRun, ...] = ()
    """Finished runs, and perhaps others, which are left out later."""
    sealed: SealedForecast | None = None
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WatchRequest:
    """What was named and stated."""

    run: Path
    like: tuple[Path, ...] = ()
    """Logs, folders and tables of finished runs; none: those of the run's study, or of its log."""
    forecast: Path | None = None
    """A sealed forecast; None: that of the run's study, where there is one."""
    name: str | None = None
    """Of the run, in a log that holds several."""
    reading: LogOptions = field(default_factory=LogOptions)


def place_of(path: Path) -> RunPlace:
    """The log that `path` means: of a study, or of a planned run, the run that was forecast.

    Raises InputError for a study that has no planned run yet, and where its forecast is damaged.
    """
    if _is_study(path):
        study = StudyFolder(path)
        if not study.forecast.exists():
            raise InputError(f"{path}: a study whose planned run has not begun: isoflop status {path} shows its stage")
        run_id = load_forecast(study.forecast).forecast.run_id
        if run_id is None:
            raise InputError(f"{study.forecast}: names no run; name the run's folder: isoflop watch {study.runs}/...")
        return RunPlace(log=study.runs / run_id, study=study)
    above = path.absolute().parent.parent
    inside = path.absolute().parent.name == "runs" and _is_study(above) and RunFolder(path).spec.exists()
    return RunPlace(log=path, study=StudyFolder(above) if inside else None)


def read_context(request: WatchRequest, place: RunPlace, *, look_for_runs: bool = True) -> WatchContext:
    """The finished runs and the forecast that a run is held against; `look_for_runs`: also those of its study.

    Raises InputError for files that are missing, no logs or damaged, and for the forecast of another run.
    """
    sealed = _sealed(request.forecast, place)
    paths: Sequence[Path] = request.like
    if not paths and place.study is not None and look_for_runs:
        paths = [place.study.path]
    if not paths:
        return WatchContext(sealed=sealed)
    logs = read_logs([*paths], request.reading)
    # which of them are finished and of one shape is decided later; what is no log in a study or folder is passed over
    notices = [notice for notice in logs.notices if notice.code == "logs_not_read"]
    return WatchContext(like=tuple(logs), sealed=sealed, notices=tuple(notices))


def picked_run(runs: Sequence[LoggedRun], path: Path, name: str | None) -> tuple[LoggedRun, tuple[LoggedRun, ...]]:
    """(the run to watch, the others of its log): the one of `name`, the only one, or the only one that has not ended.

    Raises InputError where it is not clear which is meant, with the names.
    """
    names = [run.name for run in runs]
    if name is not None:
        if name not in names:
            raise InputError(f"--run {name}: not in {path}; did you mean {close_names(name, names)}?")
        chosen = runs[names.index(name)]
    elif len(runs) == 1:
        chosen = runs[0]
    else:
        open_runs = [run for run in runs if run.ended is False] or [run for run in _shorter(runs) if not run.ended]
        if len(open_runs) != 1:
            listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if names[_LISTED:] else "")
            raise InputError(f"{path}: holds {len(runs)} runs; name the one to watch with --run: {listed}")
        chosen = open_runs[0]
    return chosen, tuple(run for run in runs if run is not chosen)


def _shorter(runs: Sequence[LoggedRun]) -> list[LoggedRun]:
    """The run that stopped before the length that all others have, in tokens per parameter or else in steps.

    None where lengths differ otherwise.
    """
    ratios = [_tokens_per_param(run) for run in runs]
    lengths = [_last_step(run) for run in runs] if None in ratios else [ratio or 0.0 for ratio in ratios]
    short = [run for run, length in zip(runs, lengths, strict=True) if length < 0.95 * max(lengths)]
    return short if len(short) == 1 else []


def _tokens_per_param(run: LoggedRun) -> float | None:
    if run.tokens is None or not run.params:
        return None
    return float(run.tokens.values[-1]) / run.params


def _last_step(run: LoggedRun) -> float:
    series = [found for found in (run.training, *run.evaluations.values()) if found is not None]
    return max((float(found.steps[-1]) for found in series), default=0.0)


def _is_study(path: Path) -> bool:
    return any((path / name).is_file() for name in _STUDY) or (path / "forecasts" / "final.json").is_file()


def _sealed(stated: Path | None, place: RunPlace) -> SealedForecast | None:
    """The forecast that was named, or the study's own of this run. Raises InputError for that of another run."""
    run_id = place.log.absolute().name if place.is_run_folder else None
    if stated is not None:
        sealed = load_forecast(stated)
        meant = sealed.forecast.run_id
        if run_id is not None and meant is not None and meant != run_id:
            raise InputError(f"--forecast {stated}: sealed for the run {meant}, and this is {run_id}")
        return sealed
    if place.study is None or not place.study.forecast.exists():
        return None
    sealed = load_forecast(place.study.forecast)
    return sealed if sealed.forecast.run_id == run_id else None
