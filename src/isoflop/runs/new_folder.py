"""A run folder appears whole, with its spec.json, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from isoflop.files import TEMPORARY_SUFFIX, storing, sync, write_json_atomically
from isoflop.regular_files import link_refused, make_folder


def make_run_folder(path: Path, spec: Mapping[str, object]) -> None:
    """Makes the folder `path` with `spec` as its spec.json; an existing folder without a spec is given it.

    Raises InputError when the disk takes no folder, and for a link in its place.
    """
    parent = path.parent
    with storing(path):
        make_folder(parent)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX, dir=parent))
        try:
            temporary.chmod(0o755)  # mkdtemp makes it private
            write_json_atomically(temporary / "spec.json", spec)
            _rename_unless_filled(temporary, path)
            sync(parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _rename_unless_filled(temporary: Path, target: Path) -> None:
    try:
        os.rename(temporary, target)  # POSIX: replaces an empty folder, fails on one with files
    except OSError:
        if target.is_symlink():
            raise link_refused(target) from None
        if not target.is_dir():
            raise
        if not (target / "spec.json").exists():  # a folder with other files, such as a log: add the spec to them
            os.replace(temporary / "spec.json", target / "spec.json")
