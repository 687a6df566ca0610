"""Files that are damaged: bytes, structure, and what lies in their place."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from pathlib import Path
from typing import Any

from hostile import values

_TOKEN = "\ue000"
"""Stands in a JSON value for text that no encoder writes, until the value is text."""
IN_PLACE = ("missing", "empty", "folder", "dangling", "looped", "fifo")
"""No device: a reader that is broken might write to it, or put a file where it was."""


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """`data` cut short, flipped, overwritten or put together anew."""
    if not data:
        return rng.randbytes(rng.randrange(1, 64))
    at = rng.randrange(len(data))
    kind = rng.randrange(8)
    if kind == 0:
        return data[:at]
    if kind == 1:
        flipped = bytearray(data)
        for _ in range(rng.choice((1, 1, 3, 50))):
            flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        return bytes(flipped)
    if kind == 2:
        return data[:at] + rng.randbytes(rng.choice((1, 4, 200))) + data[at:]
    if kind == 3:
        return data[:at] + b"\x00" * rng.choice((1, 512)) + data[at + 1 :]
    if kind == 4:
        return data + data
    if kind == 5:
        return data[at:]
    if kind == 6:
        return data.replace(rng.choice((b"\n", b",", b'"', b"=", b":")), rng.choice((b"", b"\r", b";", b"\xff")))
    return rng.choice((b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b", b"PK\x03\x04", b"PAR1")) + data


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a JSON value, the whole first."""
    inner: list[tuple[Any, ...]] = [before]
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        inner += places(part, (*before, key))
    return inner


def damaged_json(value: Any, rng: random.Random) -> str:
    """`value` as JSON, with one to three of its parts of another type, gone, doubled or under another name."""
    made = json.loads(json.dumps(value))
    bad: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        ways = places(made)
        # as many at the top as below: a list of a thousand numbers is one kind of place
        depth = rng.choice(sorted({len(way) for way in ways}))
        way = rng.choice([way for way in ways if len(way) == depth])
        if not way:
            return values.json_text(rng)
        parent = made
        for key in way[:-1]:
            parent = parent[key]
        _change(parent, way[-1], rng, bad)
    text = json.dumps(made)
    return re.sub(f'"{_TOKEN}(\\d+)"', lambda found: bad[int(found[1])], text.replace("\\ue000", _TOKEN))


def _change(parent: Any, key: Any, rng: random.Random, bad: list[str]) -> None:
    kind = rng.random()
    if kind < 0.15:
        del parent[key]
    elif kind < 0.22 and isinstance(parent, dict):
        parent[rng.choice((f"{key}_", "", "x", "__class__", "schema"))] = parent.pop(key)
    elif kind < 0.27 and isinstance(parent, list):
        parent.append(parent[key])
    else:
        bad.append(values.json_text(rng))
        parent[key] = f"{_TOKEN}{len(bad) - 1}"


def damaged_toml(data: str, rng: random.Random) -> bytes:
    """TOML with the value behind one `=` changed, or a line gone, doubled or new."""
    lines = data.splitlines()
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        key, sign, _ = lines[at].partition("=")
        kind = rng.random()
        if kind < 0.75 and sign:
            lines[at] = f"{key}= {_toml_value(rng)}"
        elif kind < 0.85:
            lines[at] = (
                lines[at] + "\n" + rng.choice(('x = "y"', "[slurm]", "[[run]]", 'a."b\\u001b" = 1', "schema = 2"))
            )
        else:
            lines[at] = ""
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def _toml_value(rng: random.Random) -> str:
    deep = rng.choice((50, 900, 20_000))
    return rng.choice(
        (
            '""', '"x"', '"\\u001b[31m"', '"two\\nlines"', f'"{"x" * values.LONG}"', "true", "0", "-1", "1", "0.5",
            "nan",
            "inf", "-inf", "1e300", "1e999", "9" * 30, "9" * 400, "9" * 6000, "0x" + "f" * 6000, "[]", "[[]]", "[1]",
            '["x", 1]', "{}", "{ x = 1 }", "1979-05-27", "07:32:00", "[" * deep + "]" * deep,
            "{a=" * deep + "1" + "}" * deep, "9223372036854775808", '"a\\u0000b"',
        )
    )  # fmt: skip


def put_in_place(path: Path, kind: str) -> None:
    """Puts what is no such file where `path` was: one of IN_PLACE."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "looped":
        path.symlink_to(path.name)
    elif kind == "fifo":
        os.mkfifo(path)
