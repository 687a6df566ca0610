"""Mean over cells of a quantity with noise, and the t distribution of its error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array
from isoflop.distributions import f_upper, student_quantile, student_upper
from isoflop.laws.bisection import bracket

_POOLED_ABOVE = 0.25
"""Cells are taken to share one value where their spread has a larger tail probability than this by the noise within
cells: the level at which pooling after a test keeps its level (Bancroft and Han 1983)."""
_FEWEST_LEFT = 3
_PLANE_BELOW = 0.05
_FLAT = 0.05
"""In ln N or ln D: cells that differ by less over the whole design do so by rounding."""
SPREAD_OF_EFFECT = 1 / 3
"""Standard deviation of ln m between cells over ln m itself, as expected before the cells are seen: gains of data sets
over one another spread by .08 to .18 of themselves over cells four times apart in compute (data of Gadre et al. 2024),
Muon over AdamW by .2 to .4 (bench/compare/decisions.md)."""
SPREAD_DEGREES = 8.0
"""Degrees of freedom that this expectation counts for, as in the moderated t of Smyth 2004: about as many comparisons
as it rests on. Two cells alone have one degree, and an interval 6 to 20 times their spread: 8 pairs decided nothing
of most recipes 3.4 % lower in one cell and 1.9 % in the other, and tell 94 % of them now:
bench/compare/stopping.md."""


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


def about_plane(mean: CellMean, values: Array, places: Array) -> CellMean:
    """The mean with the error that the cells' scatter about a plane in `places` (cells, directions) gives it.

    A quantity that moves with size or compute spreads over the cells without being less sure in their middle. The mean
    is left as it is where fewer than three cells are left to tell the scatter, where the noise of the runs explains
    the spread, and where the plane explains no more than chance would at 5 %.
    """
    away = places - mean.weights @ places
    rank = int(np.linalg.matrix_rank(away, tol=_FLAT))
    left = len(values) - 1 - rank
    by_noise = not mean.spread and mean.degrees > len(values) - 1
    if left < _FEWEST_LEFT or not rank or by_noise:
        return mean
    root = np.sqrt(mean.weights)
    centred = values - mean.value
    slopes = np.linalg.lstsq(away * root[:, None], centred * root, rcond=None)[0]
    whole, rest = (float(mean.weights @ each**2) for each in (centred, centred - away @ slopes))
    if rest > 0 and f_upper((whole - rest) / rank / (rest / left), rank, left) > _PLANE_BELOW:
        return mean
    return replace(mean, variance=rest / left, degrees=float(left))


def cell_mean(values: Array, variances: Array, degrees: float, common: bool = True) -> CellMean:
    """The mean of cells with `variances` by noise, known to `degrees` of freedom.

    With degrees 0 nothing tells noise from spread: every cell counts the same, and the spread of the cells gives the
    error, t with cells - 1. Cells whose spread their noise explains share one value, unless it is known not to be
    `common`: they are weighted by their noise, and both estimates of it are pooled. Otherwise they are weighted with
    the variance between them added (Paule and Mandel 1982), or equally where it is not `common`, and the error is that
    of Hartung and Knapp 2001, moderated by the spread that gains of this size usually have.
    """
    count = len(values)
    equally = np.full(count, 1 / count)
    if not np.any(variances > 0):
        return _without_noise(values, equally, degrees)
    if not degrees:
        error = float(np.var(values, ddof=1)) / count if count > 1 else math.nan
        return CellMean(
            value=float(equally @ values),
            weights=equally,
            variance=error,
            degrees=float(count - 1),
            noise_variance=math.nan,
            spread=False,
        )
    by_noise = _normalised(variances)
    chi = float(np.sum((values - by_noise @ values) ** 2 / variances))
    if count == 1 or f_upper(chi / (count - 1), count - 1, degrees) > _POOLED_ABOVE:
        return _pooled(values, by_noise if common else equally, variances, degrees, chi)
    weights = _normalised(variances + _between(values, variances)) if common else equally
    value = float(weights @ values)
    return _moderated(value, weights, float(weights @ (values - value) ** 2) / (count - 1), variances, degrees)


def _moderated(value: float, weights: Array, seen: float, variances: Array, degrees: float) -> CellMean:
    """Cells that differ by more than their noise, with the variance `seen` of their mean and the one expected.

    The expected one is known no better than the noise in it.
    """
    left = len(weights) - 1.0
    noise = float(weights**2 @ variances)
    expected = noise + (SPREAD_OF_EFFECT * value) ** 2 * float(weights @ weights)
    worth = SPREAD_DEGREES if math.isinf(degrees) else SPREAD_DEGREES * degrees / (SPREAD_DEGREES + degrees)
    return CellMean(
        value=value,
        weights=weights,
        variance=(worth * expected + left * seen) / (worth + left),
        degrees=worth + left,
        noise_variance=noise,
        spread=True,
    )


def _without_noise(values: Array, weights: Array, degrees: float) -> CellMean:
    """Cells of runs that repeat to the last digit: only their spread counts."""
    count = len(values)
    spread = float(np.var(values, ddof=1)) if count > 1 else 0.0
    known = degrees > 0 or count > 1
    freedom = float(count - 1) if spread > 0 else max(degrees, 1.0)
    return CellMean(
        value=float(weights @ values),
        weights=weights,
        variance=spread / count if known else math.nan,
        degrees=freedom if known else 0.0,
        noise_variance=0.0 if degrees else math.nan,
        spread=spread > 0,
    )


def _pooled(values: Array, weights: Array, variances: Array, degrees: float, chi: float) -> CellMean:
    """Cells whose spread their noise explains; `chi` is the sum of squares of the cells over their variances."""
    total = degrees + len(values) - 1
    scale = 1.0 if math.isinf(degrees) else (degrees + chi) / total
    variance = scale * float(weights**2 @ variances)
    return CellMean(
        value=float(weights @ values),
        weights=weights,
        variance=variance,
        degrees=total,
        noise_variance=variance,
        spread=False,
    )


def _normalised(variances: Array) -> Array:
    inverse = 1 / np.maximum(variances, 1e-12 * variances.max())
    return np.asarray(inverse / inverse.sum())


def _between(values: Array, variances: Array) -> float:
    """The variance between cells at which the weighted squares equal their degrees of freedom (Paule and Mandel)."""

    def excess(added: float) -> float:
        """The weighted squares less their degrees of freedom, which fall as the variance between cells grows."""
        weights = 1 / (variances + added)
        mean = float(np.sum(weights * values) / weights.sum())
        return float(np.sum(weights * (values - mean) ** 2)) - (len(values) - 1)

    most = max(float(np.var(values, ddof=1)) * len(values), 1e-300)
    if excess(0.0) <= 0:
        return 0.0
    low, high = bracket(lambda added: excess(float(added)) > 0, 0.0, most, tolerance=2.0**-60 * most)
    return 0.5 * float(low + high)
