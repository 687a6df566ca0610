"""The least value of a function of one variable, for many of them at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array


def minimise(function: Callable[[Array], Array], low: ArrayLike, high: ArrayLike) -> Array:
    """Where `function` is least between `low` and `high`, elementwise: a grid, then golden sections around its best.

    >>> bool(abs(minimise(lambda x: (x - 0.3) ** 2, -4.0, 5.0) - 0.3) < 1e-7)
    True
    """
    a, b = np.broadcast_arrays(np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64))
    # A grid first: golden sections alone end in a local minimum of a function that is not unimodal.
    steps = np.linspace(0.0, 1.0, 65).reshape(-1, *(1 for _ in a.shape))
    grid = a + steps * (b - a)
    best = np.argmin(function(grid), axis=0)
    a, b = (np.take_along_axis(grid, np.clip(best + side, 0, len(grid) - 1)[None, ...], axis=0)[0] for side in (-1, 1))
    ratio = (np.sqrt(5.0) - 1) / 2
    for _ in range(60):  # the bracket shrinks by ratio^60 = 3e-13
        left, right = b - ratio * (b - a), a + ratio * (b - a)
        keep_left = function(left) < function(right)
        a, b = np.where(keep_left, a, left), np.where(keep_left, right, b)
    return np.asarray((a + b) / 2)
