"""A folder that appears whole or not at all: built next to its place under another name, then moved."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from isoflop.errors import InputError
from isoflop.files import storing, sync
from isoflop.regular_files import link_refused, make_folder


def _locked(path: Path) -> int:
    """A descriptor of the folder `path`, created if missing and locked by this process; InputError if it is locked."""
    while True:
        make_folder(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The previous holder may have moved the folder into its place since it was opened: then it is another one.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.lstat()):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            raise InputError(f"{path}: another process is building this corpus; wait for it to end") from error
        os.close(descriptor)


def _empty(folder: int) -> None:
    """Removes the content of the folder with this descriptor, whatever its name may refer to by now."""
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.name, dir_fd=folder)
            else:
                os.unlink(entry.name, dir_fd=folder)


@contextmanager
def built_whole(directory: Path, marker: str) -> Generator[Path]:
    """An empty folder next to `directory` to build in; moved to `directory` when the block ends without an error.

    What a killed build left is cleared first. An older `directory` is replaced if it holds the file `marker` or
    nothing; with other things in it, InputError. So is a full or read-only disk, another process at work here, or a
    link in the place of one of these folders.
    """
    with storing(directory):
        if directory.exists() and not (directory / marker).exists() and any(directory.iterdir()):
            raise InputError(f"{directory}: holds other files and no {marker}; choose an empty or a new folder")
        building = directory.with_name(f".{directory.name}.building")
        replaced = directory.with_name(f".{directory.name}.replaced")
        for folder in (directory, replaced):
            if folder.is_symlink():
                raise link_refused(folder)
        lock = _locked(building)
        try:
            _empty(lock)
            try:
                yield building
            except BaseException:
                shutil.rmtree(building, ignore_errors=True)
                raise
            sync(building)
            if replaced.exists():
                shutil.rmtree(replaced)
            if directory.exists():
                directory.rename(replaced)
            building.rename(directory)
            sync(directory.parent)
            shutil.rmtree(replaced, ignore_errors=True)
        finally:
            os.close(lock)
