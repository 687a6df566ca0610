"""The asymmetry that all isoFLOP profiles share: their cubic term, and by how much it moves their vertices.

Around its vertex a profile of E + A N^-alpha + B D^-beta at fixed C is L* + k (z^2 + kappa z^3 + ...) in
z = ln N - ln N*, with kappa = (beta - alpha) / 3 at every budget (third derivative over three times the second). A
parabola through it is off by about -.3 h^2 kappa for sizes within h of the vertex. No single budget determines kappa;
all together do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.isoflop.budget_noise import budget_noises
from isoflop.fit.isoflop.profile import IsoflopProfile, quadratic_columns

PRIOR_ASYMMETRY = 0.1
"""Standard deviation of kappa over laws: (beta - alpha) / 3 is -.02 (hoffmann2022-3), .01 (besiroglu2024), .03 (its 245
rows), 0 (muennighoff2023), .09 to .14 (Gemstones, five subsets): root mean square .08."""
_FEWEST_FREE = 6  # degrees of freedom below which the noise, and with it kappa's error, is a guess
_STEPS = 12  # of Newton's iteration for the vertex of the cubic; four to six settle it to rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Asymmetry:
    """kappa, common to all budgets, and the noise of the losses about the cubic profiles."""

    kappa: float
    """Posterior mean under a normal prior of sd PRIOR_ASYMMETRY around 0: 0 where the noise hides it."""
    kappa_se: float
    """Posterior standard deviation."""
    estimate: float | None
    """Least squares, without the prior; None where there are too few runs."""
    estimate_se: float | None
    """Its standard error."""
    noise: float
    """Relative standard deviation of a loss about its profile, pooled over the budgets."""
    noises: Array
    """The same at each budget, (budgets,)."""
    free: int
    """Degrees of freedom of `noise`."""

    def drawn(self, scale: Array, rng: np.random.Generator) -> Array:
        """Draws of kappa (draws,), given draws of the noise over its estimate."""
        prior = np.full(scale.shape, PRIOR_ASYMMETRY**2)
        if self.estimate is None or self.estimate_se is None:
            return np.asarray(np.sqrt(prior) * rng.standard_normal(scale.shape))
        variance = (self.estimate_se * scale) ** 2
        mean = self.estimate * prior / (prior + variance)
        return np.asarray(mean + np.sqrt(prior * variance / (prior + variance)) * rng.standard_normal(scale.shape))


def shared_asymmetry(kept: Sequence[IsoflopProfile]) -> Asymmetry:
    """kappa by least squares over all budgets, relative losses with equal weights, then shrunk to 0 by the prior."""
    columns, residuals = [], []
    for profile in kept:
        z = profile.x - profile.vertex
        # kappa times the curvature times z^3, off the columns that the budget's own parabola has fitted (Frisch-Waugh):
        # one regression over all budgets then gives the same kappa as a fit of all parabolas and kappa together.
        cubic = z**3 - quadratic_columns(z) @ _quadratic_of_cube(z)
        columns.append(profile.coefficients[2] * cubic / profile.least_loss)
        residuals.append(profile.residuals / profile.least_loss)
    column, residual = np.concatenate(columns), np.concatenate(residuals)
    free, information = len(residual) - 3 * len(kept), float(column @ column)
    if free < _FEWEST_FREE or information <= 0:
        noise = float(np.sqrt(residual @ residual / max(free, 1)))
        return Asymmetry(
            kappa=0.0,
            kappa_se=PRIOR_ASYMMETRY,
            estimate=None,
            estimate_se=None,
            noise=noise,
            noises=np.full(len(kept), noise),
            free=max(free, 1),
        )
    estimate = float(column @ residual) / information
    rests = [each - estimate * of for each, of in zip(residuals, columns, strict=True)]
    noises = budget_noises(
        np.array([float(rest @ rest) for rest in rests]),
        # Of the degrees of freedom that the parabolas leave, kappa takes one in all.
        np.array([len(rest) - 3.0 for rest in rests]) * (1 - 1 / free),
        np.log([profile.flops for profile in kept]),
    )
    # Equal weights for all losses, and a standard error that knows that their noise differs: by 1 / noise^2 the few
    # runs of the largest budgets alone would decide kappa.
    sums = [noise * float(np.linalg.norm(of)) for noise, of in zip(noises.tolist(), columns, strict=True)]
    error = float(np.linalg.norm(sums)) / information
    share = PRIOR_ASYMMETRY**2 / (PRIOR_ASYMMETRY**2 + error**2)
    return Asymmetry(
        kappa=share * estimate,
        kappa_se=float(np.sqrt(share)) * error,
        estimate=estimate,
        estimate_se=error,
        noise=float(np.sqrt(sum(float(rest @ rest) for rest in rests) / (free - 1))),
        noises=noises,
        free=free - 1,
    )


def _quadratic_of_cube(z: Array) -> Array:
    """Least-squares coefficients (3,) of z^3 on 1, z, z^2."""
    return np.asarray(np.linalg.lstsq(quadratic_columns(z), z**3, rcond=None)[0])


def cubic_profile(profile: IsoflopProfile, kappa: Array) -> tuple[Array, Array]:
    """(coefficients (..., 4) in x, x of least loss) of the profile with cubic terms `kappa` of its own curvature.

    The cubic is the least-squares one among those with L''' / 6 = kappa L'' / 2 at the least loss. kappa is bounded so
    that the cubic does not turn within the sizes: beyond that it has no minimum there.
    """
    vertex, c2 = profile.vertex, float(profile.coefficients[2])
    z = profile.x - vertex
    reach = float(np.abs(z).max())
    bounded = np.clip(np.asarray(kappa, dtype=np.float64), -1 / (3 * reach), 1 / (3 * reach))
    along = _quadratic_of_cube(z)
    # Adding q z^3 changes the least-squares parabola by -q (r0 + r1 z + r2 z^2), r = `along`. About the vertex of the
    # parabola the cubic is (least - q r0) - q r1 z + (c2 - q r2) z^2 + q z^3, with q = kappa times the curvature at its
    # minimum.
    # Both the minimum and that curvature depend on q: a few Newton steps on the slope, each with the last curvature.
    place, curve = np.zeros_like(bounded), np.full_like(bounded, c2)
    for _ in range(_STEPS):
        q = bounded * curve
        second = c2 - q * along[2]
        rise = 2 * second + 6 * q * place  # L'' there, kept well above zero so that no step is wild
        place = place - (-q * along[1] + 2 * second * place + 3 * q * place**2) / np.maximum(rise, 0.4 * c2)
        place = np.clip(place, z.min(), z.max())
        curve = np.maximum(second + 3 * q * place, 0.2 * c2)
    q = bounded * curve
    # From powers of z back to powers of x = z + vertex.
    d0, d1, d2 = profile.least_loss - q * along[0], -q * along[1], c2 - q * along[2]
    in_x = [
        d0 - d1 * vertex + d2 * vertex**2 - q * vertex**3,
        d1 - 2 * d2 * vertex + 3 * q * vertex**2,
        d2 - 3 * q * vertex,
        q,
    ]
    return np.stack(in_x, axis=-1), place + vertex
