"""The place on an interval where a condition turns from true to false, for many intervals at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array


def bracket(
    before: Callable[[Array], ArrayLike], low: ArrayLike, high: ArrayLike, *, tolerance: float, parts: int = 2
) -> tuple[Array, Array]:
    """(low, high) around the last place where `before` holds, elementwise, at most `tolerance` apart.

    `before` is taken to hold at `low` and not at `high`, and is not asked there: where it holds nowhere the first part
    of the interval comes back, where it holds everywhere the last. A tolerance below the spacing of floats ends with
    two neighbouring ones, so that either end errs by no more than the larger of the two.

    With `parts` above 2 the interval is one of numbers: `before` is asked at all inner places of a grid of so many
    parts at once, which pays where an array of places costs what one does.

    >>> low, high = bracket(lambda x: x * x < [2.0, 9.0], [0.0, 0.0], [4.0, 4.0], tolerance=1e-9)
    >>> [round(float(x), 8) for x in high]
    [1.41421356, 3.0]
    """
    left, right = np.broadcast_arrays(np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64))
    width = float(np.max(right - left, initial=0.0))
    for _ in range(math.ceil(math.log(max(width / tolerance, 1.0), parts))):
        if parts == 2:
            middle = np.asarray(0.5 * (left + right))
            holds = np.asarray(before(middle), dtype=bool)
            left, right = np.where(holds, middle, left), np.where(holds, right, middle)
        else:
            grid = np.linspace(left, right, parts + 1)
            inner = np.asarray(before(grid[1:-1]), dtype=bool)
            first = parts - 1 if inner.all() else int(np.argmin(inner))
            left, right = grid[first], grid[first + 1]
    return left, right


def bisect(before: Callable[[Array], ArrayLike], low: ArrayLike, high: ArrayLike, *, tolerance: float) -> Array:
    """The middle of the `bracket` of `before`, which is half of `tolerance` from the place sought at the most."""
    left, right = bracket(before, low, high, tolerance=tolerance)
    return np.asarray(0.5 * (left + right))
