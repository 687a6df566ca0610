"""The resamples that lie beside a fit: packed, and their digest."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

DRAWS_DIGEST = "draws_sha256"
"""Key of a fit's file under which the digest of the arrays beside it stands."""


def packed_draws(arrays: Mapping[str, Any]) -> bytes:
    """The bytes of a .npz file of `arrays`."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def digest_of_draws(arrays: Mapping[str, Any]) -> str:
    """SHA-256 of names, types, shapes and numbers; not of a file, whose packing depends on the library."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()
