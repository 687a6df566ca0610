"""Finished losses of each size against compute, from the ends of its runs: the curves that approach 1 compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.errors import RefusedError
from isoflop.fit.budgets import split_by_label

GRID = 150
"""FLOP values, log-spaced. Hoffmann et al. 2022, section 3.1, take 1,500, of which neighbours choose the same run."""
_SMALLEST, _LARGEST = 0.03, 1.5  # exponents of falls with compute: published beta are .28 to .71 (Gemstones)
_TRIED = 9  # exponents to begin with; golden section between the neighbours of the best
_GOLDEN = 0.5 * (np.sqrt(5) - 1)
_EXACT = 1e-4  # relative
_SAME = 1e-6  # of ln C: ends nearer than that are of one horizon
_FEWEST_SIZES = 3


def power(exponent: float, t: Array) -> Array:
    """(1 - exp(-exponent t)) / exponent: the fall since t = 0 of a loss that falls as a power of exp(t), scaled."""
    return np.asarray(-np.expm1(-exponent * t) / exponent)


def common_exponent(t: Array, y: Array, weight: Array, group: Labels) -> tuple[float, float]:
    """(exponent, weighted sum of squares) of y = e_g + b_g power(exponent, t), least squares, e and b of each group."""
    # Variable projection: given the exponent, e and b of each group have closed forms. Centring removes e.
    total = np.bincount(group, weight)
    y = y - (np.bincount(group, weight * y) / total)[group]

    def sum_of_squares(exponent: float) -> float:
        """The least weighted sum of squares at `exponent`."""
        f = power(exponent, t)
        f = f - (np.bincount(group, weight * f) / total)[group]
        squares = np.bincount(group, weight * f * f)
        slope = np.bincount(group, weight * f * y) / np.where(squares > 0, squares, 1.0)
        residuals = y - slope[group] * f
        return float(weight @ residuals**2)

    tried = np.geomspace(_SMALLEST, _LARGEST, _TRIED)
    best = int(np.argmin([sum_of_squares(float(value)) for value in tried]))
    # Golden section in ln exponent between the neighbours of the best; one evaluation a step.
    low, high = np.log(tried[max(best - 1, 0)]), np.log(tried[min(best + 1, _TRIED - 1)])
    first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_first, at_second = sum_of_squares(np.exp(first)), sum_of_squares(np.exp(second))
    while high - low > _EXACT:
        if at_first < at_second:
            high, second, at_second = second, first, at_first
            first = high - _GOLDEN * (high - low)
            at_first = sum_of_squares(np.exp(first))
        else:
            low, first, at_first = first, second, at_second
            second = low + _GOLDEN * (high - low)
            at_second = sum_of_squares(np.exp(second))
    exponent = float(np.exp(0.5 * (low + high)))
    return exponent, sum_of_squares(exponent)


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedCurves:
    """Loss of finished runs of each size on a grid of ln C, as pairs (size, place of the grid) inside its own ends."""

    grid: Array
    """ln C less `log_flops`."""
    log_flops: float
    """Mean ln C of the ends."""
    log_sizes: Array
    """ln N of each size, ascending."""
    size: Labels
    """(pairs,) number of the pair's size."""
    place: Labels
    """(pairs,) its place in the grid."""
    loss: Array
    """(pairs,) its loss."""
    weights: tuple[tuple[Labels, Labels, Array, Array], ...]
    """For each size (its pairs, its ends, (pairs, 2), (2, ends)): losses of pairs are their product times the ends'."""
    ends: Array
    """Losses of the ends."""
    run: Labels
    """(ends,) number of the end's run."""
    squares: float
    """Sum of squared relative residuals of the ends about their size's curve."""
    free: int
    """Degrees of freedom of `squares`."""


def finished_curves(log_params: Array, log_flops: Array, loss: Array, run_id: Sequence[str]) -> FinishedCurves:
    """Curves L = e + b C^-c through the ends of each size with two horizons or more, c common to all sizes.

    Between two ends four times apart in compute a straight line in ln C would be 1 % too high, more than the sizes of
    a frontier differ by; a power of the size's own compute has the curvature that its other ends show.
    Raises RefusedError `one_horizon_a_size` where no three sizes have two horizons, `too_few_runs` where no size has
    enough ends to determine c.
    """
    order = _ends_of_several_horizons(log_params, log_flops, loss)
    x, t, y = log_params[order], log_flops[order], loss[order]
    numbers: dict[str, int] = {}  # in the order of the ends, so that names change nothing
    run = np.array([numbers.setdefault(run_id[i], len(numbers)) for i in order], dtype=np.int64)
    sizes, size = np.unique(x, return_inverse=True)
    free = len(y) - 2 * len(sizes) - 1
    if free < 1:
        raise RefusedError(
            "too_few_runs",
            f"{len(y)} finished runs of {len(sizes)} sizes: at least one size needs three horizons, to tell how losses "
            "fall between the ends of runs",
        )
    centre = float(t.mean())
    t = t - centre
    exponent, squares = common_exponent(t, y, 1 / y**2, size)
    grid = np.linspace(float(t.min()), float(t.max()), GRID)
    pairs, places, weights = [], [], list[tuple[Labels, Labels, Array, Array]]()
    count = 0
    for i, ends in enumerate(split_by_label(np.arange(len(y)), size)):
        at = np.flatnonzero((grid >= t[ends[0]] - _SAME) & (grid <= t[ends[-1]] + _SAME))
        # Least squares of the two constants on the ends, then evaluated on the grid: linear in the losses of the ends.
        along = np.stack([np.ones(len(at)), power(exponent, grid[at])], axis=1)
        through = np.stack([np.ones(len(ends)), power(exponent, t[ends])], axis=1) / y[ends, None]
        weights.append((np.arange(count, count + len(at)), ends, along, np.linalg.pinv(through) / y[ends]))
        count += len(at)
        pairs.append(np.full(len(at), i))
        places.append(at)
    return FinishedCurves(
        grid=grid,
        log_flops=centre,
        log_sizes=sizes,
        size=np.concatenate(pairs),
        place=np.concatenate(places),
        loss=np.concatenate([along @ (fitted @ y[ends]) for _, ends, along, fitted in weights]),
        weights=tuple(weights),
        ends=y,
        run=run,
        squares=squares,
        free=free,
    )


def _ends_of_several_horizons(log_params: Array, log_flops: Array, loss: Array) -> Labels:
    """Ends of the sizes with two horizons or more, by size and compute. Raises RefusedError where these are too few."""
    order = np.lexsort((loss, log_flops, log_params))
    sizes, size = np.unique(log_params[order], return_inverse=True)
    new = (np.diff(log_flops[order], prepend=-np.inf) > _SAME) | (np.diff(size, prepend=-1) > 0)
    several = np.bincount(size, new) >= 2
    if several.sum() < _FEWEST_SIZES:
        raise RefusedError(
            "one_horizon_a_size",
            f"{int(several.sum())} of {len(sizes)} sizes have finished runs of two horizons or more: losses of "
            f"finished runs at one compute can be compared of {_FEWEST_SIZES} such sizes and more",
        )
    return np.asarray(order[several[size]], dtype=np.int64)
