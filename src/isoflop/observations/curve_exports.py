"""Files with the curve of one run, or a chart of several, instead of one row for each run: no table, but logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from isoflop.codec import Json, JsonObject
from isoflop.errors import InputError
from isoflop.observations.columns import candidates
from isoflop.observations.parsing import Cells
from isoflop.units import format_number

_INSTEAD = "it is a log: isoflop.fit reads it, given the size of each run, and isoflop.logs.read_logs does"
_CHART_END = re.compile(r"__(MIN|MAX)$")
_AXIS = re.compile(r"_?step|(global|train\w*)[_/ ]?step|relative time.*|_?timestamp|wall ?time|_?runtime|.*tokens.*|"
                   r"epoch", re.IGNORECASE)  # fmt: skip
_LISTED = 5


def refuse_training_state(value: Json, what: str) -> None:
    """Raise InputError for the state that a Hugging Face trainer writes of one run, saying what it holds."""
    state = value if isinstance(value, dict) else {}
    history = state.get("log_history") if isinstance(value, dict) else value
    if not isinstance(history, list) or not history:
        return
    entries = [row for row in history if isinstance(row, dict)]
    if len(entries) < len(history) or (history is value and not _is_history(entries)):
        return
    steps = [step for row in entries if isinstance(step := row.get("step"), int | float)]
    held = [f"{len(entries)} entries" + (f" up to step {max(steps):,.0f}" if steps else "")]
    for name, words in (("eval_loss", "last eval_loss"), ("num_input_tokens_seen", "tokens seen"),
                        ("total_flos", "FLOPs (total_flos)")):  # fmt: skip
        last = next((number for row in reversed(entries) if isinstance(number := row.get(name), int | float)), None)
        number = state.get(name, last)
        if isinstance(number, int | float):
            held.append(f"{words} {format_number(number, 6)}")
    raise InputError(
        f"{what}: this is a trainer_state.json of Hugging Face transformers: the curve of one run ({', '.join(held)}), "
        f"without its size; {_INSTEAD}"
    )


def _is_history(rows: list[JsonObject]) -> bool:
    """Whether a list is the log_history of a trainer: entries of steps, and none with the size of a model."""
    names = dict.fromkeys(key for row in rows for key in row)
    return {"step", "epoch"} <= names.keys() and "eval_runtime" in names and "N" not in candidates(names)


def refuse_charts(columns: Mapping[str, Cells], what: str) -> None:
    """Raise InputError for charts of curves: wide exports of Weights & Biases, scalars of TensorBoard."""
    if is_tensorboard_scalar(columns):
        raise InputError(
            f"{what}: this is a scalar that TensorBoard exported (Wall time, Step, Value): the curve of one run, "
            f"without its size; {_INSTEAD}"
        )
    lines = chart_lines(columns)
    if not lines:
        return
    runs, metrics = ([part for part in dict.fromkeys(parts) if part] for parts in zip(*lines.values(), strict=True))
    raise InputError(
        f"{what}: this is a chart that Weights & Biases exported, one column a run ({len(runs)} runs: "
        f"{_shown(runs)}) of {_shown(metrics)}: curves of runs, without their sizes; {_INSTEAD}"
    )


def is_tensorboard_scalar(names: Iterable[str]) -> bool:
    """Whether columns are those of a scalar that TensorBoard exported."""
    return {"Wall time", "Step", "Value"} == {name for name in names if name}


def chart_lines(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """{column: (run, metric)} of each line of a chart that Weights & Biases exported, one column a run.

    Empty where any column is neither a line, its range nor the axis. The run is empty where a chart has one alone.
    """
    names = [name for name in names if name]
    ranges = {name for name in names if _CHART_END.search(name)}
    lines = [name for name in names if name not in ranges and f"{name}__MIN" in ranges and f"{name}__MAX" in ranges]
    parted = [name for name in names if name not in ranges and " - " in name]
    if not ranges:
        lines = parted if len({name.rpartition(" - ")[2] for name in parted}) == 1 and len(parted) > 1 else []
    axis = [name for name in names if name not in ranges and name not in lines]
    if not lines or not all(_AXIS.fullmatch(name) or " - _step" in name for name in axis):
        return {}
    parted_names = {name: name.rpartition(" - ") for name in lines}
    return {name: (run if found else "", metric) for name, (run, found, metric) in parted_names.items()}


def _shown(names: Iterable[str]) -> str:
    listed = [repr(name) for name in names]
    return ", ".join(listed[:_LISTED]) + (f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else "")
