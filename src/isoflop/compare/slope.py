"""Where the baseline's slope comes from: the runs themselves, or what is stated."""

from __future__ import annotations

import numpy as np

from isoflop.compare.conversion import Conversion
from isoflop.compare.distributions import student_grid
from isoflop.compare.options import CompareOptions, StatedSlope


def conversion_for(cells: int, options: CompareOptions) -> Conversion | None:
    """The conversion of gaps to the axis; None where nothing tells the slope."""
    return None if options.slope is None else stated(options.slope, cells, options.draws)


def stated(slope: StatedSlope, cells: int, draws: int) -> Conversion:
    """A stated slope, the same in all cells, with its stated error."""
    normal = np.random.default_rng(0).permutation(student_grid(draws, np.inf))
    # A slope that the error would turn around is held at a tenth of its value: its sign is what was stated.
    drawn = np.maximum(slope.per_log + slope.sd * normal, 0.1 * slope.per_log)
    return Conversion(
        floor=np.zeros(cells),
        exponent=np.full(cells, slope.per_log),
        floors=np.zeros((draws, cells)),
        exponents=np.repeat(drawn[:, None], cells, axis=1),
        source=f"a slope of {slope.per_log:.4g} per e-fold ({slope.source})",
    )
