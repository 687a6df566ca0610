"""Damped Newton for approach 3, from many starts or for many resamples at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.fit.objective import Expansion, Problem, Room, expand

Array = NDArray[np.float64]

_MAX_STEPS = 200
_MAX_RESAMPLE_STEPS = 60  # most take ten; those that take more slide along a valley that identifies nothing
# Batch x rows worked on at once: with fewer the calls cost more than the arithmetic, more leave a core's cache.
_CHUNK_CELLS = 40_000
# Where E, A or B runs to 0 its logarithm runs to minus infinity; e^-30 of a loss is zero for every purpose.
_LOWEST_LOG = -30.0
_LONGEST_STEP = 2.0
# A member stops when the quadratic model promises less than this share of F; the fit itself, and its resamples.
TIGHT, RESAMPLE = 1e-14, 1e-9
_ROUNDING = 1e-26  # F per row of residuals that are rounding errors, (1e-13)^2: nothing is left to gain
# Factors on the damping after a step that lowers F and after one that does not: of five pairs tried on the 240 points
# of Hoffmann et al.'s Figure 4 the one with the fewest steps, from far starts and near ones.
_EASE, _TIGHTEN = 0.3, 10.0
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 0.1, 1e-7, 1e9
_FLATTEST_GAUSS = 1e-6 * np.eye(5)  # added to M at unit diagonal: a direction without any slope still has a step
_DIAGONAL = np.arange(5)
_MAX_FAILS = 12  # failed steps in a row, after which a kink of Huber's loss is the minimum


@dataclass(frozen=True, kw_only=True, eq=False)
class Minima:
    """Where each member of a batch ended."""

    theta: Array
    """(batch, 5)."""
    value: Array
    """F there."""
    gradient: Array
    """Norm of dF/dtheta there, over delta times the weights' sum: 1 is the largest possible slope's order."""
    steps: NDArray[np.int64]
    """Steps taken."""


def minimise(problem: Problem, starts: Array, weights: Array, tolerance: float = TIGHT) -> Minima:
    """Damped Newton on the exact Huber Hessian from every start (batch, 5), weights (batch or 1, rows).

    H + lambda M with M the Gauss-Newton matrix of Huber's re-weighted least squares: Newton's speed near the optimum,
    descent far from it. Every member stops by itself, when a step promises less than `tolerance` of F.
    """
    size = max(1, _CHUNK_CELLS // len(problem.x))
    room = Room(min(size, len(starts)), len(problem.x))
    shared = len(weights) == 1
    parts = [
        _descend(problem, starts[i : i + size], weights if shared else weights[i : i + size], tolerance, room)
        for i in range(0, len(starts), size)
    ]
    return Minima(
        theta=np.concatenate([part.theta for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        gradient=np.concatenate([part.gradient for part in parts]),
        steps=np.concatenate([part.steps for part in parts]),
    )


def _descend(problem: Problem, starts: Array, weights: Array, tolerance: float, room: Room) -> Minima:
    count, shared = len(starts), len(weights) == 1
    ends = Minima(
        theta=starts.copy(),
        value=np.empty(count),
        gradient=np.empty(count),
        steps=np.zeros(count, dtype=np.int64),
    )
    scale = problem.delta * weights.sum(axis=-1) * np.ones(count)
    negligible = _ROUNDING * len(problem.x)
    active, theta = np.arange(count), starts.copy()
    at = expand(problem, theta, weights, room)
    damping, fails = np.full(count, _FIRST_DAMPING), np.zeros(count, dtype=np.int64)
    for number in range(1, 1 + (_MAX_STEPS if tolerance < RESAMPLE else _MAX_RESAMPLE_STEPS)):
        step = _steps(at, damping)
        promised = -np.einsum("bi,bi->b", at.gradient, step)
        trial = theta + step
        np.maximum(trial[:, :3], _LOWEST_LOG, out=trial[:, :3])
        tried = expand(problem, trial, weights, room)
        better = tried.value < at.value
        small = promised <= tolerance * at.value
        if better.all():
            theta, at = trial, tried
        else:
            theta = np.where(better[:, None], trial, theta)
            at = Expansion(packed=np.where(better[:, None], tried.packed, at.packed))
        damping = np.clip(damping * np.where(better, _EASE, _TIGHTEN), _LEAST_DAMPING, _MOST_DAMPING)
        fails = np.where(better, 0, fails + 1)
        # A small promise under large damping says nothing; under small damping it is convergence.
        done = (small & (damping < 1.0)) | (fails > _MAX_FAILS) | (at.value <= negligible)
        if done.any():
            rows = active[done]
            ends.theta[rows], ends.value[rows] = theta[done], at.value[done]
            ends.gradient[rows] = np.linalg.norm(at.gradient[done], axis=-1) / scale[rows]
            ends.steps[rows] = number
            left = ~done
            active, theta, damping, fails = active[left], theta[left], damping[left], fails[left]
            at = Expansion(packed=at.packed[left])
            weights = weights if shared else weights[left]
            if not len(active):
                return ends
    ends.theta[active], ends.value[active] = theta, at.value
    ends.gradient[active] = np.linalg.norm(at.gradient, axis=-1) / scale[active]
    ends.steps[active] = number
    return ends


def _steps(at: Expansion, damping: Array) -> Array:
    """Solutions of (H + lambda M) s = -g, or of (1 + lambda) M s = -g where that is no descent, none longer than 2."""
    scale = np.sqrt(np.maximum(at.gauss[:, _DIAGONAL, _DIAGONAL], 1e-300))
    unit = 1.0 / (scale[:, :, None] * scale[:, None, :])
    gauss = at.gauss * unit + _FLATTEST_GAUSS
    g = -at.gradient / scale
    step = _solved(at.hessian * unit + damping[:, None, None] * gauss, g)
    uphill = ~(np.einsum("bi,bi->b", step, g) > 0)
    if uphill.any():
        step[uphill] = _solved((1 + damping[uphill])[:, None, None] * gauss[uphill], g[uphill])
    step /= scale
    longest = np.abs(step).max(axis=-1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-300)))


def _solved(matrices: Array, right: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(matrices, right[..., None])[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:  # one exactly singular member would fail the batch
        return np.asarray((np.linalg.pinv(matrices) @ right[..., None])[..., 0], dtype=np.float64)
