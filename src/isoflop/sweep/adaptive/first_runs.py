"""The small spread of cheap runs that an adaptive sweep starts with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from isoflop.sweep.adaptive.candidate import Candidate
from isoflop.sweep.adaptive.limits import Limits

BUDGETS, RATIOS = 3, (0.4, 1.0, 2.5)
"""Three budgets with a size below, at and above the first guess: a guess that is wrong by a factor of two still has
sizes on both sides (bench/recipe), and nine rows are two more than the largest form has constants."""


def first_runs(
    candidates: Sequence[Candidate], guess: Callable[[float], float], *, span: tuple[float, float], limits: Limits
) -> tuple[Candidate, ...]:
    """The candidates nearest to BUDGETS x RATIOS cells: budgets geometric over `span` FLOPs, sizes about `guess`.

    `guess` is N of a first guess at some FLOPs, in the convention of the candidates. Cheapest first, none twice; fewer
    where there are fewer candidates of kind "new" within the limits.
    """
    low, high = limits.tokens_per_param
    free = [
        c
        for c in candidates
        if c.kind == "new" and c.law_flops <= limits.largest_run and low <= c.tokens / c.params <= high
    ]
    chosen: list[Candidate] = []
    spent = 0.0
    for flops in np.geomspace(*span, BUDGETS):
        for ratio in RATIOS:
            cell = np.log([guess(float(flops)) * ratio, flops])
            free = [c for c in free if c not in chosen and spent + c.flops <= limits.flops]
            if not free:
                return tuple(chosen)
            places = np.log([[c.params, c.law_flops] for c in free])
            nearest = free[int(np.argmin(((places - cell) ** 2).sum(axis=1)))]
            chosen.append(nearest)
            spent += nearest.flops
    return tuple(sorted(chosen, key=lambda c: (c.flops, c.key)))
