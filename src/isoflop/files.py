"""Files written whole or not at all, and the messages about disks that do not take them."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from isoflop.errors import InputError
from isoflop.json_values import json_value
from isoflop.regular_files import link_refused, not_regular, read_through_links
from isoflop.units import format_bytes

if TYPE_CHECKING:
    from isoflop.codec import Json

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
            what = f"{path}: cannot be created; expected a place in a folder that takes files"
        elif error.errno == errno.ENAMETOOLONG:
            what = f"{path}: the name is longer than this disk takes for a temporary file with that name; shorten it"
        elif error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            what = f"{path}: expected a free place, but {os.strerror(error.errno).lower()}; move it away"
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


@contextmanager
def temporary_beside(path: Path) -> Generator[tuple[Path, BinaryIO]]:
    """(its path, a new file next to `path` open for writing), removed in the end unless it was renamed.

    Its name is drawn at random, and creating it fails where the name exists (O_EXCL): nobody can have put a link there.
    """
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
    try:
        with open(descriptor, "wb") as file:
            yield temporary, file
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes_atomically(path: Path, data: bytes | bytearray | memoryview, *, durable: bool = True) -> None:
    """Replaces `path` by `data`: a reader, or a crash at any moment, sees the old file or the new one, both whole.

    With `durable` the bytes are on the disk before the name is (fsync), so that a power cut cannot undo or empty them.
    A terminal, pipe or /dev/null is written to, never replaced.
    Raises InputError when the disk is full, read-only or forbidden, and where a link, a disk's device or a socket is in
    its place; the old file is untouched then.
    """
    with storing(path, len(data)):
        if not is_replaceable(path):
            _write_into(path, data)
            return
        with temporary_beside(path) as (temporary, file):
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        if durable:
            sync(path.parent)


def create_whole(path: Path, data: bytes) -> bool:
    """Creates `path` whole, read-only, and only if it does not exist yet; returns whether it did.

    A hard link of a finished temporary file: exclusive like O_EXCL, and a crash leaves no half of a file.
    """
    with storing(path, len(data)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(path) as (temporary, file):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o444)
            try:
                os.link(temporary, path, follow_symlinks=False)
            except FileExistsError:
                return False
        sync(path.parent)
    return True


def is_replaceable(path: Path) -> bool:
    """Whether a file may take the place `path`: a regular file or nothing is there; False for what is written into.

    Raises InputError for what is neither: a link, but for the names of open files such as /dev/stdout, a disk's device,
    a socket.
    """
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True
    if kind == stat.S_IFLNK:
        if _own_descriptor(path) is None:
            raise link_refused(path)
        return False
    if kind in (stat.S_IFCHR, stat.S_IFIFO):
        return False
    if kind in (stat.S_IFREG, stat.S_IFDIR):  # writing reports a folder that is in the way
        return True
    raise not_regular(path)


def _own_descriptor(path: Path) -> int | None:
    """The descriptor of this process that `path` is the system's name of, such as 1 for /dev/stdout; else None."""
    named = {"/dev/stdout": 1, "/dev/stderr": 2}.get(str(path))
    if named is None and path.name.isdecimal() and os.path.realpath(path.parent) == f"/proc/{os.getpid()}/fd":
        named = int(path.name)
    return named


def _write_into(path: Path, data: bytes | bytearray | memoryview) -> None:
    own = _own_descriptor(path)
    try:
        if own is None:  # without waiting for a reader
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
            os.set_blocking(descriptor, True)
        else:  # opened again it would start at the beginning of what was written to it
            sys.stdout.flush()
            descriptor = os.dup(own)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.EPIPE):
            raise
        raise InputError(f"{path}: nobody reads from this pipe; start its reader first, or give a file") from error


def write_json_atomically(path: Path, value: object, *, durable: bool = True) -> None:
    """Writes `value` as JSON with sorted keys, as `write_bytes_atomically` does. NaN and infinity are our mistakes."""
    text = json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n"
    write_bytes_atomically(path, text.encode(), durable=durable)


def read_json(path: Path) -> Json:
    """The JSON value in `path`. Raises InputError naming the file when it is missing, unreadable or not JSON."""
    try:
        return json_value(read_through_links(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(
            f"{path}: not JSON ({error}); restore it from a backup, or delete it and it will be rebuilt"
        ) from error


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
            f"{path}: not as isoflop writes it ({type(error).__name__}: {error}); restore it from a backup, or "
            "delete it and it will be rebuilt"
        ) from error


def sync(path: Path) -> None:
    """Makes what was written to `path`, in a folder the names just created there, survive a power cut where possible.

    Nothing when it is not there.
    """
    with suppress(OSError):  # some network file systems refuse fsync on a directory; nothing better exists there
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
