"""Refits of approach 3 to resampled runs: exact where that is affordable, one Newton step each for large tables.

The one-step bootstrap is that of Davidson and MacKinnon 1999: its error falls as 1 / rows, the spread of the draws as 1
over their root.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.fit.parametric.multistart import best_grid_start
from isoflop.fit.parametric.newton import RESAMPLE, minimise
from isoflop.fit.parametric.objective import HuberObjective, SecondOrder, expand_at_one, row_shares
from isoflop.fit.resampling import run_weights
from isoflop.fit.result import ResamplingMethod

# Rows up to which every draw is refitted. Above, a Newton step from the optimum of all rows moves each draw to within
# .05 standard deviations of its refit and the limits by 2 % of their width (6,000 rows, normal and t3 noise); at 1,000
# rows it would be .2 and 10 %.
_EXACT_ROWS = 6000
# Draws x rows that are affordable where a table has so many rows but few runs, so that a draw is too far for one step.
_MOST_CELLS = 24_000_000
_BLOCK = 65_536  # rows whose derivatives are held at a time: 56 numbers each
# Runs of a large table are dealt into so many bundles, drawn whole: a standard deviation from b bundles is itself known
# to 1 / sqrt(2 b), 2.2 %, compared with the 1.1 % of 4,000 draws.
_BUNDLES = 1000
_FEWEST_DRAWS = 200
_CHECKED = 4  # draws of a large table that are also refitted to all rows, to know the error of one step
_BETTER = 1e-8  # share of F by which a second start has to be better to count as another optimum
# A second start is followed until it is within half a standard deviation of where the first ended, or a step promises
# less than this share of F; then it cannot get below the first any more, or is followed to its end.
_NEAR, _ROUGH = 0.5, 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Refits:
    """The optimum of each resample."""

    theta: Array
    """(draws, 5), in the objective's coordinates."""
    method: ResamplingMethod
    checked: int
    """Draws computed a second time: from another start, or for `one_step` by a refit to all rows."""
    moved: int
    """How many of these the second way moved: to a lower F, for `one_step` by more than .1 sd."""


def bootstrap(
    objective: HuberObjective, theta: Array, run: Labels, stratum: Labels, draws: int, rng: np.random.Generator
) -> Refits:
    """`draws` refits, runs drawn with replacement within their stratum; run (rows,) numbers a row's, stratum (runs,).

    Two starts a resample: the optimum of all rows, and the resample's own best grid cell. Above 6,000 rows the runs are
    dealt into 1,000 bundles that are drawn whole, and each draw is one Newton step from theta with its own gradient and
    Hessian; a few are refitted to all rows to know what more steps would change. Where so many rows come from 1,000
    runs or fewer, the draws are refitted but there are fewer of them, in proportion; of more than 120,000 such rows
    60,000 are refitted to, evenly over each run, and the draws moved by what that moves the optimum of all rows.
    """
    if len(objective.x) > _EXACT_ROWS and len(stratum) > _BUNDLES:
        return _one_step(objective, theta, run, stratum, draws, rng)
    most = _MOST_CELLS // _FEWEST_DRAWS
    if len(objective.x) > most:
        order = np.lexsort((objective.z, objective.y, objective.x, run))
        some = order[np.linspace(0, len(order) - 1, most // 2).astype(np.int64)]
        thin = objective.rows(some)
        middle = minimise(thin, theta[None], np.ones((1, len(some)))).theta[0]
        refits = bootstrap(thin, middle, run[some], stratum, min(draws, _FEWEST_DRAWS), rng)
        return replace(refits, theta=refits.theta + (theta - middle))
    draws = min(draws, max(_FEWEST_DRAWS, _MOST_CELLS // len(objective.x)))
    weights = run_weights(stratum, draws, rng)[:, run]
    starts = np.broadcast_to(theta, (draws, 5))
    warm = minimise(objective, starts, weights, RESAMPLE, expand_at_one(objective, theta, weights))
    near = _NEAR * warm.theta.std(axis=0)
    second = minimise(objective, best_grid_start(objective, weights), weights, _ROUGH, meeting=(warm.theta, near))
    # A second start that reached the same place, or stopped at a worse one, need not be followed to its end.
    elsewhere = np.any(np.abs(second.theta - warm.theta) > near, axis=1)
    rival = np.flatnonzero(elsewhere & (second.value < warm.value * (1 + 10 * _ROUGH)))
    optima, moved = warm.theta, 0
    if len(rival):
        ends = minimise(objective, second.theta[rival], weights[rival], RESAMPLE)
        better = ends.value < warm.value[rival] * (1 - _BETTER)
        optima[rival[better]], moved = ends.theta[better], int(better.sum())
    return Refits(theta=optima, method="refit", checked=draws, moved=moved)


def _one_step(
    objective: HuberObjective, theta: Array, run: Labels, stratum: Labels, draws: int, rng: np.random.Generator
) -> Refits:
    bundle, stratum_of_bundle = _bundles(stratum, rng)
    of_row = bundle[run]
    bundled = sum(
        _sums(row_shares(objective.rows(rows), theta), of_row[rows], len(stratum_of_bundle))
        for rows in (slice(start, start + _BLOCK) for start in range(0, len(of_row), _BLOCK))
    )
    weights = run_weights(stratum_of_bundle, draws, rng)
    at = SecondOrder(packed=weights @ bundled)
    stepped = theta - np.linalg.solve(at.hessian, at.gradient[..., None])[..., 0]
    chosen = np.linspace(0, draws - 1, min(_CHECKED, draws)).astype(np.int64)
    exact = minimise(objective, stepped[chosen], weights[chosen][:, of_row], RESAMPLE).theta
    off = np.any(np.abs(exact - stepped[chosen]) > 0.1 * stepped.std(axis=0), axis=1)
    return Refits(theta=stepped, method="one_step", checked=len(chosen), moved=int(off.sum()))


def _sums(shares: Array, bundle: Labels, count: int) -> Array:
    """The sum of each bundle's rows, (count, columns)."""
    return np.stack([np.bincount(bundle, column, count) for column in shares.T], axis=1, dtype=np.float64)


def _bundles(stratum: Labels, rng: np.random.Generator) -> tuple[Labels, Labels]:
    """(bundle of each run, stratum of each bundle): dealt at random within strata, in sizes that differ by one."""
    bundle = np.empty(len(stratum), dtype=np.int64)
    of_bundle: list[int] = []
    for label in np.unique(stratum):
        members = rng.permutation(np.flatnonzero(stratum == label))
        count = min(len(members), max(2, round(_BUNDLES * len(members) / len(stratum))))
        bundle[members] = len(of_bundle) + np.arange(len(members)) % count
        of_bundle += [int(label)] * count
    return bundle, np.array(of_bundle, dtype=np.int64)
