"""Locks that the system releases when their holder dies, however it dies (flock).

A holder writes its name into the file and removes it when it ends by itself. A name in a file that nobody holds is that
of a holder that died; or, where a shared disk keeps the locks of its machines apart, of one at work elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from isoflop.errors import InputError, IsoflopError
from isoflop.files import storing
from isoflop.regular_files import open_regular, read_regular

SHARED_DISK_SECONDS = 30.0
"""How late a file of another machine may appear: NFS keeps what it knows of a folder for up to 30 s (acdirmin)."""
LOCK_TIMEOUT_SECONDS = 0.3
"""How long a start waits for the lock: `is_locked` takes it for microseconds, which must not look like a trainer."""


_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}
"""What flock says on Lustre with -o noflock, on NFS without its lock service, and on disks that have none."""


class LockedError(IsoflopError):
    """Another live process works on it. A trainer that meets this exits with 3 and leaves the folder alone."""

    exit_code = 3


@contextmanager
def held(lock_file: Path, what: str) -> Generator[None]:
    """Holds an exclusive flock on `lock_file`. Raises LockedError, naming `what` and the holder, when it is held.

    Raises InputError where the disk takes no locks, and for a link in the place of the file.
    """
    with storing(lock_file):
        descriptor = open_regular(lock_file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    who = holder(lock_file) or "another process"
                    raise LockedError(f"{what}: {who} is working on it; wait for it or stop it first") from error
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                raise InputError(
                    f"{lock_file}: this disk takes no locks; use a folder on another, or have it mounted with them "
                    "(Lustre: -o flock)"
                ) from error
            time.sleep(0.02)
        with storing(lock_file):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)  # releases the lock


def is_held(lock_file: Path) -> bool:
    """Whether a live process holds `lock_file`."""
    try:
        descriptor = open_regular(lock_file, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(lock_file: Path) -> str:
    """Who took `lock_file` last and has not recorded its end, as `process 7 on HOST`; empty when nobody."""
    try:
        return read_regular(lock_file).decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def unseen_holder(lock_file: Path) -> str:
    """Who took `lock_file` on another machine, never recorded its end, and is not seen to hold it from here.

    It died, or this disk keeps the locks of its machines apart: the file alone cannot tell. Empty when there is no such
    holder; one of this machine that is not seen to hold its lock has ended.
    """
    if is_held(lock_file):  # before the name is read: a holder removes it before it releases the lock
        return ""
    name = holder(lock_file)
    return "" if name.endswith(f" on {socket.gethostname()}") else name
