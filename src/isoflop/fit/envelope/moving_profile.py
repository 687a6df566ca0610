"""The profile of finished losses against ln N at each compute: one profile whose optimum moves as a power of compute.

At every C the losses of the sizes are  L = L*(C) + s(C) psi(ln N - ln N_opt(C)),  ln N_opt = centre + a ln C,  with
psi(u) = (exp(beta u) - 1) / beta - (1 - exp(-alpha u)) / alpha,  a minimum between two walls that are powers of N. L*
is free at each C, the lower envelope; s = -dL* / d ln C. For L = E + A N^-alpha + B D^-beta at C = 6ND this is exact.
Near the minimum psi = sharpness u^2 (1 + asymmetry u): a parabola with a cubic term, sharpness (alpha + beta) / 2 and
asymmetry (beta - alpha) / 3. Few sizes have finished at one C; the shape is common to all C, which together show it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.errors import RefusedError
from isoflop.fit.envelope.finished_curves import FinishedCurves, common_exponent, power
from isoflop.fit.isoflop.asymmetry import PRIOR_ASYMMETRY
from isoflop.fit.isoflop.profile import WINDOW
from isoflop.units import format_number

SHARPNESS, SHARPNESS_SPREAD = 0.37, 0.3
"""(alpha + beta) / 2 over laws: .31 (hoffmann2022-3), .36 (besiroglu2024), .40 (its 245 rows), .35 (muennighoff2023),
.43 (Gemstones, five subsets of .37 to .50 taken as one): geometric mean .37, standard deviation of the ln .13. The
spread is wider by choice: with .25 about .39 simulated sweeps of a law of .31 came out .008 to .013 off in `a` at equal
tokens per parameter and on drifting grids, with these .001 to .009. What the runs show overrules it; where noise hides
the curvature it keeps the optimum from flying off."""
SEED_NOISE = 4e-4
"""Least relative standard deviation of a finished loss: .0012 nats of 3.3 between seeds of one recipe, pooled over the
public runs of a benchmark of optimisers on 124M parameters. No single run says more, however smooth the losses are."""
SHORTEST = np.log(1.5)  # of ln C over which the optimum lies between sizes: less shows no power law
_FEWEST_PAIRS = 30
_ROUNDS, _SETTLED = 60, 20  # rounds; after so many the pairs that count no longer change
_STILL = 1e-8
_LARGEST_STEPS = np.array([1.0, 0.2, 0.4, 0.1])  # of centre, a, ln sharpness, asymmetry in one round
_STEEPEST_WALL = 0.6  # asymmetry over sharpness: at 2 / 3 one wall is flat


@dataclass(frozen=True, kw_only=True, eq=False)
class MovingProfile:
    """The profile, and the uncertainty of its line."""

    centre: float
    """ln N_opt at the curves' mean ln C."""
    exponent: float
    """a."""
    sharpness: float
    asymmetry: float
    inside: Mask
    """(grid,) where the optimum lies between sizes with finished losses."""
    level: Array
    """(grid,) L*, NaN outside."""
    fall: Array
    """(grid,) s."""
    local: Array
    """(grid,) ln N of least loss at each C by the losses at that C alone, for this shape; NaN outside."""
    covariance: Array
    """(2, 2) of (centre, a)."""
    noise: float
    """Relative standard deviation of a finished loss."""
    free: int
    """Degrees of freedom of the line: scatter between sizes decides it, however many ends each has."""


def fit_moving_profile(curves: FinishedCurves) -> MovingProfile:
    """The profile by weighted least squares of relative losses; sharpness and asymmetry under their priors.

    Gauss-Newton on (centre, a, ln sharpness, asymmetry), the level at each C eliminated. Losses count at C where
    ln N_opt lies between sizes with finished runs, and of sizes within a factor WINDOW of it. Raises RefusedError
    `optimum_not_between` where that is so over less than a factor 1.5 of compute, `loss_does_not_fall` where the
    envelope does not fall.
    """
    profile = _start(curves)
    for number in range(_ROUNDS):
        if number < _SETTLED:
            inside, used = _between(curves, profile)
        system = _linearised(curves, profile, inside, used)
        step = np.linalg.lstsq(system.matrix, system.residual, rcond=None)[0]
        step = step / max(1.0, float(np.max(np.abs(step) / _LARGEST_STEPS)))
        sharpness = float(np.clip(profile.sharpness * np.exp(step[2]), 0.05, 3.0))
        asymmetry = float(np.clip(profile.asymmetry + step[3], -_STEEPEST_WALL * sharpness, _STEEPEST_WALL * sharpness))
        profile = replace(
            profile,
            centre=profile.centre + float(step[0]),
            exponent=profile.exponent + float(step[1]),
            sharpness=sharpness,
            asymmetry=asymmetry,
            fall=system.fall,
        )
        if np.abs(step).max() < _STILL:
            break
    return _finished(curves, profile, inside, used)


