"""L = E + R_side s^-gamma along one line of designs: one ratio of tokens to parameters, or one size.

The law of runs that lie on one line in (ln N, ln D), where the two terms of the full law are not identified; s is
what is spent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.distributions import student_grid

_GAMMAS = np.exp(np.linspace(np.log(0.01), np.log(2.0), 60))
_FINER = 5
"""Times that the grid is narrowed about its best for the fit itself, to a step of 1e-9."""
_APART = 0.05
"""In ln of what is spent: places closer than this are one."""
_ENOUGH_PLACES = 3
"""Places on the line from which on the exponent is fitted."""
_CONSTANTS, _CONSTANTS_OF_TWO = 4, 3
ALONG_FRONTIER, OF_ONE_TERM = 0.17, 0.35
"""Exponents of compute and of sizes or tokens alone: published laws with a floor have .154 to .178, and .28 to .37."""
_USUAL_SPREAD = 0.35
"""Standard deviation of ln exponent: 90 % of draws are within a factor of 1.8, for other data and small models."""
_MOST_FALL = 0.5
"""Share of the draws in which the losses of both recipes have to fall."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LineLaw:
    """The fit and its draws: E and gamma, shared by both recipes."""

    floor: float
    exponent: float
    floors: Array
    """(draws,)."""
    exponents: Array
    """(draws,)."""
    sd: float
    """Of the residuals of ln loss."""
    degrees: int
    """Runs less constants."""
    fitted_exponent: bool = True
    """False of two places on the line, where the exponent is the usual one."""

    def with_floor(self, log_spent: Array, log_loss: Array, is_a: Array, floor: float) -> float:
        """The exponent fitted with E held at `floor`."""
        above = np.log(np.exp(log_loss) - floor)
        return _common_slope(log_spent, above, is_a > 0.5)[0]


def fit_line(
    log_spent: Array, log_loss: Array, is_a: Array, draws: int, seed: int, usual: float = ALONG_FRONTIER
) -> LineLaw | None:
    """The law of runs that spent exp(log_spent) and ended at exp(log_loss), (runs,); None where it is not identified.

    Two places on the line do not tell how the slope bends between them: the exponent is then `usual`, give or take what
    it varies by. At each gamma of a grid E and the two coefficients follow by least squares of relative errors; the
    draws are refits to the fit with fresh normal noise of the size of the residuals.
    """
    order = np.lexsort((log_loss, log_spent))
    # Which side comes first decides rounding: it is that of the first run, whichever is called A.
    x, z, side = log_spent[order], log_loss[order], is_a[order] == is_a[order][0]
    places = max(_places(x[side]), _places(x[~side]))
    constants = _CONSTANTS if places >= _ENOUGH_PLACES else _CONSTANTS_OF_TWO
    if places < 2 or len(x) <= constants:
        return None
    x = x - x.mean()
    rng = np.random.default_rng(seed)
    if places < _ENOUGH_PLACES:
        gammas = usual * np.exp(_USUAL_SPREAD * rng.permutation(student_grid(draws, np.inf)))
        return _by_usual_exponent(x, z, side, gammas, rng.standard_normal((draws, len(x))))
    fit, floor, gamma = _saturating(x, z[None], side, _GAMMAS)
    width = float(np.log(_GAMMAS[1] / _GAMMAS[0]))
    for _ in range(_FINER):
        if not gamma[0] > 0:
            return None
        fit, floor, gamma = _saturating(x, z[None], side, float(gamma[0]) * np.exp(np.linspace(-width, width, 31)))
        width /= 15
    if not gamma[0] > 0:
        return None
    degrees = len(x) - constants
    sd = float(np.sqrt(np.sum((fit[0] - z) ** 2) / degrees))
    _, floors, gammas = _saturating(x, fit + sd * rng.standard_normal((draws, len(x))), side, _GAMMAS)
    usable = gammas > 0
    if usable.mean() < _MOST_FALL:
        return None
    return LineLaw(
        floor=float(floor[0]),
        exponent=float(gamma[0]),
        floors=floors[usable],
        exponents=gammas[usable],
        sd=sd,
        degrees=degrees,
    )


def _places(x: Array) -> int:
    return 1 + int(np.sum(np.diff(np.unique(x)) > _APART))


