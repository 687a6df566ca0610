"""The file of resamples next to that of a fit, FIT.npz for FIT.json: plain arrays, a row a resample."""

from __future__ import annotations

import hashlib
import io
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError
from isoflop.files import is_replaceable, read_json, write_bytes_atomically
from isoflop.fit.forms.table import FORMS
from isoflop.fit.result import CONSTANTS
from isoflop.regular_files import read_through_links

DRAWS_DIGEST = "draws_sha256"
"""Key in the file of a fit of the digest of its arrays."""

# What NumPy and zipfile raise for bytes that are no archive of arrays; MemoryError: for a header of huge arrays.
_BROKEN = (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError,
           SyntaxError, MemoryError, tokenize.TokenError)  # fmt: skip


def read_draws(path: Path, *, of: str, forms: Collection[str]) -> dict[str, Array]:
    """{name: (draws, constants)} of the resamples that `path` holds; none where there is no such file.

    Raises InputError where it cannot be read, where an array has not the columns of its law, and where resamples of
    one of the `forms` with which the fit forecasts are missing. `of` is the name of the fit's own file.
    """
    columns = {**CONSTANTS, **{f"forecast_{form.name}": form.constants for form in FORMS}}
    todo = f"it holds the resamples of {of}; keep both together, or fit again"
    try:
        with np.load(io.BytesIO(read_through_links(path)), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files if name in columns}
    except FileNotFoundError:
        found = {}
    except _BROKEN as error:
        raise InputError(f"{path}: broken ({error}): {todo}") from error
    for name, draws in found.items():
        if draws.dtype.kind != "f" or draws.ndim != 2 or draws.shape[1] != len(columns[name]) or not len(draws):
            raise InputError(f"{path}: {name}: expected {len(columns[name])} numbers a resample: {todo}")
        if not np.isfinite(draws).all():
            raise InputError(f"{path}: {name}: holds a number that is not finite: {todo}")
    if any(f"forecast_{form}" not in found for form in forms):
        raise InputError(f"{path}: missing or incomplete: {todo}")
    return found


def draws_file_of(file: Path) -> Path:
    """The file of resamples of the fit `file`: FIT.npz next to FIT.json, and FIT.csv.npz next to FIT.csv."""
    own = _own_draws_file(file)
    # fits of earlier versions name theirs after any file as after FIT.json
    before = file.with_suffix(".npz")
    return before if not own.exists() and before.exists() and _is_fit(file) else own


def _own_draws_file(file: Path) -> Path:
    return file.with_suffix(".npz") if file.suffix in (".json", "") else file.with_name(f"{file.name}.npz")


def write_draws(file: Path, arrays: Mapping[str, Array]) -> None:
    """Writes `arrays` next to the fit `file`; nowhere where that is a terminal, a pipe or /dev/null.

    Raises InputError as `check_beside`, and when the disk does not take them.
    """
    check_beside(file)
    if is_replaceable(file):
        write_bytes_atomically(_own_draws_file(file), packed_draws(arrays))


def check_beside(file: Path) -> None:
    """Raises InputError where a fit written to `file` would replace arrays next to it that are no fit's."""
    arrays_file = _own_draws_file(file)
    if not is_replaceable(file) or not arrays_file.exists() or _is_fit(file) or _are_draws(arrays_file):
        return
    raise InputError(
        f"{arrays_file}: is there already, and is not of a fit; the draws of {file.name} would replace it. Move it "
        "away, or write the fit under another name"
    )


def _is_fit(file: Path) -> bool:
    try:
        value = read_json(file)
    except InputError:
        return False
    return isinstance(value, dict) and "schema" in value and "parametric" in value


def _are_draws(arrays_file: Path) -> bool:
    """Whether all arrays have names that a fit gives them; also of a fit that has none."""
    try:
        with zipfile.ZipFile(arrays_file) as arrays:
            names = [name.removesuffix(".npy") for name in arrays.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return all(name in CONSTANTS or name.startswith("forecast_") for name in names)


def packed_draws(arrays: Mapping[str, Any]) -> bytes:
    """The bytes of a .npz file of `arrays`."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def digest_of_draws(arrays: Mapping[str, Array]) -> str:
    """SHA-256 of names, types, shapes and numbers; not of a file, whose packing depends on the library."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
