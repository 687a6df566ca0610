"""metrics.jsonl of our run folders as numbers: read in large parts, and again where lines were appended."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import cast

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import Json, JsonObject
from isoflop.errors import InputError
from isoflop.json_values import json_lines
from isoflop.logs.points import Points
from isoflop.regular_files import read_regular

_LOSS = "train_loss_nats"
_LOGGED = ("step", "tokens", "flops", "lr", _LOSS, "wall_seconds")
_ABSENT = ""
"""In place of a key that a line lacks: no number."""
_BLOCK = 16_384
"""Lines that are parsed at a time."""


@dataclass
class MetricLines:
    """The numbers of a metrics.jsonl while it is read: a part at a time, and again when lines were appended."""

    lines: int = 0
    torn: int = 0
    """Lines that are none: a killed writer leaves one."""
    parts: dict[str, list[Points]] = field(default_factory=dict)

    def add(self, content: bytes) -> None:
        """Adds the lines of `content`."""
        texts = list(filter(None, content.split(b"\n")))
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            objects = _objects(block)
            for key in _LOGGED:
                self._add(key, _cells(objects, key))
            self.lines += len(objects)
            self.torn += sum(map(bool, map(bytes.strip, block))) - len(objects) if len(block) > len(objects) else 0

    def numbers(self) -> dict[str, Points]:
        """{key: its values}; NaN where a trainer wrote null for a loss that was not finite."""
        return {
            key: Points(
                rows=np.concatenate([part.rows for part in parts]),
                values=np.concatenate([part.values for part in parts]),
            )
            for key, parts in self.parts.items()
        }

    def _add(self, key: str, cells: list[Json]) -> None:
        if key == _LOSS and None in cells:
            cells = [math.nan if cell is None else cell for cell in cells]
        found = _plain_numbers(cells)
        at = np.flatnonzero(np.isfinite(found) | (np.isnan(found) & (key == _LOSS)))
        values = found[at]
        if len(at):
            self.parts.setdefault(key, []).append(Points(rows=at + self.lines, values=values))


def _cells(objects: list[JsonObject], key: str) -> list[Json]:
    """The values of a key, in the fastest way where no line lacks it."""
    try:
        return list(map(itemgetter(key), objects))
    except KeyError:
        return [line.get(key, _ABSENT) for line in objects]


def _plain_numbers(cells: list[Json]) -> Array:
    """The cells as numbers, infinite where they are none; in one call where all are, as in most logs."""
    if set(map(type, cells)) <= {int, float}:
        with suppress(OverflowError):
            return np.array(cells, dtype=np.float64)
    return np.array([cell if cell != cell else _infinite_or(finite_number(cell)) for cell in cells], dtype=np.float64)


def _infinite_or(number: float | None) -> float:
    return math.inf if number is None else number


def _objects(texts: list[bytes]) -> list[JsonObject]:
    """The objects of lines of JSON, in one call where all are; what is no object is left out.

    Of each line a few numbers are used, so that it does not matter how deep the rest of it is.
    """
    try:
        values = json.loads(b"[" + b",".join(texts) + b"]")
    except (ValueError, RecursionError):
        values = []
    if len(values) == len(texts) and set(map(type, values)) <= {dict}:
        return cast(list[JsonObject], values)
    return json_lines(b"\n".join(texts))[0]


def read_metrics(file: Path) -> MetricLines:
    """The lines of a metrics.jsonl; none where there is no file. Raises InputError where it cannot be read."""
    found = MetricLines()
    try:
        found.add(read_regular(file))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error}") from error
    return found


def finite_number(value: Json) -> float | None:
    """A finite number; None for anything else, and for what no float holds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number that no float holds
        return None
    return number if math.isfinite(number) else None
