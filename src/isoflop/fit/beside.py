"""The file of draws that lies beside a fit, FIT.npz: whether one that is there may be replaced."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.errors import InputError
from isoflop.files import is_replaceable, read_json, write_bytes_atomically

_NAMES = ("parametric", "isoflop", "envelope")
"""Of the draws of the approaches; those of forms begin with `forecast_`."""


def write_draws(file: Path, arrays: Mapping[str, Any]) -> None:
    """Writes `arrays` beside the fit `file`; nowhere where that is a terminal, a pipe or /dev/null.

    Raises InputError as `check_beside`, and when the disk does not take them.
    """
    check_beside(file)
    if is_replaceable(file):
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)
        write_bytes_atomically(file.with_suffix(".npz"), packed.getvalue())


def check_beside(file: Path) -> None:
    """Raises InputError where a fit written to `file` would replace arrays beside it that are no fit's."""
    beside = file.with_suffix(".npz")
    if not is_replaceable(file) or not beside.exists() or _is_fit(file) or _are_draws(beside):
        return
    raise InputError(
        f"{beside}: is there already, and is not of a fit; the draws of {file.name} would replace it. Move it away, or "
        "write the fit under another name"
    )


def _is_fit(file: Path) -> bool:
    try:
        value = read_json(file)
    except InputError:
        return False
    return isinstance(value, dict) and "schema" in value and "parametric" in value


def _are_draws(beside: Path) -> bool:
    """Whether all arrays have names that a fit gives them; also of a fit that has none."""
    try:
        with zipfile.ZipFile(beside) as arrays:
            names = [name.removesuffix(".npy") for name in arrays.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return all(name in _NAMES or name.startswith("forecast_") for name in names)
