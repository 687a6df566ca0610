"""modded-nanogpt: `step:125/3350 val_loss:4.6574 train_time:12163ms step_avg:97.30ms`.

Written against the logs of records/track_1_short of KellerJordan/modded-nanogpt, 2024-10 to 2025-09. A log begins with
the script itself, whose hyperparameters are read as settings.
"""

from __future__ import annotations

import math
import re

from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.formats.text_lines import NUMBER, Dialect, Event, Fact, Point, number
from isoflop.logs.run import Setting

_STEP = re.compile(r"(?:^|\s)step:(\d+)(?:/(\d+))?\s(.*)")
_VALUE = re.compile(rf"(\w+):({NUMBER})(ms|s)?(?![\w.])")
_HYPERPARAMETER = re.compile(
    r"\s*(\w+)\s*:\s*(?:int|float)\s*=\s*(\d[\d._]*(?:e-?\d+)?(?:\s*\*\s*\d[\d._]*){0,4})\s*,?\s*(?:#.*)?"
)
_LONGEST = 300
"""Characters of a line of the script that may state a hyperparameter."""
_ENDED = re.compile(r"peak memory (?:allocated|consumption)")
_LOSSES = {"val_loss": "val/loss", "train_loss": "train/loss", "val_bpb": "val/bpb", "loss": "train/loss"}
_SECONDS = {"ms": 1e-3, "s": 1.0}


def _read_line(line: str) -> Event | None:
    found = _STEP.search(line)
    if found is not None:
        values = {}
        for name, text, unit in _VALUE.findall(found[3]):
            if name in _LOSSES:
                values[_LOSSES[name]] = number(text)
            elif name == "train_time" and unit:  # without the time of evaluations
                values["train_time"] = number(text) * _SECONDS[unit]
        planned = float(found[2] or 0) or None
        return Point(step=number(found[1]), values=values, planned_steps=planned) if values else None
    if len(line) < _LONGEST and (setting := _HYPERPARAMETER.fullmatch(line)):
        try:
            factors = [number(part.replace("_", "")) for part in setting[2].split("*")]
        except ValueError:
            return None
        return Fact(settings={setting[1]: math.prod(factors)})
    return Fact(ended=True) if _ENDED.search(line) else None


def _finish(_: Gathered, settings: dict[str, Setting]) -> None:
    """Adds the tokens of a step, from the script's hyperparameters where their names had one meaning only."""
    batch, length = settings.get("batch_size"), settings.get("sequence_length")
    whole = settings.get("train_batch_size")
    if isinstance(batch, float) and isinstance(length, float):  # sequences on all devices, until 2024-11
        settings["tokens_per_step"] = batch * length
    elif isinstance(whole, float) and "train_max_seq_len" in settings:  # tokens on all devices, since 2025-07
        settings["tokens_per_step"] = whole


FORMAT = Dialect(
    name="modded_nanogpt", words="a log of modded-nanogpt", mark="step:", reader=lambda: _read_line, finish=_finish
).format
