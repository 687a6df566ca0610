"""The file of resamples beside that of a fit: plain arrays, one row a resample."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import InputError
from isoflop.files import read_regular
from isoflop.fit.forms import CONSTANTS as OF_FORMS
from isoflop.fit.result import CONSTANTS

Array = NDArray[np.float64]

# What NumPy and zipfile raise of bytes that are no archive of arrays; MemoryError: of a header that promises too much.
_BROKEN = (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError,
           SyntaxError, MemoryError)  # fmt: skip


def read_draws(path: Path, *, of: str, all_forms: bool) -> dict[str, Array]:
    """{name: (draws, constants)} of the resamples that `path` holds; none where there is no such file.

    Raises InputError where it cannot be read, where an array has not the columns of its law, and, for a fit that
    forecasts (`all_forms`), where resamples of a form are missing. `of` is the name of the fit's own file.
    """
    columns = {**CONSTANTS, **{f"forecast_{form}": names for form, names in OF_FORMS.items()}}
    todo = f"it holds the resamples of {of}; keep both together, or fit again"
    try:
        with np.load(io.BytesIO(read_regular(path)), allow_pickle=False) as arrays:
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
    if all_forms and any(name.startswith("forecast_") and name not in found for name in columns):
        raise InputError(f"{path}: missing or incomplete: {todo}")
    return found
