"""Hugging Face Trainer: `trainer_state.json`, alone, in an output folder, or in the last of its checkpoints.

Written against transformers 5.23 (TrainerState, Trainer.log); files of version 4 have the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from isoflop.arch.huggingface import read_config
from isoflop.codec import Json, JsonObject
from isoflop.errors import InputError, Notice
from isoflop.json_values import json_value
from isoflop.logs.build import logged_run
from isoflop.logs.formats.format import LogFormat
from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.options import LogOptions
from isoflop.logs.run import LoggedRun, Setting
from isoflop.logs.settings import flat_settings
from isoflop.logs.source import LogSource
from isoflop.regular_files import read_through_links

STATE = "trainer_state.json"
_CHECKPOINT = "checkpoint-"
_SETTINGS = ("training_args.json", "train_args.json")
"""Plain copies of the training arguments, which some scripts write. training_args.bin is a pickle, and not opened."""
_FIRST_KEYS = ("best_global_step", "best_metric", "log_history", "global_step", "epoch")
"""Of which one stands near the beginning of a state: its keys are in alphabetical order."""
_NAMES = {"loss": "train/loss", "train_runtime": "runtime"}
_NOT_LOGGED = frozenset({"step", "epoch", "total_flos", "train_loss"})


def _recognise(source: LogSource) -> bool:
    """Whether it is a trainer's state, or a folder with one inside, or with checkpoints that have one."""
    if source.is_folder:
        return bool(source.names) and _state_of(source.path) is not None
    head = source.text
    return head.lstrip().startswith("{") and any(f'"{name}"' in head for name in _FIRST_KEYS) and _is_state(source.path)


def _is_state(file: Path) -> bool:
    try:
        state = json_value(read_through_links(file), finite=False)
    except (OSError, ValueError):
        return file.name == STATE  # damaged: its reader says how
    return isinstance(state, dict) and isinstance(state.get("log_history"), list) and "global_step" in state


def _read(source: LogSource, options: LogOptions) -> tuple[LoggedRun, ...]:
    """The run of a state, or of the furthest one in a folder. Raises InputError for a file that is none."""
    file = _state_of(source.path) if source.is_folder else source.path
    if file is None:
        raise InputError(f"{source}: expected {STATE}, here or in a folder {_CHECKPOINT}N")
    state = _object(file)
    history = state.get("log_history")
    if not isinstance(history, list):
        raise InputError(f"{file}: expected the list log_history of a Hugging Face trainer")
    gathered, closed = Gathered(), False
    for entry in history:
        step = entry.get("step") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(step, int | float):
            continue
        closed = closed or _closes(entry)
        gathered.add(step, _runtime(entry, gathered) if _closes(entry) else _values(entry))
    reached, planned = _number(state, "global_step"), _number(state, "max_steps")
    if reached is not None:
        totals = {name: _number(state, name) or 0.0 for name in ("num_input_tokens_seen", "total_flos")}
        gathered.add(reached, {name: total for name, total in totals.items() if total > 0})
    planned = planned if planned and planned > 0 else None
    folder = file.parent.parent if file.parent.name.startswith(_CHECKPOINT) else file.parent
    params, notices = _params(file.parent, folder, *_checkpoints(folder).values())
    run = logged_run(
        gathered.logged(_settings(state, folder)),
        name=folder.absolute().name if file.name == STATE else source.run_name,
        source=f"{file} ({FORMAT.words})",
        options=options,
        planned=planned,
        # early stopping closes a run before its planned end too
        ended=closed or None if planned is None or reached is None else reached >= planned,
        notices=notices,
    )
    if run.params is None and params is not None:
        run = replace(run, params=params, params_convention="total")
    return (run,)


def _closes(entry: JsonObject) -> bool:
    """Whether an entry is the summary that the trainer adds at the end: means over the whole run, and no point.

    With include_num_input_tokens_seen every entry has a train_runtime, so that only train_loss tells.
    """
    return "train_loss" in entry and "loss" not in entry


def _runtime(summary: JsonObject, before: Gathered) -> dict[str, float]:
    """The seconds of training by the closing summary, where no entry before it has a count of them.

    They are those of the last call of the trainer: of a run that was resumed only the entries tell all.
    """
    found = _number(summary, "train_runtime")
    return {"runtime": found} if found is not None and "runtime" not in before.rows else {}


def _values(entry: JsonObject) -> dict[str, float]:
    named = {name: value for name, value in entry.items() if name not in _NOT_LOGGED}
    return {
        _NAMES.get(name, name): float(value)
        for name, value in named.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _settings(state: JsonObject, folder: Path) -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    for name in _SETTINGS:
        if (folder / name).is_file():
            settings.update(flat_settings(_object(folder / name)))
    for name in ("train_batch_size", "num_train_epochs"):
        if (value := _number(state, name)) is not None:
            settings[name] = value
    return settings


def _params(*folders: Path) -> tuple[float | None, list[Notice]]:
    """Parameters that the config.json next to the state describes, where it is of a family that isoflop counts."""
    for file in (folder / "config.json" for folder in folders):
        if not file.is_file():
            continue
        try:
            architecture, _ = read_config(file)
        except InputError as error:
            text = f"no parameters are counted: {str(error).splitlines()[0]}"
            return None, [Notice(code="log_without_params", message=text)]
        return float(architecture.params().total), []
    return None, []


def _state_of(folder: Path) -> Path | None:
    """The state that is furthest: the folder's own, or that of the checkpoint with the highest step.

    A run that was resumed after its end, and stopped again, has a checkpoint beyond the folder's own state.
    """
    checkpoints = _checkpoints(folder)
    last = max(checkpoints, default=-1)
    if (folder / STATE).is_file() and (last < 0 or last <= (_number(_object(folder / STATE), "global_step") or last)):
        return folder / STATE
    return checkpoints[last] / STATE if checkpoints else None


def _checkpoints(folder: Path) -> dict[int, Path]:
    """{step: its folder} of the checkpoints that have a state."""
    steps: dict[int, Path] = {}
    for checkpoint in folder.glob(f"{_CHECKPOINT}*"):
        number = checkpoint.name.removeprefix(_CHECKPOINT)
        if number.isdecimal() and not checkpoint.is_symlink() and (checkpoint / STATE).is_file():
            steps[int(number)] = checkpoint
    return steps


def _object(file: Path) -> JsonObject:
    try:
        value: Json = json_value(read_through_links(file), finite=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{file}: expected a JSON object, as a Hugging Face trainer writes")
    return value


def _number(values: Mapping[str, Json], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


FORMAT = LogFormat(
    name="trainer_state", words="trainer_state.json of Hugging Face transformers", recognise=_recognise, read=_read
)