def _by_usual_exponent(x: Array, z: Array, side: Mask, gammas: Array, noise: Array) -> LineLaw | None:
    """The law of two places with the usual exponent; a draw has fresh noise and an exponent of `gammas` (draws,)."""
    weight = np.exp(-z)

    def solved(gamma: float, log_loss: Array) -> tuple[Array, Array]:
        """(constants, ln loss at the runs) of least relative squares: the law is linear but for gamma."""
        design = _columns(np.exp(-gamma * x), weight, side)
        linear = _solved(design, np.exp(log_loss) * weight)
        return linear, np.log(np.maximum(linear @ design, 1e-9) / weight)

    usual = float(np.exp(np.log(gammas).mean()))
    linear, fit = solved(usual, z)
    if not np.all(linear[1:] > 0):
        return None
    degrees = len(x) - _CONSTANTS_OF_TWO
    sd = float(np.sqrt(np.sum((fit - z) ** 2) / degrees))
    drawn = [solved(float(gamma), fit + sd * each)[0] for gamma, each in zip(gammas, noise, strict=True)]
    usable = np.array([bool(np.all(each[1:] > 0)) for each in drawn])
    if usable.mean() < _MOST_FALL:
        return None
    floors = np.array([float(each[0]) for each in drawn])
    return LineLaw(
        floor=float(linear[0]),
        exponent=usual,
        floors=floors[usable],
        exponents=gammas[usable],
        sd=sd,
        degrees=degrees,
        fitted_exponent=False,
    )


def _common_slope(x: Array, z: Array, side: Mask) -> tuple[float, Array]:
    """(-dz/dx with a level for each side, fitted z)."""
    mean_x, mean_z = (np.where(side, v[side].mean(), v[~side].mean()) for v in (x, z))
    slope = float((x - mean_x) @ (z - mean_z) / ((x - mean_x) @ (x - mean_x)))
    return -slope, mean_z + slope * (x - mean_x)


def _saturating(x: Array, z: Array, side: Mask, grid: Array) -> tuple[Array, Array, Array]:
    """(fitted ln loss (batch, runs), E (batch,), gamma (batch,)) of ln losses (batch, runs); gamma 0 where none falls.

    The error at the best gamma of `grid` and its neighbours is interpolated by a parabola in ln gamma. Errors are
    relative to the losses of the first member.
    """
    weight = 1 / np.exp(z[0])
    response = np.exp(z) * weight
    errors = np.stack([_error(np.exp(-gamma * x), weight, response, side) for gamma in grid])
    best = np.clip(errors.argmin(axis=0), 1, len(grid) - 2)
    rows = np.arange(len(z))
    low, middle, high = (errors[best + step, rows] for step in (-1, 0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.clip(0.5 * (low - high) / (low - 2 * middle + high), -0.5, 0.5)
    step = np.log(grid[1] / grid[0])
    gamma = grid[best] * np.exp(np.where(np.isfinite(shift), shift, 0.0) * step)
    linear, design = np.empty((len(z), 3)), np.empty((len(z), 3, len(x)))
    for member, power in enumerate(np.exp(-gamma[:, None] * x)):
        design[member] = _columns(power, weight, side)
        linear[member] = _solved(design[member], response[member])
    falls = np.all(linear[:, 1:] > 0, axis=1)
    fit = np.einsum("bi,bij->bj", linear, design) / weight
    return np.log(np.where(falls[:, None], fit, np.exp(z))), linear[:, 0], np.where(falls, gamma, 0.0)


def _columns(power: Array, weight: Array, side: Mask) -> Array:
    """1 and s^-gamma of each side, weighted, (3, runs)."""
    return np.stack([np.ones_like(power), power * side, power * ~side]) * weight


def _solved(design: Array, response: Array) -> Array:
    """Least squares (3,) with E zero where it would be negative."""
    gram, right = design @ design.T, design @ response
    linear = np.linalg.solve(gram + 1e-13 * np.diag(np.diag(gram)), right)
    if linear[0] < 0:
        linear = np.concatenate([[0.0], right[1:] / np.diag(gram)[1:]])
    return np.asarray(linear, dtype=np.float64)


def _error(power: Array, weight: Array, response: Array, side: Mask) -> Array:
    """Squared error (batch,) at one gamma of the best E, zero or above, and coefficients; infinite where one is not."""
    design = _columns(power, weight, side)
    gram, right = design @ design.T, design @ response.T
    linear = np.linalg.solve(gram + 1e-13 * np.diag(np.diag(gram)), right)
    without = np.concatenate([np.zeros((1, right.shape[1])), right[1:] / np.diag(gram)[1:, None]])
    linear = np.where(linear[0] < 0, without, linear)
    error = np.sum((linear.T @ design - response) ** 2, axis=1)
    return np.asarray(np.where(np.all(linear[1:] > 0, axis=0), error, np.inf))