def _start(curves: FinishedCurves) -> MovingProfile:
    """A line through the sizes of least loss, over the computes where two sizes or more have finished runs."""
    table = np.full((len(curves.log_sizes), len(curves.grid)), np.inf)
    table[curves.size, curves.place] = curves.loss
    best, several = table.argmin(axis=0), np.isfinite(table).sum(axis=0) >= 2
    if len(np.unique(best[several])) < 2:
        raise _not_between("the least finished loss is of one size at every compute")
    slope, centre = np.polyfit(curves.grid[several], curves.log_sizes[best[several]], 1)
    nothing = np.full(len(curves.grid), np.nan)
    return MovingProfile(
        centre=float(centre),
        exponent=float(slope),
        sharpness=SHARPNESS,
        asymmetry=0.0,
        inside=several,
        level=nothing,
        fall=np.zeros(len(curves.grid)),  # a first level without the profile's height
        local=nothing,
        covariance=np.full((2, 2), np.nan),
        noise=np.nan,
        free=0,
    )


def _not_between(why: str) -> RefusedError:
    return RefusedError(
        "optimum_not_between",
        f"{why}: the best size does not lie between sizes with finished runs over enough compute for a power law",
    )


def _between(curves: FinishedCurves, profile: MovingProfile) -> tuple[Mask, Mask]:
    """(places of the grid where the optimum lies between sizes, (place, size) pairs that count there)."""
    optimum = profile.centre + profile.exponent * curves.grid
    away = curves.log_sizes[curves.size] - optimum[curves.place]
    near = np.abs(away) <= np.log(WINDOW)
    below, above = np.zeros(len(curves.grid), dtype=bool), np.zeros(len(curves.grid), dtype=bool)
    below[curves.place[near & (away <= 0)]] = True
    above[curves.place[near & (away >= 0)]] = True
    inside = below & above
    used = near & inside[curves.place]
    span = np.ptp(curves.grid[inside]) if inside.any() else 0.0
    if span < SHORTEST or used.sum() < _FEWEST_PAIRS:
        raise _not_between(
            f"the optimum lies between finished sizes over a factor {format_number(np.exp(span))} of compute"
        )
    return inside, used


@dataclass(frozen=True, kw_only=True, eq=False)
class _Linearised:
    """The least-squares problem of one round, linear in the step."""

    matrix: Array
    """(pairs + 2, 4) by centre, a, ln sharpness, asymmetry; the last two rows are the priors."""
    residual: Array
    """(pairs + 2,) relative losses less the profile, and what the priors pull."""
    share: Array
    """(pairs,) weight of a pair among those of its place."""
    level: Array
    fall: Array


def _linearised(curves: FinishedCurves, profile: MovingProfile, inside: Mask, used: Mask) -> _Linearised:
    """The problem about `profile`; u is ln N less ln N_opt of each (place, size) pair that counts."""
    place, loss = curves.place[used], curves.loss[used]
    u = curves.log_sizes[curves.size[used]] - profile.centre - profile.exponent * curves.grid[place]
    alpha, beta = profile.sharpness - 1.5 * profile.asymmetry, profile.sharpness + 1.5 * profile.asymmetry
    weight = 1 / loss**2
    total = np.bincount(place, weight, len(curves.grid))
    total[total == 0] = 1.0

    def mean(values: Array) -> Array:  # over the pairs of each place, weighted
        return np.asarray(np.bincount(place, weight * values, len(curves.grid)) / total)

    psi = np.expm1(beta * u) / beta + np.expm1(-alpha * u) / alpha  # expm1: near the optimum both terms cancel
    level = mean(loss - profile.fall[place] * psi)
    fall = _fall(curves.grid, level, inside)
    slope = fall[place]
    # Derivatives of s psi by u, beta and alpha; by ln sharpness and asymmetry through alpha, beta = sharpness -+ 1.5
    # asymmetry.
    along = -slope * (np.exp(beta * u) - np.exp(-alpha * u))
    by_beta = slope * (beta * u * np.exp(beta * u) - np.expm1(beta * u)) / beta**2
    by_alpha = slope * (-alpha * u * np.exp(-alpha * u) - np.expm1(-alpha * u)) / alpha**2
    columns = (along, along * curves.grid[place], profile.sharpness * (by_alpha + by_beta), 1.5 * (by_beta - by_alpha))
    root = np.sqrt(weight)
    # Less their means at each place: that eliminates the free levels.
    matrix = np.stack([root * (column - mean(column)[place]) for column in columns], axis=1)
    residual = root * (loss - slope * psi - level[place])
    # Pairs of the grid are many more than the ends they come from: a prior counts as against ends.
    squares = float(residual @ residual) * len(curves.ends) / len(residual) + curves.squares
    free = curves.free + len(curves.ends) - len(curves.log_sizes)
    noise = max(float(np.sqrt(squares / max(free, 1))), SEED_NOISE)
    scale = noise * np.sqrt(len(residual) / len(curves.ends))
    prior = scale * np.array([[0, 0, 1 / SHARPNESS_SPREAD, 0], [0, 0, 0, 1 / PRIOR_ASYMMETRY]])
    off_prior = [np.log(SHARPNESS / profile.sharpness) / SHARPNESS_SPREAD, -profile.asymmetry / PRIOR_ASYMMETRY]
    return _Linearised(
        matrix=np.vstack([matrix, prior]),
        residual=np.concatenate([residual, scale * np.array(off_prior)]),
        share=weight / total[place],
        level=level,
        fall=fall,
    )


