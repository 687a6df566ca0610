"""Types of arrays, and the robust spread of an array's values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]

MAD_TO_SD = 1.4826
"""Standard deviation over the median absolute deviation of a normal distribution: 1 / Phi^-1(3/4)."""


def robust_sd(values: Array) -> float:
    """Returns the standard deviation of normal values, from their median absolute deviation about the median."""
    return MAD_TO_SD * float(np.median(np.abs(values - np.median(values))))
