"""TensorBoard: a folder of event files is one run, whose files are its restarts, in the order of their times.

`SummaryWriter.add_scalars("loss", {"val": ...})` of PyTorch writes into a folder `loss_val` inside: a part of the
same run. Other folders inside are runs of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from isoflop.errors import InputError, Notice
from isoflop.logs.build import logged_run
from isoflop.logs.formats.event_records import Scalar, scalars_in
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.formats.lightning_steps import steps_done
from isoflop.logs.options import LogOptions
from isoflop.logs.plain_yaml import plain_scalars
from isoflop.logs.run import LoggedRun, Setting
from isoflop.logs.source import LogSource

_NAME = re.compile(r"events\.out\.tfevents\.(\d+)?.*")
_OTHER_AXIS = re.compile(r"[ _]vs[ _]\w+$")
"""Tags whose steps are something else: Megatron's "lm loss vs samples"."""
_VERSION = b"brain.Event:"
"""In the first record of every event file."""
_FILE_START = 4096
_HYPERPARAMETERS, _EPOCH = "hparams.yaml", "epoch"
"""What Lightning's logger writes next to the events, and one of its tags."""
_DEEPEST = 6


def _recognise(source: LogSource) -> bool:
    if source.is_folder:
        return any(_NAME.fullmatch(name) and _is_events(source.path / name) for name in source.names)
    return _VERSION in source.head[:_FILE_START]


def _is_events(file: Path) -> bool:
    try:
        return not file.is_symlink() and _VERSION in LogSource(path=file, root=file).head[:_FILE_START]
    except InputError:
        return False


def _read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    if not source.is_folder:
        return (_run([source.path], {}, source.path.absolute().parent.name, source, options),)
    runs = _runs(source.path, source.run_name, source, options, depth=0)
    return tuple(run for run in runs if _has_curve(run)) or tuple(runs[:1])


def _has_curve(run: LoggedRun) -> bool:
    """Whether a loss has two points: add_hparams of PyTorch makes a folder whose events hold one of each metric."""
    return any(len(each) > 1 for each in (run.training, *run.evaluations.values()) if each is not None)


def _runs(folder: Path, name: str, source: LogSource, options: LogOptions, *, depth: int) -> list[LoggedRun]:
    parts: dict[str, list[Path]] = {}
    runs: list[LoggedRun] = []
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        files = _event_files(inner)
        tag = next((scalar.tag for file in files for scalar in _scalars(file, [])), "")
        written = tag.replace("/", "_")
        if files and written and inner.name.startswith(f"{written}_"):
            parts[f"{tag}/{inner.name.removeprefix(written + '_')}"] = files
        elif depth < _DEEPEST:
            runs += _runs(inner, f"{name}/{inner.name}", source, options, depth=depth + 1)
    files = _event_files(folder)
    return [_run(files, parts, name, source, options), *runs] if files else runs


def _event_files(folder: Path) -> list[Path]:
    """The event files of a folder, the first that was opened first."""
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match is not None and path.is_file() and _is_events(path):
            found.append((int(match[1] or 0), path.name, path))
    return [path for _, _, path in sorted(found)]


def _run(
    files: list[Path], parts: dict[str, list[Path]], name: str, source: LogSource, options: LogOptions
) -> LoggedRun:
    torn: list[str] = []
    scalars = [scalar for file in files for scalar in _scalars(file, torn)]
    for tag, others in parts.items():
        scalars += [
            Scalar(tag=tag, step=scalar.step, wall_time=scalar.wall_time, value=scalar.value)
            for file in others
            for scalar in _scalars(file, torn)
        ]
    if parts:
        scalars.sort(key=lambda scalar: scalar.wall_time)
    notices = [Notice(code="torn_line", message="; ".join(torn))] if torn else []
    gathered, settings = _gathered(scalars), dict[str, Setting]()
    if (hyperparameters := files[0].parent / _HYPERPARAMETERS).is_file() and not hyperparameters.is_symlink():
        settings = plain_scalars(hyperparameters)
        notices += steps_done(gathered) if _EPOCH in gathered.rows else []
    return logged_run(
        gathered.logged(settings),
        name=name,
        source=f"{source} ({FORMAT.words})",
        options=options,
        notices=notices,
    )


def _gathered(scalars: list[Scalar]) -> Gathered:
    """A line for the scalars that were written one after the other for one step."""
    gathered = Gathered()
    line: dict[str, float] = {}
    step: int | None = None
    at: float | None = None
    for scalar in scalars:
        if scalar.step != step or scalar.tag in line:
            if line:
                gathered.add(step, line, at)
            line, step = {}, scalar.step
        if not _OTHER_AXIS.search(scalar.tag):
            line[scalar.tag], at = scalar.value, scalar.wall_time
    if line:
        gathered.add(step, line, at)
    return gathered


def _scalars(file: Path, torn: list[str]) -> Iterator[Scalar]:
    """The scalars of a file up to its first torn record, which is added to `torn`."""
    try:
        with open(file, "rb") as binary:
            yield from scalars_in(binary)
    except ValueError as error:
        torn.append(f"{file.name}: {error}; what stands before is used")
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error}") from error


FORMAT = LogFormat(
    name="tensorboard",
    words="event files of TensorBoard",
    recognise=_recognise,
    read=_read,
    companions=frozenset({_HYPERPARAMETERS}),
)
