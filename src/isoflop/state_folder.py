"""The user's own folder for what must not lie in a study: $XDG_STATE_HOME/isoflop, or ~/.local/state/isoflop.

Only its owner may read or write it. What stands in it was put there by isoflop, run by this user.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from isoflop.errors import InputError
from isoflop.files import storing

RETENTION_DAYS = 90
"""How long a fresh folder stays after its last change: longer than a job waits in a queue."""


def state_home() -> Path:
    """Its path: absolute, and perhaps not created yet (XDG Base Directory Specification)."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    base = named if named.is_absolute() else Path(os.path.expanduser("~")) / ".local" / "state"
    return Path(os.path.abspath(base)) / "isoflop"


def private_folder(name: str) -> Path:
    """The folder `name` in it, created where it does not exist, and private to this user.

    Raises InputError where it cannot be created, or belongs to somebody else.
    """
    home = state_home()
    for folder in (home, home / name):
        with storing(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            status = os.lstat(folder)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise InputError(f"{folder}: expected a folder of your own; move it away, or set XDG_STATE_HOME to another")
        if stat.S_IMODE(status.st_mode) & 0o077:
            folder.chmod(0o700)
    return home / name


def fresh_folder(name: str) -> Path:
    """A new private folder with a random name in the folder `name`; old ones are removed.

    Raises InputError as `private_folder` does.
    """
    parent = private_folder(name)
    for old in parent.iterdir():
        with suppress(OSError):
            if time.time() - old.lstat().st_mtime > RETENTION_DAYS * 86400:
                shutil.rmtree(old)
    with storing(parent):
        return Path(tempfile.mkdtemp(dir=parent))
