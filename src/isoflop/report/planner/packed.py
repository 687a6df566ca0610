"""Arrays inside JSON: their bytes in base64, exact to the last bit and half as long as decimal digits."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from isoflop.codec import Json, JsonObject

Kind = Literal["float64", "float32", "uint16"]


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A flat array of numbers."""

    kind: Kind
    base64: str
    """Little-endian numbers of this kind."""

    @classmethod
    def of(cls, values: ArrayLike, kind: Kind = "float64") -> Packed:
        """Returns `values` packed, flattened row by row.

        >>> Packed.of([1, 2], "uint16")
        Packed(kind='uint16', base64='AQACAA==')
        """
        little = np.asarray(values).astype(_little(kind))
        return cls(kind=kind, base64=base64.b64encode(little.tobytes()).decode("ascii"))


STEPS = 65_535
"""Between the least and the largest of numbers that `rounded` packs."""


def rounded(packed: Mapping[str, Json]) -> JsonObject:
    """Returns a packed array as JSON in a quarter of its bytes: whole steps from its least number to its largest.

    An array of whole numbers, of one value, or with a number that is not finite stays as it is.

    >>> sorted(rounded({"kind": "float64", "base64": Packed.of([0.0, 0.5, 1.0]).base64}))
    ['base64', 'high', 'kind', 'low']
    """
    kind = str(packed["kind"])
    if kind == "uint16":
        return dict(packed)
    values = np.frombuffer(base64.b64decode(str(packed["base64"])), dtype=_little(kind)).astype(np.float64)
    low, high = float(np.min(values)), float(np.max(values))
    if not np.isfinite(high - low) or high == low:
        return dict(packed)
    steps = Packed.of(np.rint((values - low) / (high - low) * STEPS), "uint16")
    return {"kind": steps.kind, "base64": steps.base64, "low": low, "high": high}


def _little(kind: str) -> np.dtype[np.generic]:
    return np.dtype(kind).newbyteorder("<")
