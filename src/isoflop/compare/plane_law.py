"""ln L = level of a recipe - s_N ln N - s_D ln D: the slope where there are too few sizes or lengths for a law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array

_CONSTANTS = 4
_DETERMINED = 1e-3
"""Least share of the largest singular value of the centred design: below, the runs lie on a line."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneLaw:
    """The slopes with their draws."""

    of_size: float
    """s_N."""
    of_tokens: float
    """s_D."""
    drawn: Array
    """(draws, 2)."""
    degrees: int
    """Runs less constants."""

    def along(self, data: bool) -> tuple[float, Array]:
        """(-d ln L / d ln axis, its draws (draws,)): along tokens, or with sizes and tokens at equal rates per FLOP."""
        direction = np.array([0.0, 1.0] if data else [0.5, 0.5])
        return float(direction @ [self.of_size, self.of_tokens]), self.drawn @ direction


def fit_plane(N: Array, D: Array, loss: Array, is_a: Array, draws: int, seed: int) -> PlaneLaw | None:
    """The plane through the final losses of both recipes, by least squares; None where they do not tell both slopes.

    The draws are normal, with the covariance of the estimate by the scatter about the plane.
    """
    order = np.lexsort((loss, D, N))
    side = is_a[order] == is_a[order][0]
    x, y, z = (np.log(column[order]) for column in (N, D, loss))
    left = len(z) - _CONSTANTS
    within = np.stack([_centred(column, side) for column in (x, y)], axis=1)
    size = np.linalg.svd(within, compute_uv=False)
    if left < 1 or size[-1] <= _DETERMINED * size[0]:
        return None
    gram = np.linalg.inv(within.T @ within)
    slopes = -gram @ within.T @ _centred(z, side)
    residual = _centred(z, side) + within @ slopes
    sd = float(np.sqrt(residual @ residual / left))
    root = np.linalg.cholesky(gram) * sd
    drawn = slopes + np.random.default_rng(seed).standard_normal((draws, 2)) @ root.T
    return PlaneLaw(of_size=float(slopes[0]), of_tokens=float(slopes[1]), drawn=drawn, degrees=left)


def _centred(values: Array, side: Array) -> Array:
    """Less the mean of its recipe's runs."""
    first = side > 0
    means = [values[chosen].mean() if chosen.any() else 0.0 for chosen in (first, ~first)]
    return np.asarray(values - np.where(first, means[0], means[1]))
