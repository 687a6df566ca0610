"""JSON and TOML that anybody may have written: of a sane depth, with numbers that a float holds."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from isoflop.errors import quoted

if TYPE_CHECKING:
    from isoflop.codec import Json

T = TypeVar("T")

MOST_DEPTH = 64
"""Lists and objects inside each other: the deepest file that isoflop writes has nine."""
_MOST_DIGITS = 300
_LARGEST = 10**_MOST_DIGITS
# What may be a number that no float holds: an exponent of three digits, or very many digits. Where neither is found,
# JSON is read at the speed of C. A run of _MOST_DIGITS digits is thirty digits in a row of every _PITCH-th byte, which
# numbers of usual length never are.
_LARGE_EXPONENT = re.compile(rb"[eE]\+?\d{3}")
_PITCH = 10
_DIGITS_IN_SAMPLE = re.compile(rb"\d{%d}" % (_MOST_DIGITS // _PITCH))
# The digits of a hash match too, but a number stands behind a sign of JSON. Slower: applied where the first ones match,
# and one by one, since a search for either of two takes three times as long as both.
_NUMBER_WITH_EXPONENT = re.compile(rb"(?:^|[\s,:\[-])\d[\d.]*[eE]\+?\d{3}")
_MANY_DIGITS = re.compile(rb"\d{%d}" % _MOST_DIGITS)
_TOO_DEEP = f"nested more than {MOST_DEPTH} deep"


def json_value(data: str | bytes, *, finite: bool = True) -> Json:
    """The value that JSON writes. Raises ValueError where it is none, is nested more than MOST_DEPTH deep, or holds a
    number that no float does (NaN and infinity among them): nothing that isoflop writes is so.

    Not `finite`: as other programs write tables. NaN and infinities are let through, and a number that no float holds
    is an infinite one.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    value: Json
    odd = _may_hold_odd_number(data)
    try:
        if not odd:
            value = json.loads(data)
        elif finite:
            value = json.loads(data, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        else:
            value = json.loads(data, parse_int=_any_whole)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    # most files have too few brackets to be deep, and ten thousand of them are not walked through
    return value if data.count(b"[") + data.count(b"{") <= MOST_DEPTH else checked_depth(value, any_whole=odd)


def json_lines(content: bytes) -> tuple[list[dict[str, Json]], int]:
    """(the objects of JSON Lines, how many lines are none); a killed writer leaves a torn last line, which is one.

    >>> json_lines(b'{"step": 1}\\n\\n{"step": ')
    ([{'step': 1}], 1)
    """
    lines: list[dict[str, Json]] = []
    skipped = 0
    for text in content.split(b"\n"):
        if not text.strip():
            continue
        try:
            value = json_value(text)
        except ValueError:
            value = None
        if isinstance(value, dict):
            lines.append(value)
        else:
            skipped += 1
    return lines, skipped


def _may_hold_odd_number(data: bytes) -> bool:
    """False only where no number in `data` can be NaN, infinite or beyond a float."""
    if b"NaN" in data or b"Infinity" in data:
        return True
    if _LARGE_EXPONENT.search(data) and _NUMBER_WITH_EXPONENT.search(data):
        return True
    return bool(_DIGITS_IN_SAMPLE.search(data[::_PITCH]) and _MANY_DIGITS.search(data))


def toml_value(data: bytes) -> dict[str, object]:
    """The table that TOML writes. Raises ValueError as `json_value` does."""
    text = data.decode("utf-8")
    if any(line.partition("=")[0].count(".") > MOST_DEPTH for line in text.splitlines()):
        raise ValueError(_TOO_DEEP)  # the parser's time grows with the square of a key's parts
    try:
        value = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if odd := _not_finite(checked_depth(value)):
        raise ValueError(odd)
    return value


def without_null(value: Mapping[str, object]) -> dict[str, object]:
    """`value` as TOML holds it, which has no null: without what is None, at any depth of its tables."""
    present = {name: part for name, part in value.items() if part is not None}
    return {name: without_null(part) if isinstance(part, Mapping) else part for name, part in present.items()}


def _not_finite(value: object, name: str = "") -> str:
    """What is wrong with the first number in a value that is not finite, with its keys; empty where all are."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name}: expected a number that is finite, got {value}"
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return next(filter(None, (_not_finite(part, f"{name}.{key}" if name else f"{key}") for key, part in parts)), "")


def checked_depth(value: T, *, any_whole: bool = True) -> T:
    """`value`. Raises ValueError where its lists and objects are nested more than MOST_DEPTH deep, and for whole
    numbers that no float holds; not `any_whole`: it is known to have none of these.
    """
    parts: list[object] = [value]
    for _ in range(MOST_DEPTH):
        kinds = set(map(type, parts))
        if any_whole and int in kinds and any(type(part) is int and not -_LARGEST < part < _LARGEST for part in parts):
            raise ValueError(f"holds a whole number of more than {_MOST_DIGITS} digits")
        if not any(issubclass(kind, dict | list) for kind in kinds):
            return value
        within = [part.values() if isinstance(part, dict) else part for part in parts if isinstance(part, dict | list)]
        parts = [part for inner in within for part in inner]
    raise ValueError(_TOO_DEEP)


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"holds a whole number of {len(text):,} digits")
    return int(text)


def _any_whole(text: str) -> int | float:
    return int(text) if len(text) <= _MOST_DIGITS else math.copysign(math.inf, -1 if text.startswith("-") else 1)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"holds {quoted(text)}, which is no finite number")
    return value
