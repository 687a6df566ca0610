"""The scale of the errors of form: what past forecasts erred by beyond their own noise, per e-fold of extrapolation.

A past error holds more than the error of form: the noise of the constants that made the forecast, and that of what
came. Squares less these variances, cut at zero one by one, are too large on average, since only their upper half
counts: noise alone would then show an error of form. Here the scale has a likelihood with the variances in it.
"""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Array

_SCALES = np.exp(np.linspace(-3.5, 3.5, 71))
"""Over the prior's scale: from a thirtieth to thirty times."""


def posterior_scale(
    errors: Array, variances: Array, distances: Array, shares: Array, *, prior: float, count: float
) -> tuple[float, float]:
    """(scale per unit of distance, observations that it rests on) after past forecasts; all arrays (forecasts,).

    errors ~ Normal(0, variances + (scale distances)^2), each counting as `shares` of an observation; the prior is the
    scaled inverse chi-squared distribution of `count` observations of the scale `prior` (Gelman et al. 2013, Bayesian
    Data Analysis, section 2.6). Without noise this is the conjugate result, the weighted mean square of errors over
    distances; an error within its noise changes nothing.

    >>> one = np.ones(1)
    >>> [round(x, 4) for x in posterior_scale(0.02 * one, 0 * one, one, one, prior=0.01, count=3.0)]
    [0.0132, 4.0]
    >>> round(float(np.sqrt((3 * 0.01**2 + 0.02**2) / 4)), 4)
    0.0132
    >>> [round(x, 3) for x in posterior_scale(0.02 * one, 9 * one, one, one, prior=0.01, count=3.0)]
    [0.01, 3.0]
    """
    if not len(errors):
        return prior, count
    scales = prior * _SCALES
    square = variances + np.outer(scales, distances) ** 2
    # Density of ln scale, whose grid is even: that of the scale times the scale.
    logs = -count * np.log(scales) - 0.5 * count * (prior / scales) ** 2
    logs = logs - 0.5 * (np.log(square) + errors**2 / square) @ shares
    odds = np.exp(logs - logs.max())
    odds /= odds.sum()
    # The scaled inverse chi-squared distribution with the same mean and variance of 1 / scale^2.
    mean = float(odds @ scales**-2)
    variance = float(odds @ (scales**-2 - mean) ** 2)
    return float(np.sqrt(1 / mean)), 2 * mean**2 / variance
