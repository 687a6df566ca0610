"""Megatron-LM, and forks of it: `iteration 100/ 5000 | consumed samples: ... | lm loss: 6.1E+00 | learning rate: ...`.

Written against megatron/training/training.py of NVIDIA/Megatron-LM of 2025, and logs of it, Megatron-DeepSpeed and
GPT-NeoX (`lm_loss`), 2022 to 2026.
"""

from __future__ import annotations

import re

from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.formats.text_lines import NUMBER, TOTAL, Dialect, Event, Fact, Point, number
from isoflop.logs.run import Setting
from isoflop.logs.settings import setting_in

_TRAINED = re.compile(r"\biteration\s+(\d+)\s*/\s*(\d+) \|(.*)")
_VALUE = re.compile(rf"({NUMBER})(?:/{NUMBER})?", re.IGNORECASE)
"""A number, or that of this iteration and the mean of all."""
_EVALUATED = re.compile(
    rf"(?:validation|test) loss at iteration (\d+)([^|]*)\|.*?\blm[ _]loss value: ({NUMBER})(?=\s|$)", re.IGNORECASE
)
_PARAMETERS = re.compile(r"number of parameters on \(tensor, pipeline\) model parallel rank \((\d+), (\d+)\): (\d+)")
_ARGUMENT = re.compile(r"\s*(?:\[?\w+\]?:\s*)?([a-z][\w-]*) \.{3,} (.*)")
_KEPT = {
    "lm loss": "train/loss", "learning rate": "learning_rate", "consumed tokens": "consumed_tokens",
    "consumed samples": "consumed samples",
}  # fmt: skip
_ELAPSED = "elapsed time per iteration (ms)"
"""Mean since the line before, without evaluations and checkpoints, for which the timer is stopped."""
_PARTS = "model_parallel_parts"


class _Lines:
    """The reader of lines, which knows in how many parts a model is."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, str], float] = {}

    def __call__(self, line: str) -> Event | None:
        if "loss at iteration" in line and (found := _EVALUATED.search(line)):
            name = found[2].replace(" on ", " ").replace(" set", " ").strip(" []") or "validation"
            return Point(step=float(found[1]), values={f"eval/{name}/loss": number(found[3])})
        if "iteration" in line and (found := _TRAINED.search(line)):
            return _trained(number(found[1]), number(found[2]), found[3])
        if found := _PARAMETERS.search(line):
            self.parts[found[1], found[2]] = number(found[3])
            return Fact(settings={TOTAL: number(found[3]), _PARTS: float(len(self.parts))})
        if "after training is done" in line:
            return Fact(ended=True)
        if found := _ARGUMENT.fullmatch(line.rstrip()):
            return Fact(settings={found[1].replace("-", "_"): setting_in(found[2])})
        return None


def _trained(step: float, planned: float, parts: str) -> Point | None:
    """What a line of training says, `name: value | name: value`; None where it has none of what is kept."""
    values, seconds = {}, None
    for part in parts.split("|"):
        name, _, text = part.partition(":")
        plain, value = name.strip().lower().replace("_", " "), _VALUE.fullmatch(text.strip())
        if value is not None and plain in _KEPT:
            values[_KEPT[plain]] = number(value[1])
        if value is not None and plain == _ELAPSED:
            seconds = number(value[1]) / 1000
    return Point(step=step, values=values, planned_steps=planned, step_seconds=seconds) if values else None


def _finish(gathered: Gathered, settings: dict[str, Setting]) -> None:
    """Adds the tokens: consumed samples times their length, where the log has the arguments that state it."""
    if settings.pop(_PARTS, 1.0) != 1.0:
        # tensors that several ranks hold are counted on each of them: a sum would be too large
        settings.pop(TOTAL, None)
    rows, values = gathered.rows.pop("consumed samples", []), gathered.values.pop("consumed samples", [])
    length = settings.get("seq_length")
    if rows and isinstance(length, float) and "consumed_tokens" not in gathered.rows:
        gathered.rows["consumed_tokens"] = rows
        gathered.values["consumed_tokens"] = [samples * length for samples in values]


FORMAT = Dialect(
    name="megatron",
    words="a log of Megatron-LM",
    mark="iteration",
    reader=_Lines,
    finish=_finish,
).format
