"""Messages of Protocol Buffers, read field by field without their classes.

TensorBoard's event files and W&B's run files are messages of which a log needs a dozen fields, whose numbers can never
change: a later version could not read earlier files. Source of the encoding: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MOST_VARINT_BYTES = 10


def fields_of(message: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yields (field number, wire type, value) of each field: an int for VARINT, else the bytes.

    Raises ValueError where `message` is torn or no message.
    """
    at, end = 0, len(message)
    while at < end:
        key = message[at]
        at += 1
        if key >= 0x80:
            key, at = _varint(message, at - 1)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, at = _varint(message, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} is not of this encoding")
        if at + size > end:
            raise ValueError("a field is cut off")
        yield number, kind, message[at : at + size]
        at += size


def message_in(value: int | bytes) -> bytes:
    """Returns the bytes of a field that holds a message or text. Raises ValueError for a number."""
    if isinstance(value, int):
        raise ValueError("expected a message, found a number")
    return value


def text_in(value: int | bytes) -> str:
    """Returns the text of a field. Raises ValueError where it is none."""
    return message_in(value).decode("utf-8")


def float_in(value: int | bytes) -> float:
    """Returns the number of a float or double field. Raises ValueError for another size."""
    data = message_in(value)
    if len(data) not in (4, 8):
        raise ValueError("expected a number of 4 or 8 bytes")
    return float(struct.unpack("<f" if len(data) == 4 else "<d", data)[0])


def signed_in(value: int | bytes) -> int:
    """Returns the whole number of an int32 or int64 field. Raises ValueError for another kind of field."""
    if not isinstance(value, int):
        raise ValueError("expected a whole number, found bytes")
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """(number, place after it): seven bits a byte, the lowest first."""
    if at < len(message) and message[at] < 0x80:  # nearly always
        return message[at], at + 1
    number = 0
    for count in range(_MOST_VARINT_BYTES):
        if at + count >= len(message):
            raise ValueError("a number is cut off")
        byte = message[at + count]
        number |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return number & (1 << 64) - 1, at + count + 1
    raise ValueError("a number has more than ten bytes")
