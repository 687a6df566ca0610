"""Records of W&B's run files, `run-ID.wandb`: the framing of LevelDB's log format, and the message Record.

Written against wandb 0.31.0 (proto/wandb_internal.proto), whose Python package has no reader of these files any more:
earlier versions had one, sdk/internal/datastore.py.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from isoflop.codec import Json
from isoflop.json_values import json_value
from isoflop.logs.formats.wire import fields_of, float_in, message_in, signed_in, text_in

MAGIC = b":W&B"
"""The first four bytes; 0xBEE1 and a version, 0, follow."""
_FILE_HEADER, _BLOCK = 7, 32768
_RECORD = struct.Struct("<IHB")  # CRC-32 of type and data, length, type: one of the four below
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_GROUPS = {6: "group", 7: "job_type"}
"""Fields of the record of a run by which people part their runs."""
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT = 2, 3, 5, 17, 18


@dataclass(kw_only=True)
class RunFile:
    """What the records of a run file say."""

    run_id: str = ""
    display_name: str = ""
    config: dict[str, Json] = field(default_factory=dict)
    """By dotted name."""
    history: list[tuple[int | None, dict[str, Json]]] = field(default_factory=list)
    """(step, values) of each call of `log`, in their order."""
    summary: dict[str, Json] = field(default_factory=dict)
    exit_code: int | None = None
    """None: the run did not come to its end, or its file did not."""
    torn: str = ""
    """What is wrong with the end of the file; empty where it is whole."""


def read_run_file(data: bytes) -> RunFile:
    """Returns what is in a run file, up to the first torn record. Raises ValueError where it is no run file."""
    if data[:4] != MAGIC:
        raise ValueError("no run file of W&B: it does not begin with :W&B")
    run = RunFile()
    try:
        for record in _records(data):
            _add(run, record)
    except ValueError as error:
        run.torn = str(error)
    return run


def _records(data: bytes) -> Iterator[bytes]:
    """Yields the records; ones that cross the end of a block of 32 KiB are in parts."""
    at = _FILE_HEADER
    parts: list[bytes] = []
    while at < len(data):
        left = _BLOCK - at % _BLOCK
        if left < _RECORD.size:  # filled with zeros
            at += left
            continue
        if at + _RECORD.size > len(data):
            raise ValueError("the last record is cut off")
        checksum, length, kind = _RECORD.unpack_from(data, at)
        body = data[at + _RECORD.size : at + _RECORD.size + length]
        if not (checksum or length or kind):
            return  # space that was laid out and never written
        if len(body) < length:
            raise ValueError("the last record is cut off")
        if zlib.crc32(body, zlib.crc32(bytes([kind]))) != checksum:
            raise ValueError(f"the record at byte {at:,} does not have its checksum")
        at += _RECORD.size + length
        if kind in (_FULL, _FIRST):
            parts = []
        parts.append(body)
        if kind in (_FULL, _LAST):
            yield b"".join(parts)


def _add(run: RunFile, record: bytes) -> None:
    for number, _, value in fields_of(record):
        if number == _HISTORY:
            run.history.append(_history(message_in(value)))
        elif number == _SUMMARY:
            run.summary.update(_items(message_in(value)))
        elif number == _CONFIG:
            run.config.update(_items(message_in(value)))
        elif number == _EXIT:
            run.exit_code = 0
            for inner, _, code in fields_of(message_in(value)):
                if inner == 1:
                    run.exit_code = signed_in(code)
        elif number == _RUN:
            _add_run(run, message_in(value))


def _add_run(run: RunFile, message: bytes) -> None:
    for number, _, value in fields_of(message):
        if number == 1:
            run.run_id = text_in(value)
        elif number == 4:
            run.config.update(_items(message_in(value)))
        elif number == 8:
            run.display_name = text_in(value)
        elif number in _GROUPS and (text := text_in(value)):
            run.config.setdefault(_GROUPS[number], text)


def _history(message: bytes) -> tuple[int | None, dict[str, Json]]:
    step: int | None = None
    for number, _, value in fields_of(message):
        if number == 2:
            step = 0  # a step of zero is not written
            for inner, _, count in fields_of(message_in(value)):
                step = signed_in(count) if inner == 1 else step
    values = _items(message)
    if step is None and isinstance(stated := values.get("_step"), int | float):
        step = int(stated)
    return step, values


def _items(message: bytes) -> dict[str, Json]:
    """{dotted name: value} of the items of a record, which are its field 1."""
    found: dict[str, Json] = {}
    for number, _, value in fields_of(message):
        if number == 1:
            name, content = _item(message_in(value))
            found[name] = content
    return found


def _item(message: bytes) -> tuple[str, Json]:
    """(name, value): JSON in field 16, or, in current versions, a value of its own type in fields 3 to 8."""
    key, nested, content = "", [], None
    for number, _, value in fields_of(message):
        if number == 1:
            key = text_in(value)
        elif number == 2:
            nested.append(text_in(value))
        elif number in (8, 16):
            content = json_value(message_in(value), finite=False)
        elif number == 7:
            content = text_in(value)
        elif number == 6:
            content = float_in(value)
        elif number == 5:
            content = _zigzag(value)
        elif number == 4:
            content = bool(value)
    return ".".join(nested) or key, content


def _zigzag(value: int | bytes) -> int:
    """A whole number of the type sint64: the sign is the lowest bit."""
    if not isinstance(value, int):
        raise ValueError("expected a whole number, found bytes")
    return (value >> 1) ^ -(value & 1)
