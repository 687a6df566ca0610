"""The multiplier over the cells of one evaluation set, with everything that its interval is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.conversion import Conversion
from isoflop.compare.distributions import student_grid, student_quantile, student_shares
from isoflop.compare.gaps import Gaps
from isoflop.compare.interval import CellMean, cell_mean

_GRID = 401
"""Points of the t distribution that are combined with every draw of the slope: the ends of a 90 % interval are then
known to .1 % of its width."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """ln m over the cells that A reaches."""

    mean: CellMean
    """By the noise of the runs and the spread of the cells."""
    cells: Array
    """ln m of each cell, NaN where A does not reach B's loss; (cells,)."""
    variances: Array
    """Of each cell by the noise of runs; NaN where it cannot be told."""
    degrees: float
    """Of freedom behind `variances`."""
    interval: tuple[float, float] | None
    """Of ln m, with the error of the slope."""
    above_zero: float | None
    """Probability that ln m is above zero."""
    slope_sd: float
    """Standard deviation of ln m by the error of the slope."""


def estimate(gaps: Gaps, conversion: Conversion, offset: Array, level: float, form_sd: float = 0.0) -> Estimate | None:
    """ln m from the gaps: None where A reaches B's loss in half of the cells or fewer.

    `offset` (cells,) is ln of what A spent in the cell over what B spent; `form_sd` the standard deviation of ln m by
    the error of the law's form.

    The error of the slope multiplies the answer and the noise alike, so that it never changes a sign: each draw of the
    slope is combined with the whole t distribution of the noise.
    """
    found = conversion.log_multiplier(gaps.log_a, gaps.log_b) + offset
    reached = np.isfinite(found)
    if 2 * int(reached.sum()) <= len(found):
        return None
    weight_a, weight_b = conversion.per_gap(gaps.log_a), conversion.per_gap(gaps.log_b)
    weight_a, weight_b = np.where(reached, weight_a, 0.0), np.where(reached, weight_b, 0.0)
    variances, degrees = gaps.noise(weight_a, weight_b)
    mean = cell_mean(found[reached], variances[reached], degrees)
    weights = np.zeros(len(found))
    weights[reached] = mean.weights
    drawn = conversion.drawn(gaps.log_a, gaps.log_b) + offset
    # A draw in which A does not reach a cell has no number there; the other cells speak for it.
    usable = np.where(np.isfinite(drawn), drawn, found)[:, reached] @ mean.weights
    middle = (gaps.log_a + gaps.log_b) / 2
    now, then = conversion.per_gap(middle)[reached], conversion.drawn_per_gap(middle)[:, reached]
    scale = np.where(np.isfinite(then), then, now) @ mean.weights / (now @ mean.weights)
    # The draws tell the error, the best fit the middle.
    usable = usable + (mean.value - np.median(usable))
    if form_sd > 0 and mean.value:
        stretch = np.exp(_normal_grid(len(usable)) * form_sd / abs(mean.value))
        usable, scale = usable * stretch, scale * stretch
    interval, above = _combined(mean, usable, scale, level)
    known = variances if degrees else variances * (mean.variance * float(np.sum(1 / variances[reached])))
    return Estimate(
        mean=mean,
        cells=found,
        variances=np.where(reached, known, np.nan),
        degrees=degrees or mean.degrees,
        interval=interval,
        above_zero=above,
        slope_sd=float(usable.std()),
    )


def _combined(
    mean: CellMean, drawn: Array, scale: Array, level: float
) -> tuple[tuple[float, float] | None, float | None]:
    """(interval, probability above zero) of every draw of the slope with the t distribution of the noise."""
    if not mean.known:
        return None, None
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


def trend(
    values: Array, variances: Array, degrees: float, log_compute: Array, level: float
) -> tuple[float, tuple[float, float] | None] | None:
    """(d value / d ln C, its interval) over the cells by weighted least squares; None with cells of one compute.

    The interval is Student's: the scatter about the line and the noise within cells together tell the variance. None
    with two cells and no repeats.
    """
    usable = np.isfinite(values)
    y, x, v = values[usable], log_compute[usable], variances[usable]
    if len(y) < 2 or np.ptp(x) < math.log(1.5):
        return None
    weights = 1 / v if np.all(v > 0) else np.ones(len(y))
    centred = x - weights @ x / weights.sum()
    level_of = float(weights @ y / weights.sum())
    along = float(weights @ (centred * y) / (weights @ centred**2))
    chi = float(weights @ (y - level_of - along * centred) ** 2)
    total = len(y) - 2 + (degrees if np.isfinite(degrees) else 0.0)
    if total <= 0:
        return along, None
    scale = (chi + (degrees if np.all(v > 0) and np.isfinite(degrees) else 0.0)) / total
    width = student_quantile((1 + level) / 2, total) * math.sqrt(scale / float(weights @ centred**2))
    return along, (along - width, along + width)
