"""A curve through the vertices of approach 2: ln N_opt = level + slope t + bend t^2, t = ln C less the vertices' mean.

Bayesian linear regression (Gelman et al. 2013, Bayesian Data Analysis, chapter 14): level and slope have flat priors,
the bend a normal one, so that few vertices give a line with the prior's bend and many give their own. The vertices'
errors are known from their budgets; the scatter about the curve beyond them is integrated over, since five vertices
leave it open: with the scatter fixed at its best value the interval would be too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.codec import Number
from isoflop.fit.significance import student_p

_SCATTERS = np.array([0.0, 0.01, 0.02, 0.04, 0.06, 0.09, 0.13, 0.2, 0.3, 0.5, 0.8])
"""Values over which the scatter of ln N beyond the vertices' own errors is integrated."""
_SCATTER_SCALE = 0.03
"""Mean of its exponential prior: of 17 public sets the estimate is 0 in 10 and .03 to .12 in 7."""
_LEAST_ERROR = 1e-3  # of ln N at a vertex: shapes are rounded by more


@dataclass(frozen=True, kw_only=True)
class Bend:
    """The coefficient of (ln C)^2 in ln N_opt, as a normal distribution."""

    mean: Number
    sd: Number


FLAT = Bend(mean=0.0, sd=1.0)
"""A prior of the bend that says nothing: at ten times the largest budget a bend of 1 would be worth a factor e^20."""


@dataclass(frozen=True, kw_only=True, eq=False)
class VertexCurve:
    """The posterior of (level, slope, bend): a mixture of normal distributions, one for each scatter."""

    centre: float
    """Mean of ln C of the vertices."""
    weights: Array
    """Probability of each scatter of _SCATTERS, (scatters,)."""
    means: Array
    """(scatters, 3)."""
    covariances: Array
    """(scatters, 3, 3)."""

    @classmethod
    def through(cls, log_flops: Array, log_params: Array, errors: Array, shared: Array, prior: Bend) -> VertexCurve:
        """The curve through vertices at ln C with ln N, all (vertices,).

        `errors` are standard errors from each budget's own noise, `shared` what one standard deviation of their common
        asymmetry moves each by. Bayesian linear regression with the likelihood of each scatter, level and slope
        integrated out (restricted likelihood).
        """
        centre = float(log_flops.mean())
        t = log_flops - centre
        design = np.stack([np.ones_like(t), t, t * t], axis=1)
        # The prior as a precision matrix and its product with the prior's mean: 0 for the flat priors.
        precision = np.diag([0.0, 0.0, prior.sd**-2])
        pull = np.array([0.0, 0.0, prior.mean / prior.sd**2])
        # Precision weights: a vertex from a noisy budget, or one at the edge of its sizes, says less about the curve.
        # The asymmetry common to all profiles moves all vertices together, a rank-one term of the covariance.
        own = np.diag(np.maximum(errors, _LEAST_ERROR) ** 2) + np.outer(shared, shared)
        noise = own + _SCATTERS[:, None, None] ** 2 * np.eye(len(t))
        inverse = np.linalg.inv(noise)
        information = design.T @ inverse @ design + precision
        covariances = np.asarray(np.linalg.inv(information), dtype=np.float64)
        right = design.T @ inverse @ log_params + pull
        means = np.einsum("gij,gj->gi", covariances, right)
        # ln of the likelihood of each scatter with the three constants integrated out, up to a constant: the
        # determinant of the information is what the restricted likelihood adds to the profile likelihood (Patterson and
        # Thompson 1971). Without it few vertices would put the scatter at 0.
        misfit = np.einsum("i,gij,j->g", log_params, inverse, log_params) - np.einsum("gi,gi->g", means, right)
        odds = -0.5 * (np.linalg.slogdet(noise)[1] + np.linalg.slogdet(information)[1] + misfit)
        odds += np.log(np.gradient(_SCATTERS)) - _SCATTERS / _SCATTER_SCALE  # widths of the grid, and the prior
        weights = np.exp(odds - odds.max())
        return cls(centre=centre, weights=weights / weights.sum(), means=means, covariances=covariances)

    @property
    def bend(self) -> Bend:
        """Mean and standard deviation of the bend."""
        mean = float(self.weights @ self.means[:, 2])
        square = float(self.weights @ (self.covariances[:, 2, 2] + (self.means[:, 2] - mean) ** 2))
        return Bend(mean=mean, sd=float(np.sqrt(square)))

    def other_sign(self, free: float) -> float:
        """Probability that the bend has another sign than its mean; the noise behind the vertices' errors is known with
        `free` degrees of freedom."""
        z = np.abs(self.means[:, 2]) / np.sqrt(self.covariances[:, 2, 2])
        agrees = np.sign(self.means[:, 2]) == np.sign(self.bend.mean)
        tails = 0.5 * np.array([student_p(each, free) for each in z.tolist()])
        return float(self.weights @ np.where(agrees, tails, 1 - tails))

    @property
    def scatter(self) -> float:
        """Root mean square of the vertices' scatter about the curve beyond their own errors, in ln N."""
        return float(np.sqrt(self.weights @ _SCATTERS**2))

    def drawn_scatter(self, draws: int, rng: np.random.Generator) -> Array:
        """(draws,): by how much the vertex of one more budget lies off the curve."""
        return np.asarray(rng.choice(_SCATTERS, size=draws, p=self.weights) * rng.standard_normal(draws))

    def log_params(self, log_flops: ArrayLike) -> Array:
        """Mean of ln N_opt at these ln C, (points,)."""
        return np.asarray(self._terms(log_flops) @ (self.weights @ self.means))

    def drawn(self, log_flops: ArrayLike, draws: int, rng: np.random.Generator) -> Array:
        """(draws, points): ln N_opt at these ln C."""
        which = rng.choice(len(self.weights), size=draws, p=self.weights)
        roots = np.linalg.cholesky(self.covariances)
        constants = self.means[which] + np.einsum("nij,nj->ni", roots[which], rng.standard_normal((draws, 3)))
        return np.asarray(constants @ self._terms(log_flops).T)

    def _terms(self, log_flops: ArrayLike) -> Array:
        t = np.atleast_1d(np.asarray(log_flops, dtype=np.float64)) - self.centre
        return np.stack([np.ones_like(t), t, t * t], axis=1)


@dataclass(frozen=True, kw_only=True)
class VertexCurveFile:
    """The JSON object of a VertexCurve."""

    centre: Number
    weights: tuple[Number, ...]
    means: tuple[tuple[Number, ...], ...]
    covariances: tuple[tuple[tuple[Number, ...], ...], ...]

    def curve(self) -> VertexCurve:
        """The curve with its arrays."""
        return VertexCurve(
            centre=self.centre,
            weights=np.asarray(self.weights, dtype=np.float64),
            means=np.asarray(self.means, dtype=np.float64),
            covariances=np.asarray(self.covariances, dtype=np.float64),
        )
