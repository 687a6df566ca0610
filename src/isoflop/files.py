"""Files written whole or not at all, and what a person is told when the disk does not take them; files read that
anybody may have written: JSON and TOML of a sane depth, with numbers that a float holds.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import stat
import tomllib
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from isoflop.errors import InputError, quoted
from isoflop.units import format_bytes

TEMPORARY_SUFFIX = ".tmp"
"""Ends the name of every half-written file; what a killed process left behind may be deleted by this name."""

MOST_DEPTH = 64
"""Lists and objects inside each other: the deepest file that isoflop writes has nine."""
_MOST_DIGITS = 300
_LARGEST = 10**_MOST_DIGITS
# What may be a number that no float holds; where there is none, JSON is read at the speed of C.
_ODD_NUMBER = re.compile(rb"NaN|Infinity|\d[eE]\+?\d{3}|\d{%d}" % _MOST_DIGITS)
_TOO_DEEP = f"nested more than {MOST_DEPTH} deep"

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


@contextmanager
def storing(path: Path, needed: int = 0) -> Generator[None]:
    """Turns a full, read-only or forbidden disk, met while writing `needed` bytes to `path`, into an InputError.

    Other operating system errors pass through: they are faults, not a person's input.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            what = f"disk full while writing {path}: free {_wanted(path, needed)} and run the same command again"
        elif error.errno == errno.EFBIG:
            what = f"{path}: larger than this process may write (ulimit -f); raise the limit and run the command again"
        elif error.errno == errno.EROFS:
            what = f"{path}: the disk is mounted read-only; use a folder that can be written, or mount it for writing"
        elif error.errno in _FORBIDDEN:
            what = f"{path}: no permission to write here; use another folder or change the owner or mode of this one"
        elif error.errno == errno.ENOENT:
            what = f"{path}: cannot be made here; expected a place in a folder that takes files"
        elif error.errno == errno.ENAMETOOLONG:
            what = f"{path}: the name is longer than this disk takes, with the temporary name beside it; shorten it"
        elif error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            what = f"{path}: expected a place for a file, but {os.strerror(error.errno).lower()}; move it away"
        else:
            raise
        raise InputError(what) from error


def _wanted(path: Path, needed: int) -> str:
    # At least a MiB: the file system needs room for its own records besides the bytes of the file.
    wanted = max(needed, 2**20)
    with suppress(OSError):
        free = shutil.disk_usage(path.parent).free
        return f"at least {format_bytes(wanted)} there (free now: {format_bytes(free)})"
    return f"at least {format_bytes(wanted)} there"


def write_bytes_atomically(path: Path, data: bytes | bytearray | memoryview, *, durable: bool = True) -> None:
    """Replaces `path` by `data`: a reader, or a crash at any moment, sees the old file or the new one, both whole.

    With `durable` the bytes are on the disk before the name is (fsync), so that a power cut cannot undo or empty them.
    Raises InputError when the disk is full, read-only or forbidden; the old file is untouched then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    with storing(path, len(data)):
        try:
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        if durable:
            sync(path.parent)


def write_json_atomically(path: Path, value: Any, *, durable: bool = True) -> None:
    """Writes `value` as JSON with sorted keys, as `write_bytes_atomically` does. NaN and infinity are our mistakes."""
    text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n"
    write_bytes_atomically(path, text.encode(), durable=durable)


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file, through links.

    Raises OSError for anything else too: a named pipe would make a reader wait for ever, a device never end.
    """
    # O_NONBLOCK: to open a named pipe without a writer would wait for one
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"is {kind_of(mode)}, not a file", str(path))
    with open(descriptor, "rb") as file:
        return file.read()


