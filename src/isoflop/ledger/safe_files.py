"""Files of folders that may be anybody's: regular ones of a sane size, and through no link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from isoflop.errors import InputError
from isoflop.regular_files import link_refused, not_regular
from isoflop.units import format_bytes

LARGEST_FILE = 2**24
"""Bytes of a file that is read whole: a fit of a large sweep has less than one of these sixteen MiB."""


def is_there(path: Path) -> bool:
    """Whether the regular file `path` is there, to be read whole.

    Raises InputError for a link, a pipe, a device and for more than LARGEST_FILE bytes, and where nobody may look.
    """
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    if stat.S_ISLNK(status.st_mode):
        raise link_refused(path)
    if not stat.S_ISREG(status.st_mode):
        raise not_regular(path)
    if status.st_size > LARGEST_FILE:
        raise InputError(f"{path}: {format_bytes(status.st_size)}, which no file of a forecast has; move it away")
    return True


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder, and no link to one. Raises InputError where nobody may look."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
