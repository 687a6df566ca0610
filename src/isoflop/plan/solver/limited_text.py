"""The best use of a budget on limited text, which is read forty times at the most."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.laws import ComputeCost, RepeatedLaw
from isoflop.laws.bisection import bracket

# Where reading ends before the budget, a larger model that lowers the loss by less than this share is not worth its
# compute: two runs that differ in their seed alone lie further apart.
_WORTH_A_LARGER_MODEL = 1e-3
_SMALLER_BY = 60.0  # of ln N: further below the largest affordable model than any size lies


def best_of_text(surface: RepeatedLaw, flops: ArrayLike, cost: ComputeCost, most_tokens: float) -> tuple[Array, Array]:
    """(N, D): the law's optimum where the text fits into one epoch, else the trade of epochs against parameters.

    Reading ends with `most_tokens`, even where the budget does not: there it is the smallest model whose loss is within
    a thousandth of that of the largest which the budget trains on them.
    """
    N, D = surface.optimum(flops, cost)
    ends = most_tokens < D
    if not np.any(ends):
        return N, D
    # Bisection in ln N for the smallest model within a thousandth of the loss of the largest affordable one.
    largest = np.log(cost.size_at_cost(np.asarray(flops, dtype=np.float64) / most_tokens))
    enough = surface.loss(np.exp(largest), most_tokens) * (1 + _WORTH_A_LARGER_MODEL)
    low, high = np.broadcast_arrays(largest - _SMALLER_BY, largest, enough)[:2]
    # the loss only falls with size; the tolerance is below rounding
    _, smallest = bracket(lambda x: surface.loss(np.exp(x), most_tokens) > enough, low, high, tolerance=1e-16)
    return np.where(ends, np.exp(smallest), N), np.minimum(D, most_tokens)
