"""Weights & Biases: the run files that a program writes, offline or not, `wandb/offline-run-DATE-ID/run-ID.wandb`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from isoflop.codec import Json
from isoflop.errors import InputError, Notice
from isoflop.logs.build import logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.formats.lightning_steps import steps_done
from isoflop.logs.formats.wandb_records import MAGIC, RunFile, read_run_file
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun
from isoflop.logs.settings import flat_settings
from isoflop.logs.source import LogSource
from isoflop.regular_files import read_through_links

_FOLDER = re.compile(r"(?:offline-)?run-\d{8}_\d{6}-.+")
_STEP, _OF_LIGHTNING = "_step", "trainer/global_step"
_NO_SETTING = "_wandb"
"""Where W&B keeps its own notes in the configuration."""
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def _recognise(source: LogSource) -> bool:
    if not source.is_folder:
        return source.head.startswith(MAGIC)
    return any(_run_files(folder) for folder in _folders(source))


def _folders(source: LogSource) -> list[Path]:
    """The folder itself, or those of runs in it, the first that was started first."""
    inner = [name for name in source.names if _FOLDER.fullmatch(name)]
    dated = sorted(inner, key=lambda name: name.removeprefix("offline-"))
    folders = [source.path / name for name in dated]
    return [source.path, *(folder for folder in folders if folder.is_dir() and not folder.is_symlink())]


def _run_files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("run-*.wandb")) if file.is_file() and not file.is_symlink()]


def _read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    files = [source.path]
    if source.is_folder:
        files = [file for folder in _folders(source) for file in _run_files(folder)]
    runs: dict[str, list[RunFile]] = {}
    for file in files:
        try:
            run = read_run_file(read_through_links(file))
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: cannot be read: {error}") from error
        # a run that was resumed has a file for each start
        runs.setdefault(run.run_id or file.stem, []).append(run)
    return tuple(_run(key, parts, source, options) for key, parts in runs.items())


def _run(key: str, parts: list[RunFile], source: LogSource, options: LogOptions) -> LoggedRun:
    gathered = Gathered()
    config: dict[str, object] = {}
    for part in parts:
        config.update({name: value for name, value in part.config.items() if name != _NO_SETTING})
        for step, values in part.history:
            numbers = _numbers(values)
            gathered.add(None, numbers if step is None else {**numbers, _STEP: float(step)})
    found = steps_done(gathered, _OF_LIGHTNING, certain=True)
    code, torn = parts[-1].exit_code, [part.torn for part in parts if part.torn]
    notices = [Notice(code="torn_line", message=f"{'; '.join(torn)}; what stands before is used")] if torn else []
    return logged_run(
        gathered.logged(flat_settings(config)),
        name=next((part.display_name for part in parts if part.display_name), key),
        source=f"{source} ({FORMAT.words})",
        options=options,
        failure=f"crashed: its program ended with code {code}" if code else "",
        notices=[*notices, *found],
    )


def _numbers(values: Mapping[str, Json]) -> dict[str, float]:
    return dict(_number_items(values.items()))


def _number_items(items: Iterable[tuple[str, Json]], before: str = "") -> Iterable[tuple[str, float]]:
    """(name, number) of the history's numbers; what is not finite is text in JSON; objects inside as `outer.inner`."""
    for name, value in items:
        if isinstance(value, dict):
            yield from _number_items(value.items(), f"{before}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{before}{name}", float(value)
        elif isinstance(value, str) and value in _NOT_FINITE:
            yield f"{before}{name}", _NOT_FINITE[value]


FORMAT = LogFormat(name="wandb", words="run files of Weights & Biases", recognise=_recognise, read=_read)
