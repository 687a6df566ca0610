"""How the multiplier moves with compute: a line through the cells' ln m, and what it says at a planned run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.estimate import Estimate
from isoflop.distributions import f_upper, student_quantile

_LEAST_SPAN = math.log(1.5)
"""In ln C: cells closer than this are of one compute."""
_POOLED_ABOVE = 0.25
_MOST_PAIRS = 1000
"""Of runs, whose slopes the median is taken of."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """ln m = level + slope (ln C - centre)."""

    level: float
    slope: float
    centre: float
    """Mean of ln C."""
    level_variance: float
    """NaN where nothing tells it."""
    slope_variance: float
    """Of the scatter about the line and of the slope of the loss; NaN where nothing tells it."""
    degrees: float
    """Of freedom; 0 where nothing tells the error."""

    def slope_interval(self, level: float) -> tuple[float, float] | None:
        """Of d ln m / d ln C; None where nothing tells its error."""
        return self._about(self.slope, self.slope_variance, level)

    def at(self, log_compute: float) -> float:
        """ln m at a compute, by a slope shrunk towards none by as much as its error makes it too steep.

        1 - variance / slope^2 of the slope is kept (James and Stein 1961), and none of one within its own error: far
        from the cells a slope that is noise would be carried over decades.
        """
        kept = 1.0
        if self.degrees > 0 and self.slope:
            kept = max(0.0, 1 - self.slope_variance / self.slope**2)
        return self.level + kept * self.slope * (log_compute - self.centre)

    def interval_at(self, log_compute: float, level: float) -> tuple[float, float] | None:
        """Of ln m at a compute, with the whole slope and its error."""
        away = log_compute - self.centre
        return self._about(self.level + self.slope * away, self.level_variance + away**2 * self.slope_variance, level)

    def _about(self, value: float, variance: float, level: float) -> tuple[float, float] | None:
        if self.degrees <= 0:
            return None
        half = student_quantile((1 + level) / 2, self.degrees) * math.sqrt(variance)
        return value - half, value + half


def trend_line(found: Estimate, log_compute: Array) -> Line | None:
    """The line through the cells; None with cells of one compute.

    The scatter about the line and the noise within cells tell the error together where the noise explains the scatter,
    the scatter alone where it does not; two cells without repeats tell a slope and no error.
    """
    usable = np.isfinite(found.cells)
    y, x = found.cells[usable], log_compute[usable]
    if len(y) < 2 or np.ptp(x) < _LEAST_SPAN:
        return None
    noise = found.variances[usable]
    known = found.noise_degrees > 0 and bool(np.all(noise > 0))
    weights = 1 / noise if known else np.ones(len(y))
    weights = weights / weights.sum()
    centre = float(weights @ x)
    away = x - centre
    level, along = float(weights @ y), float(weights @ (away * y) / (weights @ away**2))
    residual = y - level - along * away
    left = len(y) - 2
    chi = float(np.sum(residual**2 / noise)) if known else float(np.sum(residual**2))
    unit = 1 / float(np.sum(1 / noise)) if known else 1 / len(y)
    if not known:
        scale, degrees = (chi / left, float(left)) if left else (math.nan, 0.0)
    elif not left or math.isinf(found.noise_degrees) or f_upper(chi / left, left, found.noise_degrees) > _POOLED_ABOVE:
        degrees = left + found.noise_degrees
        scale = 1.0 if math.isinf(degrees) else (found.noise_degrees + chi) / degrees
    else:
        scale, degrees = chi / left, float(left)
    drawn = found.drawn[:, usable]
    by_draw = (drawn * away) @ weights / (weights @ away**2)
    return Line(
        level=level,
        slope=along,
        centre=centre,
        level_variance=scale * unit + found.slope_sd**2,
        slope_variance=scale * unit / float(weights @ away**2) + float(by_draw.var()),
        degrees=degrees,
    )


def robust_line(values: Array, drawn: Array, log_compute: Array, degrees: float) -> Line | None:
    """The line of the median slope between runs (Theil and Sen), which a few runs out of reach do not move.

    `values` (runs,) is ln m with a large number where it is out of reach, `drawn` (draws, runs) its draws, which tell
    the errors. None with runs of one compute.
    """
    first, second = np.triu_indices(len(values), 1)
    apart = log_compute[second] - log_compute[first]
    far = np.flatnonzero(np.abs(apart) >= _LEAST_SPAN)
    if not len(far):
        return None
    chosen = far[:: 1 + len(far) // _MOST_PAIRS]
    first, second, apart = first[chosen], second[chosen], apart[chosen]
    centre = float(log_compute.mean())
    lines = []
    for each in (values[None], drawn):
        slopes = np.median((each[:, second] - each[:, first]) / apart, axis=1)
        lines.append((slopes, np.median(each - slopes[:, None] * (log_compute - centre), axis=1)))
    (slope, level), (slopes, levels) = lines
    return Line(
        level=float(level[0]),
        slope=float(slope[0]),
        centre=centre,
        level_variance=float(levels.var()),
        slope_variance=float(slopes.var()),
        degrees=degrees,
    )
