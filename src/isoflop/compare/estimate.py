"""The multiplier over the cells of one evaluation set, with everything that its interval is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.conversion import Conversion
from isoflop.compare.gaps import Gaps
from isoflop.compare.interval import CellMean, about_plane, cell_mean
from isoflop.compare.reach import Reached
from isoflop.distributions import student_grid, student_shares

_GRID = 201
"""Points of the t distribution that are combined with every draw of the slope: the ends of a 90 % interval are then
known to .2 % of its width."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """ln m over the cells that A reaches."""

    mean: CellMean
    """By the noise of the runs and the spread of the cells."""
    cells: Array
    """ln m of each cell, NaN where A does not reach B's loss; (cells,)."""
    variances: Array
    """Of each cell by the noise of runs; NaN where that is unknown."""
    degrees: float
    """Of freedom behind `variances`."""
    noise_degrees: float
    """Of freedom behind the noise within cells; 0 without repeats, where the spread of the cells stands for it."""
    interval: tuple[float, float] | None
    """Of ln m, with the error of the slope."""
    above_zero: float | None
    """Probability that ln m is above zero."""
    slope_sd: float
    """Standard deviation of ln m by the error of the slope."""
    form_sd: float
    """By the form of the law beyond A's runs."""
    drawn: Array
    """ln m of each cell by each draw of the slope, (draws, cells)."""


def estimate(
    gaps: Gaps, conversion: Conversion, found: Reached, offset: Array, places: Array, level: float
) -> Estimate:
    """ln m over the cells that A reaches.

    `offset` (cells,) is ln of what A spent in the cell over what B spent, `places` (cells, 2) ln of
    sizes and lengths, with which m may move.

    The error of the slope multiplies both the answer and the noise, so that it never changes a sign: each draw of the
    slope is combined with the whole t distribution of the noise.
    """
    values = found.log_multiplier
    reached = np.isfinite(values)
    weight_a, weight_b = conversion.per_gap(gaps.log_a), conversion.per_gap(gaps.log_b)
    weight_a, weight_b = np.where(reached, weight_a, 0.0), np.where(reached, weight_b, 0.0)
    variances, degrees = gaps.noise(weight_a, weight_b)
    mean = cell_mean(values[reached], variances[reached], degrees, common=conversion.constant is not False)
    if conversion.tells_trend:
        mean = about_plane(mean, values[reached], places[reached])
    drawn = conversion.drawn(gaps.log_a, gaps.log_b) + offset
    # A draw in which A does not reach a cell has no number there; the other cells speak for it.
    usable = np.where(np.isfinite(drawn), drawn, values)[:, reached] @ mean.weights
    middle = (gaps.log_a + gaps.log_b) / 2
    now, then = conversion.per_gap(middle)[reached], conversion.drawn_per_gap(middle)[:, reached]
    scale = np.where(np.isfinite(then), then, now) @ mean.weights / (now @ mean.weights)
    # The draws tell the error, the best fit the middle.
    usable = usable + (mean.value - np.median(usable))
    slope_sd = float(usable.std())
    form_sd = float(found.form_sd[reached] @ mean.weights)
    if form_sd > 0 and mean.value:
        stretch = np.exp(_normal_grid(len(usable)) * form_sd / abs(mean.value))
        usable, scale = usable * stretch, scale * stretch
    interval, above = combined(mean, usable, scale, level)
    # Without repeats the spread of the cells stands for their noise.
    known = variances if degrees else np.full(len(values), mean.variance * int(reached.sum()))
    return Estimate(
        mean=mean,
        cells=values,
        variances=np.where(reached, known, np.nan),
        degrees=degrees or mean.degrees,
        noise_degrees=degrees,
        interval=interval,
        above_zero=above,
        slope_sd=slope_sd,
        form_sd=form_sd,
        drawn=np.where(np.isfinite(drawn), drawn, values),
    )


def combined(
    mean: CellMean, drawn: Array, scale: Array, level: float
) -> tuple[tuple[float, float] | None, float | None]:
    """(interval, probability above zero) of every draw of the slope with the t distribution of the noise."""
    if not mean.known:
        return None, None
    if len(drawn) == 1:
        return mean.interval(level), mean.above_zero()
    error = math.sqrt(mean.variance)
    noise = error * student_grid(_GRID, mean.degrees)
    values = (drawn[:, None] + scale[:, None] * noise[None, :]).ravel()
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    if error == 0:
        return (float(low), float(high)), float(np.mean(drawn > 0))
    above = float(np.mean(student_shares(drawn / (error * scale), mean.degrees)))
    return (float(low), float(high)), above


def _normal_grid(count: int) -> Array:
    """Normal quantiles in an order that does not follow the draws'."""
    return np.random.default_rng(0).permutation(student_grid(count, math.inf))
