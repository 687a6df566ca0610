"""ln L as a quadratic in ln N and ln D: the second form of a forecast. Linear to fit, wild far out, never used alone.

Its disagreement with the Chinchilla form is what the data leave open about the shape of the surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

TERMS = 6
"""Coefficients: 1, x, y, x^2, x y, y^2 in centred and scaled ln N and ln D."""
_RIDGE = 1e-8


@dataclass(frozen=True, kw_only=True, eq=False)
class LogQuadratic:
    """Draws of the coefficients, (draws, 6), and the coordinates they are in."""

    coefficients: Array
    """(draws, 6), in the order of TERMS."""
    centre: tuple[float, float]
    """Means of ln N and ln D."""
    scale: tuple[float, float]
    """Standard deviations of ln N and ln D."""

    def log_loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """ln loss at each (N, D) for each draw: (draws, points)."""
        return np.asarray(self.coefficients @ _terms(np.atleast_1d(N), np.atleast_1d(D), self.centre, self.scale).T)


def fit_log_quadratic(N: Array, D: Array, loss: Array, weights: Array) -> LogQuadratic:
    """Weighted least squares for each row of `weights` (draws, rows)."""
    x, y = np.log(N), np.log(D)
    centre, scale = (float(x.mean()), float(y.mean())), (float(x.std()), float(y.std()))
    terms = _terms(N, D, centre, scale)
    products = (terms[:, :, None] * terms[:, None, :]).reshape(len(x), -1)
    normal = (weights @ products).reshape(-1, TERMS, TERMS)
    right = weights @ (terms * np.log(loss)[:, None])
    # A resample with fewer than six different rows has no unique solution; the ridge takes the flattest.
    ridge = _RIDGE * np.einsum("bii->b", normal)[:, None, None] * np.eye(TERMS)
    coefficients = np.linalg.solve(normal + ridge, right[..., None])[..., 0]
    return LogQuadratic(coefficients=coefficients, centre=centre, scale=scale)


def _terms(N: ArrayLike, D: ArrayLike, centre: tuple[float, float], scale: tuple[float, float]) -> Array:
    x = (np.log(np.asarray(N, dtype=np.float64)) - centre[0]) / scale[0]
    y = (np.log(np.asarray(D, dtype=np.float64)) - centre[1]) / scale[1]
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
