"""What choosing the best of several variants adds to its gain."""

from __future__ import annotations

import math

import numpy as np

from isoflop.distributions import student_grid, student_shares

_POINTS = 4001


def expected_best(variants: int) -> float:
    """Mean of the largest of so many standard normal numbers: what noise alone gives the best of k equal variants.

    >>> round(expected_best(1), 6), round(expected_best(2), 3), round(expected_best(10), 3)
    (0.0, 0.564, 1.539)
    """
    grid = student_grid(_POINTS, math.inf)
    share = student_shares(grid, math.inf)
    # The density of the largest over that of one number is k F^(k-1); the grid's points are equally likely.
    return float(np.mean(grid * variants * share ** (variants - 1)))


def shrunk(log_multiplier: float, sd: float, variants: int) -> float:
    """ln m less what noise of `sd` adds to the best of so many variants, towards 0 and not past it."""
    left = max(0.0, abs(log_multiplier) - expected_best(variants) * sd)
    return math.copysign(left, log_multiplier)
