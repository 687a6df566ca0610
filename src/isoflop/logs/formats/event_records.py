"""Scalars of TensorBoard's event files: the framing of TFRecord, and the messages Event, Summary and TensorProto.

Fields are numbered as in tensorboard 2.21 (compat/proto/event.proto, summary.proto, tensor.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from isoflop.logs.formats.wire import BYTES, FIXED32, fields_of, float_in, message_in, signed_in, text_in

_HEADER = struct.Struct("<QI")  # length of the record and the checksum of that length; a checksum of 4 bytes follows it
_FOOTER = 4
MOST_RECORD = 64 << 20
"""Bytes of a record that is read; images and graphs are larger at times, scalars have a hundred."""
_DT_FLOAT, _DT_DOUBLE, _DT_HALF = 1, 2, 19


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """One value of one tag."""

    tag: str
    step: int
    wall_time: float
    """Seconds since 1970."""
    value: float


def scalars_in(file: BinaryIO) -> Iterator[Scalar]:
    """Yields the scalars of an event file in their order. Raises ValueError at the first torn record.

    A trainer that was killed leaves one at the end; what was yielded before stands.
    """
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise ValueError("the last record is cut off")
        length, _ = _HEADER.unpack(header)
        if length > MOST_RECORD:
            raise ValueError(f"a record of {length:,} bytes, above {MOST_RECORD:,}")
        record = file.read(length + _FOOTER)
        if len(record) < length + _FOOTER:
            raise ValueError("the last record is cut off")
        yield from _scalars_of(record[:length])


def _scalars_of(event: bytes) -> Iterator[Scalar]:
    wall_time, step, summary = 0.0, 0, b""
    for number, _, value in fields_of(event):
        if number == 1:
            wall_time = float_in(value)
        elif number == 2:
            step = signed_in(value)
        elif number == 5:
            summary = message_in(value)
    for number, _, value in fields_of(summary):
        if number == 1:
            tag, scalar = _value(message_in(value))
            if scalar is not None:
                yield Scalar(tag=tag, step=step, wall_time=wall_time, value=scalar)


def _value(message: bytes) -> tuple[str, float | None]:
    """(tag, number) of a Summary.Value: simple_value, or a tensor of one number as TensorFlow 2 writes."""
    tag, scalar = "", None
    for number, kind, value in fields_of(message):
        if number == 1:
            tag = text_in(value)
        elif number == 2 and kind == FIXED32:
            scalar = float_in(value)
        elif number == 8 and kind == BYTES:
            scalar = _only_number(message_in(value))
    return tag, scalar


def _only_number(tensor: bytes) -> float | None:
    """The number of a tensor that holds just one, in single, double or half precision; else None."""
    kind, found = 0, []
    for number, wire, value in fields_of(tensor):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and message_in(value):
            return None  # a shape with dimensions: no scalar
        elif number in (5, 6) and wire != BYTES:
            found.append(float_in(value))
        elif number in (4, 5, 6) and isinstance(value, bytes):
            sizes = {_DT_FLOAT: "<f", _DT_DOUBLE: "<d", _DT_HALF: "<e"}
            form = struct.Struct(sizes.get(kind, "<f"))
            if len(value) == form.size:
                found.append(float(form.unpack(value)[0]))
    return found[0] if len(found) == 1 else None
