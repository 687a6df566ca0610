"""The vertices of isoFLOP profiles, where the loss at one compute is least, with draws of their distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.isoflop.asymmetry import Asymmetry, cubic_profile
from isoflop.fit.isoflop.profile import IsoflopProfile, parabola_vertex, quadratic_columns


@dataclass(frozen=True, kw_only=True, eq=False)
class Vertex:
    """Where one budget's loss is least, with draws."""

    profile: IsoflopProfile
    coefficients: Array
    """(c0, c1, c2, c3) of the curve in ln N less the profile's centre."""
    log_params: float
    """ln N of least loss."""
    loss: float
    """Loss there."""
    error: float
    """Standard error of `log_params` from this budget's own noise."""
    per_kappa: float
    """d log_params / d kappa: an error of kappa moves all vertices together, so it is no scatter of theirs."""
    drawn: Array
    """Draws of `log_params`."""
    drawn_loss: Array
    """Draws of `loss`."""


def profile_vertices(
    kept: Sequence[IsoflopProfile], asymmetry: Asymmetry, draws: int, rng: np.random.Generator, *, cubic: bool
) -> list[Vertex]:
    """The vertex of each profile with `draws` draws: the parabola's, moved by the shared asymmetry if `cubic`."""
    # One chi-square for all budgets: they share the estimate of the noise.
    scale = np.sqrt(asymmetry.free / rng.chisquare(asymmetry.free, size=draws))
    kappas = asymmetry.drawn(scale, rng) if cubic else np.zeros(draws)
    kappa = asymmetry.kappa if cubic else 0.0
    return [
        _vertex(profile, noise, kappa, kappas, scale, rng, cubic=cubic)
        for profile, noise in zip(kept, asymmetry.noises.tolist(), strict=True)
    ]


def _vertex(
    profile: IsoflopProfile,
    noise: float,
    kappa: float,
    kappas: Array,
    scale: Array,
    rng: np.random.Generator,
    *,
    cubic: bool,
) -> Vertex:
    """One vertex; `noise` is relative, `scale` (draws,) the noise of each draw over it, `kappas` (draws,) of each."""
    columns = quadratic_columns(profile.x)
    root = np.linalg.cholesky(np.linalg.inv(columns.T @ columns))
    noise = profile.least_loss * noise
    drawn = profile.coefficients + noise * scale[:, None] * (rng.standard_normal((len(scale), 3)) @ root.T)
    low, high, half = profile.x.min(), profile.x.max(), 0.5 * np.ptp(profile.x)
    places = parabola_vertex(drawn)
    # Without upward curvature the least loss lies at an end; the data say nothing further than half a window beyond.
    downhill = np.where(drawn[:, 1] < 0, high + half, low - half)
    places = np.clip(np.where(np.isnan(places), downhill, places), low - half, high + half)
    heights = drawn[:, 0] + places * (drawn[:, 1] + places * drawn[:, 2])
    curve, place = cubic_profile(profile, np.array(kappa))
    least = float(np.polyval(curve[::-1], place))
    # d vertex / d kappa by a central difference: the clip inside has no useful derivative.
    side = cubic_profile(profile, kappa + np.array([-0.01, 0.01]))[1]
    # Delta method: d(-c1 / 2 c2) / d(c0, c1, c2).
    c1, c2 = profile.coefficients[1], profile.coefficients[2]
    gradient = np.array([0.0, -1 / (2 * c2), c1 / (2 * c2**2)])
    return Vertex(
        profile=profile,
        coefficients=curve,
        log_params=float(place) + profile.centre,
        loss=least,
        error=noise * float(np.linalg.norm(gradient @ root)),
        per_kappa=float(side[1] - side[0]) / 0.02 if cubic else 0.0,
        drawn=places + profile.centre + (cubic_profile(profile, kappas)[1] - profile.vertex if cubic else 0.0),
        drawn_loss=heights + least - profile.least_loss,
    )
