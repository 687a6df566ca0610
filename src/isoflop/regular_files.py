"""Opening what others may have put there: regular files only, and through no link.

A study may come from somebody else, or lie where others write. A link in it would have isoflop write into a file
outside of it, and a pipe or device would have it wait for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from isoflop.errors import InputError

_LINK_ERRORS = {errno.ELOOP, errno.EMLINK}
"""What opening a link with O_NOFOLLOW says: Linux and macOS ELOOP, FreeBSD EMLINK (open(2))."""


def link_refused(path: Path) -> InputError:
    """The error about a link in the place of a file or folder of ours."""
    target = ""
    with suppress(OSError):
        target = f" to {os.readlink(path)}"
    return InputError(
        f"{path}: is a link{target}, and isoflop follows none here; put the file or folder itself in its place (a "
        "whole study may lie elsewhere and be linked to)"
    )


def not_regular(path: Path) -> InputError:
    """The error about a pipe, device or socket in the place of a file of ours."""
    return InputError(f"{path}: expected a file, and this is a pipe, device or socket; move it away")


def open_regular(path: Path, flags: int, mode: int = 0o666) -> int:
    """A descriptor of the regular file `path`, as os.open gives it; made with `mode` where `flags` say so.

    Raises InputError for a link, pipe, device or socket, and OSError as os.open does.
    """
    try:
        # without waiting: a pipe nobody writes to would hold the open for ever
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, mode)
    except OSError as error:
        if error.errno in _LINK_ERRORS:
            raise link_refused(path) from error
        if error.errno == errno.ENXIO:
            raise not_regular(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise not_regular(path)
    return descriptor


def open_to_append(path: Path) -> BinaryIO:
    """The regular file `path`, made where it is not there, open at its end for reading and writing.

    Raises as `open_regular` does.
    """
    return open(open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+")


def read_regular(path: Path) -> bytes:
    """The bytes of the regular file `path`. Raises as `open_regular` does."""
    with open(open_regular(path, os.O_RDONLY), "rb") as file:
        return file.read()


def read_through_links(path: Path) -> bytes:
    """The bytes of a regular file that a person named: links are followed.

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


def make_folder(path: Path) -> None:
    """Makes the folder `path` and those above it, where they are not there.

    Raises InputError where a link stands in its place, and OSError as os.mkdir does.
    """
    path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise link_refused(path)


def refuse_links(folder: Path, *, deep: bool = True) -> None:
    """Raises InputError for a link in `folder`, at any depth where it is `deep`. `folder` itself may be one."""
    for link in _links(folder, deep):
        raise link_refused(link)


def refuse_links_out(folder: Path, root: Path) -> None:
    """Raises InputError for a link in `folder`, at any depth, that leads out of the folder `root`."""
    inside = root.resolve()
    for link in _links(folder, deep=True):
        if not link.resolve().is_relative_to(inside):
            raise link_refused(link)


def _links(folder: Path, deep: bool) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        # what vanishes meanwhile is another process's: half-written files and old checkpoints
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink():
                    yield Path(entry.path)
                elif deep and entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
