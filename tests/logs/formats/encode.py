"""Records as TensorBoard and W&B write them, made by hand: for damaged files, and for versions of before."""

import struct
import zlib


def varint(number):
    """A number in groups of seven bits."""
    number &= (1 << 64) - 1
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """A field of a message: a whole number, a double, or text, bytes and messages."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def scalar(tag, step, value):
    """An event with one scalar, as SummaryWriter writes it."""
    simple = varint(2 << 3 | 5) + struct.pack("<f", value)
    return field(1, 1.7e9) + field(2, step) + field(5, field(1, field(1, tag) + simple))


def tensor_scalar(tag, step, value, *, kind=1):
    """An event with one scalar as TensorFlow 2 writes it: the content of a tensor without dimensions."""
    content = struct.pack({1: "<f", 2: "<d", 19: "<e"}[kind], value)
    return field(2, step) + field(5, field(1, field(1, tag) + field(8, field(1, kind) + field(4, content))))


VERSION = field(1, 1.7e9) + field(3, "brain.Event:2")


def event_file(*events):
    """A file of records; their checksums are not looked at."""
    return b"".join(struct.pack("<QI", len(event), 0) + event + bytes(4) for event in (VERSION, *events))


def json_items(values, number=1):
    """Items of a record, as earlier versions of W&B wrote them: JSON in field 16."""
    return b"".join(field(number, field(1, name) + field(16, text)) for name, text in values.items())


def wandb_file(*records):
    """A run file of these records, in blocks of 32 KiB."""
    data = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
    for record in records:
        first = True
        while True:
            left = 32768 - len(data) % 32768
            if left < 7:
                data += bytes(left)
                continue
            part, record = record[: left - 7], record[left - 7 :]
            kind = (1 if first else 4) if not record else (2 if first else 3)
            data += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            first = False
            if not record:
                break
    return data
