"""Mean over cells of a quantity with noise, and the t distribution of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.distributions import f_upper, student_quantile, student_upper

_POOLED_ABOVE = 0.25
"""Cells are taken to share one value where their spread has a larger tail probability than this by the noise within
cells: the level at which pooling after a test keeps its level (Bancroft and Han 1983)."""
_FEWEST_LEFT = 3
_STEPS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class CellMean:
    """The mean over cells with its error."""

    value: float
    weights: Array
    """Of each cell in the mean; they add up to 1."""
    variance: float
    """Of the mean; NaN where nothing tells it."""
    degrees: float
    """Of freedom; 0 where nothing tells the variance, infinite where it is known."""
    noise_variance: float
    """What the noise of runs is of the variance; NaN without repeats."""
    spread: bool
    """Whether the cells differ by more than their noise."""

    @property
    def known(self) -> bool:
        """Whether there is any estimate of the error."""
        return self.degrees > 0

    def interval(self, level: float) -> tuple[float, float] | None:
        """Two-sided; None without an estimate of the error."""
        if not self.known:
            return None
        width = student_quantile((1 + level) / 2, self.degrees) * math.sqrt(self.variance)
        return self.value - width, self.value + width

    def above_zero(self) -> float | None:
        """Probability that the true value is above zero, by the t distribution; None where the error is not known."""
        if not self.known:
            return None
        if self.variance == 0:
            return 0.5 if self.value == 0 else float(self.value > 0)
        return student_upper(-self.value / math.sqrt(self.variance), self.degrees)


def about_trend(mean: CellMean, values: Array, along: Array) -> CellMean:
    """The mean with the error that the cells' scatter about a line in `along` (cells,) gives it, where they follow one.

    A quantity that moves with compute spreads over the cells without being less sure in their middle. Of four cells and
    fewer, and of a line whose slope is less than certain at 5 %, the mean is left as it is.
    """
    left = len(values) - 2
    if left < _FEWEST_LEFT or mean.degrees > len(values) - 1:
        return mean
    away = along - mean.weights @ along
    square = float(mean.weights @ away**2)
    if not square > 0:
        return mean
    slope = float(mean.weights @ (away * values)) / square
    error = float(mean.weights @ (values - mean.value - slope * away) ** 2) / left
    if error * student_quantile(0.975, left) ** 2 >= slope**2 * square:
        return mean
    return replace(mean, variance=error, degrees=float(left))


def cell_mean(values: Array, variances: Array, degrees: float) -> CellMean:
    """The mean of cells with `variances` by noise, known to `degrees` of freedom.

    With degrees 0 nothing tells noise from spread: every cell counts the same, and the spread of the cells gives the
    error, t with cells - 1.
    Cells whose spread their noise explains share one value: both estimates of the noise are pooled. Otherwise the
    cells are weighted with the variance between them added (Paule and Mandel 1982), and the error is that of Hartung
    and Knapp 2001, t with cells - 1.
    """
    count = len(values)
    exact = not np.any(variances > 0)
    weights = np.full(count, 1 / count) if exact or not degrees else _normalised(variances)
    value = float(weights @ values)
    if exact:
        spread = float(np.var(values, ddof=1)) if count > 1 else 0.0
        known = degrees > 0 or count > 1
        return CellMean(
            value=value,
            weights=weights,
            variance=spread / count if known else math.nan,
            degrees=float(count - 1) if spread > 0 else (max(degrees, 1.0) if known else 0.0),
            noise_variance=0.0 if degrees else math.nan,
            spread=spread > 0,
        )
    between = count - 1
    if not degrees:
        return CellMean(
            value=value,
            weights=weights,
            variance=float(np.var(values, ddof=1)) / count if between else math.nan,
            degrees=float(between),
            noise_variance=math.nan,
            spread=False,
        )
    of_mean = 1 / float(np.sum(1 / variances))
    chi = float(np.sum((values - value) ** 2 / variances))
    if not between or f_upper(chi / between, between, degrees) > _POOLED_ABOVE:
        if math.isinf(degrees):
            scale, total = 1.0, degrees
        else:
            total = degrees + between
            scale = (degrees + chi) / total
        return CellMean(
            value=value,
            weights=weights,
            variance=of_mean * scale,
            degrees=total,
            noise_variance=of_mean * scale,
            spread=False,
        )
    added = _between(values, variances)
    weights = _normalised(variances + added)
    value = float(weights @ values)
    error = float(np.sum(weights * (values - value) ** 2)) / between
    return CellMean(
        value=value, weights=weights, variance=error, degrees=float(between), noise_variance=of_mean, spread=True
    )


def _normalised(variances: Array) -> Array:
    inverse = 1 / np.maximum(variances, 1e-12 * variances.max())
    return np.asarray(inverse / inverse.sum())


def _between(values: Array, variances: Array) -> float:
    """The variance between cells at which the weighted squares equal their degrees of freedom (Paule and Mandel)."""

    def excess(added: float) -> float:
        weights = 1 / (variances + added)
        mean = float(np.sum(weights * values) / weights.sum())
        return float(np.sum(weights * (values - mean) ** 2)) - (len(values) - 1)

    low, high = 0.0, max(float(np.var(values, ddof=1)) * len(values), 1e-300)
    if excess(0.0) <= 0:
        return 0.0
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return 0.5 * (low + high)
