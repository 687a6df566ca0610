"""Whether a few rows at the ends of the design decide the exponents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice
from isoflop.fit.parametric.newton import minimise
from isoflop.fit.parametric.objective import Problem
from isoflop.observations import Observations
from isoflop.units import format_quantity

Array = NDArray[np.float64]

_SHARE = 0.02  # of the rows: five of the 245 of Hoffmann et al.'s Figure 4 move a by .04
_FEWEST_LEFT = 7


def few_rows_decide(
    problem: Problem, data: Observations, theta: Array, interval: tuple[float, float] | None
) -> list[Notice]:
    """A warning where the 2 % of rows with the fewest or most tokens per parameter decide a = beta / (alpha + beta).

    Decide: without them the fit's a differs by more than a quarter of the width of its interval.
    """
    count = max(1, round(_SHARE * len(data)))
    if interval is None or len(data) - count < _FEWEST_LEFT:
        return []
    ratio = data.D / data.N
    order = np.argsort(ratio)
    weights = np.ones((2, len(data)))
    weights[0, order[:count]] = 0
    weights[1, order[-count:]] = 0
    ends = minimise(problem, np.stack([theta, theta]), weights)
    without = ends.theta[:, 4] / (ends.theta[:, 3] + ends.theta[:, 4])
    whole = float(theta[4] / (theta[3] + theta[4]))
    edges = ratio[order[count - 1]], ratio[order[-count]]
    return [
        Notice(
            code="few_rows_decide",
            message=f"without the {count} rows with the {name} tokens per parameter ({format_quantity(float(edge))} at "
            f"the edge) beta / (alpha + beta) = {value:.3f} instead of {whole:.3f}",
        )
        for name, value, edge in zip(("fewest", "most"), without, edges, strict=True)
        if abs(value - whole) > (interval[1] - interval[0]) / 4
    ]