def _fall(grid: Array, level: Array, inside: Mask) -> Array:
    """-dL*/d ln C along the grid, from E + R C^-g through the levels. Raises RefusedError where they do not fall."""
    one = np.zeros(int(inside.sum()), dtype=np.int64)
    exponent = common_exponent(grid[inside], level[inside], 1 / level[inside] ** 2, one)[0]
    gained = float(np.polyfit(power(exponent, grid[inside]), level[inside], 1)[0])
    if gained >= 0:
        raise RefusedError("loss_does_not_fall", "the least finished loss does not fall as compute grows")
    return np.asarray(-gained * np.exp(-exponent * grid))


def _finished(curves: FinishedCurves, profile: MovingProfile, inside: Mask, used: Mask) -> MovingProfile:
    """The profile with its level, its local optima and the covariance of its line that the noise of the ends causes."""
    system = _linearised(curves, profile, inside, used)
    matrix, residual = system.matrix[:-2], system.residual[:-2]
    place = curves.place[used]
    inverse = np.linalg.inv(system.matrix.T @ system.matrix)
    root = 1 / curves.loss[used]
    # d (centre, a, ...) / d ln loss of each end, (4, ends): finished losses are interpolated between the ends of their
    # size, linearly in these; the columns of `matrix` are free of the levels.
    through = np.zeros((4, len(curves.ends)))
    number = np.full(len(curves.size), -1)
    number[used] = np.arange(int(used.sum()))
    variance = np.zeros(len(place))
    for pairs, ends, along, fitted in curves.weights:
        mine = number[pairs]
        along, mine, fitted = along[mine >= 0], mine[mine >= 0], fitted * curves.ends[ends]
        through[:, ends] = inverse @ ((matrix[mine] * root[mine, None]).T @ along) @ fitted
        variance[mine] = (root[mine] ** 2) * np.einsum("ij,jk,ik->i", along, fitted @ fitted.T, along)
    # Expected sum of squares over pairs for unit noise: sizes are independent; less the part that levels and line fit.
    expected = float(variance @ (1 - system.share)) - float(np.sum((matrix.T @ matrix) * (through @ through.T)))
    between = max(len(np.unique(curves.size[used])) - 3, 1)
    across = float(residual @ residual) / expected if expected > 1e-9 else 0.0
    noise = max(float(np.sqrt((curves.squares + between * across) / (curves.free + between))), SEED_NOISE)
    spread = through[:2] * noise
    covariance = spread @ spread.T
    by_run = np.array([np.bincount(curves.run, row) for row in spread], dtype=np.float64)
    together = by_run @ by_run.T
    if together[1, 1] > covariance[1, 1]:  # ends that branch off one run may share its luck: the wider of the two
        covariance = together
    # Sharpness and asymmetry may lie off their priors by the priors' own spread.
    held = inverse[:2] @ system.matrix[-2:].T * noise * np.sqrt(len(residual) / len(curves.ends))
    covariance = covariance + held @ held.T
    # One Newton step of ln N_opt at each place, from the residuals of that place alone.
    pull = np.bincount(place, matrix[:, 0] * residual, len(curves.grid))
    firm = np.bincount(place, matrix[:, 0] ** 2, len(curves.grid))
    local = profile.centre + profile.exponent * curves.grid + pull / np.where(firm > 0, firm, 1.0)
    return replace(
        profile,
        inside=inside,
        level=np.where(inside, system.level, np.nan),
        fall=system.fall,
        local=np.where(inside & (firm > 0), local, np.nan),
        covariance=covariance,
        noise=noise,
        free=between,
    )
