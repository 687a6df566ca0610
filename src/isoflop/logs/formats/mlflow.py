"""MLflow's file store, `mlruns/EXPERIMENT/RUN/` with meta.yaml, `metrics/NAME` and `params/NAME`.

Written against mlflow-skinny 3.17; the layout is that of versions 1 and 2 as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from isoflop.errors import InputError
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.mlflow_runs import StoredRun, made_run, own_tags
from isoflop.logs.options import LogOptions
from isoflop.logs.plain_yaml import plain_scalars
from isoflop.logs.run import LoggedRun
from isoflop.logs.settings import setting_in
from isoflop.logs.source import LogSource
from isoflop.regular_files import read_regular

_META = "meta.yaml"
_STATUS = {1.0: "RUNNING", 2.0: "SCHEDULED", 3.0: "FINISHED", 4.0: "FAILED", 5.0: "KILLED"}
"""RunStatus of mlflow/protos/service.proto."""
_MOST_VALUE = 6000
"""Bytes of a parameter, MLflow's own limit."""


def _recognise(source: LogSource) -> bool:
    return source.is_folder and any(True for _ in _run_folders(source.path, source.names))


def _run_folders(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """The folders of runs in a run, an experiment or a store of several; links are not followed."""
    if _META in names:
        yield from _of_experiment(folder)
        return
    for name in names:
        inner = folder / name
        if not name.startswith(".") and (inner / _META).is_file() and not inner.is_symlink():
            yield from _of_experiment(inner)


def _of_experiment(folder: Path) -> Iterator[Path]:
    if _is_run(folder):
        yield folder
        return
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and not inner.is_symlink() and _is_run(inner):
            yield inner


def _is_run(folder: Path) -> bool:
    return (folder / _META).is_file() and (folder / "metrics").is_dir() and (folder / "params").is_dir()


def _read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    stored = [_stored(folder) for folder in _run_folders(source.path, source.names)]
    return tuple(made_run(run, source, FORMAT.words, options) for run in stored if not run.deleted)


def _stored(folder: Path) -> StoredRun:
    meta = plain_scalars(folder / _META)
    tags, status = _texts(folder / "tags"), meta.get("status")
    name = tags.get("mlflow.runName") or meta.get("run_name") or folder.name
    return StoredRun(
        name=str(name),
        status=_STATUS.get(status, "") if isinstance(status, float) else str(status),
        deleted=meta.get("lifecycle_stage") == "deleted",
        params={name: setting_in(text) for name, text in (own_tags(tags) | _texts(folder / "params")).items()},
        points=[point for file, name in _files(folder / "metrics") for point in _points(file, name)],
    )


def _points(file: Path, name: str) -> Iterator[tuple[int, float, str, float]]:
    """(milliseconds since 1970, step, name, value) of each line: `1796064364326 5.0 0`, and a data set since 3.0."""
    whole, _, _ = _content(file).decode("utf-8", "replace").rpartition("\n")  # a killed program's last line has no end
    for number, line in enumerate(whole.split("\n") if whole else (), start=1):
        parts = line.split()
        try:
            # files of before 1.0 have no steps
            yield int(parts[0]), float(parts[2]) if len(parts) > 2 else 0.0, name, float(parts[1])
        except (IndexError, ValueError) as error:
            raise InputError(f"{file}: line {number}: expected a time, a value and a step: {error}") from error


def _texts(folder: Path) -> dict[str, str]:
    return {name: _content(file)[:_MOST_VALUE].decode("utf-8", "replace") for file, name in _files(folder)}


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """(file, name) of every file below; a name with a slash is a path."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, path.relative_to(folder).as_posix()


def _content(file: Path) -> bytes:
    try:
        return read_regular(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error}") from error


FORMAT = LogFormat(name="mlflow", words="the file store of MLflow (mlruns)", recognise=_recognise, read=_read)
