"""How far all valleys lean to one side: the cubic term that budgets share, and what it moves their vertices by.

Around its vertex a valley of E + A N^-alpha + B D^-beta at fixed C is L* + k (z^2 + kappa z^3 + ...), z = ln N - ln N*,
with kappa = (beta - alpha) / 3 at every budget (third derivative over three times the second). A parabola through it is
off by about -.3 h^2 kappa for sizes within h of the vertex. No single budget tells kappa; all together do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.fit.isoflop.profile import Valley, design

Array = NDArray[np.float64]

PRIOR_LEAN = 0.1
"""Standard deviation of kappa over laws: (beta - alpha) / 3 is -.02 (hoffmann2022-3), .01 (besiroglu2024), .03 (its 245
rows), 0 (muennighoff2023), .09 to .14 (Gemstones, five subsets): root mean square .08."""
_FEWEST_FREE = 6  # degrees of freedom below which the noise, and with it kappa's error, is a guess
_STEPS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class Lean:
    """kappa, common to all budgets, and the noise of the losses about the leaning valleys."""

    kappa: float
    """Posterior mean under a normal prior of sd PRIOR_LEAN around 0: 0 where the noise hides it."""
    kappa_se: float
    """Posterior standard deviation."""
    estimate: float | None
    """Least squares, without the prior; None where there are too few runs."""
    estimate_se: float | None
    """Its standard error."""
    noise: float
    """Relative standard deviation of a loss about its valley."""
    free: int
    """Degrees of freedom of `noise`."""

    def drawn(self, scale: Array, rng: np.random.Generator) -> Array:
        """Draws of kappa, given draws of the noise over its estimate."""
        prior = np.full(scale.shape, PRIOR_LEAN**2)
        if self.estimate is None or self.estimate_se is None:
            return np.asarray(np.sqrt(prior) * rng.standard_normal(scale.shape))
        variance = (self.estimate_se * scale) ** 2
        mean = self.estimate * prior / (prior + variance)
        return np.asarray(mean + np.sqrt(prior * variance / (prior + variance)) * rng.standard_normal(scale.shape))


def common_lean(kept: Sequence[Valley]) -> Lean:
    """kappa by least squares over all budgets, relative losses alike, then drawn to 0 by the prior."""
    columns, rests = [], []
    for valley in kept:
        z = valley.x - valley.at
        columns.append(valley.coefficients[2] * (z**3 - design(z) @ _cubed(z)) / valley.least)
        rests.append(valley.residuals / valley.least)
    column, rest = np.concatenate(columns), np.concatenate(rests)
    free, information = len(rest) - 3 * len(kept), float(column @ column)
    if free < _FEWEST_FREE or information <= 0:
        noise = float(np.sqrt(rest @ rest / max(free, 1)))
        return Lean(kappa=0.0, kappa_se=PRIOR_LEAN, estimate=None, estimate_se=None, noise=noise, free=max(free, 1))
    estimate = float(column @ rest) / information
    noise = float(np.linalg.norm(rest - estimate * column) / np.sqrt(free - 1))
    error = noise / float(np.sqrt(information))
    share = PRIOR_LEAN**2 / (PRIOR_LEAN**2 + error**2)
    return Lean(
        kappa=share * estimate,
        kappa_se=float(np.sqrt(share)) * error,
        estimate=estimate,
        estimate_se=error,
        noise=noise,
        free=free - 1,
    )


def _cubed(z: Array) -> Array:
    """Least-squares coefficients of z^3 on 1, z, z^2."""
    return np.asarray(np.linalg.lstsq(design(z), z**3, rcond=None)[0])


def leaning(valley: Valley, kappa: Array) -> tuple[Array, Array]:
    """(coefficients (..., 4) in x, x of least loss) of the valley with cubic terms `kappa` of its own curvature.

    The cubic is the least-squares one among those with L'''/ 6 = kappa L''/ 2 at the least loss. kappa is cut where
    the cubic would turn within the sizes: that is no valley.
    """
    at, c2 = valley.at, float(valley.coefficients[2])
    z = valley.x - at
    reach = float(np.abs(z).max())
    bent = np.clip(np.asarray(kappa, dtype=np.float64), -1 / (3 * reach), 1 / (3 * reach))
    along = _cubed(z)
    # About the parabola's vertex: (least - q r0) - q r1 z + (c2 - q r2) z^2 + q z^3 with q = kappa times the curvature.
    place, curve = np.zeros_like(bent), np.full_like(bent, c2)
    for _ in range(_STEPS):
        q = bent * curve
        second = c2 - q * along[2]
        rise = 2 * second + 6 * q * place
        place = place - (-q * along[1] + 2 * second * place + 3 * q * place**2) / np.maximum(rise, 0.4 * c2)
        place = np.clip(place, z.min(), z.max())
        curve = np.maximum(second + 3 * q * place, 0.2 * c2)
    q = bent * curve
    d0, d1, d2 = valley.least - q * along[0], -q * along[1], c2 - q * along[2]
    moved = [d0 - d1 * at + d2 * at**2 - q * at**3, d1 - 2 * d2 * at + 3 * q * at**2, d2 - 3 * q * at, q]
    return np.stack(moved, axis=-1), place + at
