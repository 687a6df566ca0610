"""Files written whole or not at all, and what a person is told when the disk does not take them."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from isoflop.errors import InputError
from isoflop.units import format_bytes

TEMPORARY_SUFFIX = ".tmp"
"""Ends the name of every half-written file; what a killed process left behind may be deleted by this name."""

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


def read_json(path: Path) -> Any:
    """The JSON value in `path`. Raises InputError naming the file when it is missing, unreadable or not JSON."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); restore it, or delete it to have it made anew") from error


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
