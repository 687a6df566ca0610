"""Append-only JSON Lines files that tolerate a torn last line, which a killed writer may leave."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from isoflop.files import storing, write_bytes_atomically
from isoflop.json_values import json_lines
from isoflop.regular_files import open_to_append, read_regular

_Read = TypeVar("_Read")
_LARGEST = 2.0**63  # of a count, and of a time


@dataclass(frozen=True, kw_only=True)
class JsonLines:
    """The whole lines of a file, oldest first."""

    lines: tuple[dict[str, Any], ...]
    skipped: int
    """Lines that were torn or corrupt."""


def _encoded(lines: Iterable[object]) -> bytes:
    text = "".join(json.dumps(_finite(line), sort_keys=True, allow_nan=False) + "\n" for line in lines)
    return text.encode()


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def append_lines(path: Path, lines: Iterable[object], *, durable: bool) -> None:
    """Adds `lines`, JSON objects in which numbers that are not finite become null; `durable`: on the disk when this
    returns.

    Raises InputError when the disk does not take them, and for a link or pipe in the place of the file.
    """
    data = _encoded(lines)
    with storing(path, len(data)), open_to_append(path) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a killed writer left a torn line, which must not swallow ours
                data = b"\n" + data
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())


def read_lines(path: Path) -> JsonLines:
    """All whole lines of `path`; none when there is no such file."""
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return JsonLines(lines=(), skipped=0)
    lines, skipped = json_lines(content)
    return JsonLines(lines=tuple(lines), skipped=skipped)


def rewrite_lines(path: Path, lines: Iterable[object]) -> None:
    """Replaces the file by `lines`, atomically."""
    write_bytes_atomically(path, _encoded(lines))


def typed_line(kind: type[_Read], value: object) -> _Read | None:
    """The `kind`, a dataclass of numbers and text, of a line; None where a field is missing or of another type.

    It does without the codec, which imports pydantic: a trainer writes and reads such lines from its first second.
    """
    if not isinstance(value, Mapping):
        return None
    annotations = {name: str(annotation) for name, annotation in kind.__annotations__.items()}
    parts = {name: value.get(name) for name in annotations}
    types: dict[str, tuple[type, ...]] = {"int": (int,), "str": (str,), "float": (int, float)}
    types |= {f"{name} | None": (*kinds, type(None)) for name, kinds in types.items()}
    if any(isinstance(part, bool) or not isinstance(part, types[annotations[name]]) for name, part in parts.items()):
        return None
    if any(isinstance(part, int | float) and not 0 <= part < _LARGEST for part in parts.values()):
        return None
    return kind(**parts)