def kind_of(mode: int) -> str:
    """What a `st_mode` says that something is, in words."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFREG: "a file"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def json_value(data: str | bytes, *, finite: bool = True) -> Any:
    """The value that JSON writes. Raises ValueError where it is none, is nested more than MOST_DEPTH deep, or holds a
    number that no float does (NaN and infinity among them): nothing that isoflop writes is so.

    Not `finite`: as other programs write tables. NaN and infinities are let through, and a number that no float holds
    is an infinite one.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    try:
        if not _ODD_NUMBER.search(data):
            value = json.loads(data)
        elif finite:
            value = json.loads(data, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        else:
            value = json.loads(data, parse_int=_any_whole)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    # most files have too few brackets to be deep, and ten thousand of them are not walked through
    return value if data.count(b"[") + data.count(b"{") <= MOST_DEPTH else checked_depth(value)


def toml_value(data: bytes) -> dict[str, Any]:
    """The table that TOML writes. Raises ValueError as `json_value` does."""
    text = data.decode("utf-8")
    if any(line.partition("=")[0].count(".") > MOST_DEPTH for line in text.splitlines()):
        raise ValueError(_TOO_DEEP)  # the parser's time grows with the square of a key's parts
    try:
        value = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    checked: dict[str, Any] = checked_depth(value)
    if odd := _not_finite(checked):
        raise ValueError(odd)
    return checked


def _not_finite(value: Any, name: str = "") -> str:
    """What is wrong with the first number in a value that is not finite, with its keys; empty where all are."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name}: expected a number that is finite, got {value}"
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return next(filter(None, (_not_finite(part, f"{name}.{key}" if name else f"{key}") for key, part in parts)), "")


def checked_depth(value: Any) -> Any:
    """`value`. Raises ValueError where its lists and objects are nested more than MOST_DEPTH deep, and for whole
    numbers that no float holds.
    """
    parts = [value]
    for _ in range(MOST_DEPTH):
        if any(type(part) is int and not -_LARGEST < part < _LARGEST for part in parts):
            raise ValueError(f"holds a whole number of more than {_MOST_DIGITS} digits")
        within = [part.values() if type(part) is dict else part for part in parts if type(part) in (dict, list)]
        if not within:
            return value
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


def read_json(path: Path) -> Any:
    """The JSON value in `path`. Raises InputError naming the file when it is missing, unreadable or not JSON."""
    try:
        return json_value(read_regular(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); restore it, or delete it to have it made anew") from error


def read_shaped(path: Path, shape: Any) -> Any:
    """The JSON value in `path`, as it is written there, where it has the types of `shape`: a TypedDict, or any other
    type that pydantic knows.

    Raises InputError that names the file and lists what is of another type or missing, at any depth.
    """
    value = read_json(path)
    check_shape(value, shape, str(path))
    return value


def check_shape(value: Any, shape: Any, what: str) -> None:
    """Raises InputError that lists, as problems of `what`, where `value` has not the types of `shape`."""
    from pydantic import ValidationError  # a tenth of a second that most verbs do without

    try:
        _checker(shape).validate_python(value, strict=True)
    except ValidationError as error:
        # a union tells what each of its kinds would have wanted: the first of a place is enough
        told = {".".join(map(str, item["loc"])) or "it": item["msg"] for item in reversed(error.errors())}
        lines = [f"{place}: {message}" for place, message in sorted(told.items())]
        raise InputError.gathered(
            f"{what}: not as isoflop writes it; restore it, or delete it to have it made anew", lines
        ) from error


@cache
def _checker(shape: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


@contextmanager
def decoding(path: Path) -> Generator[None]:
    """Turns what making values of the JSON in `path` stumbles over into an InputError that names the file.

    For files whose shape was checked: what is left are numbers and names that cannot be what they stand for.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise InputError(
            f"{path}: not as isoflop writes it ({type(error).__name__}: {error}); restore it, or delete it to have it "
            "made anew"
        ) from error


def sync(path: Path) -> None:
    """Makes what was written to `path`, in a folder the names just made there, survive a power cut where that can be.

    Nothing when it is not there.
    """
    with suppress(OSError):  # some network file systems refuse fsync on a directory; nothing better exists there
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
