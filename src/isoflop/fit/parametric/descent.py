"""Damped Newton for a batch of members at once, for any objective that says its slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 80
_MAX_FAILS = 12  # failed steps in a row, each with six times the damping: a kink of Huber's loss is the minimum


@dataclass(frozen=True, kw_only=True, eq=False)
class Slopes:
    """Derivatives of F for each member of a batch."""

    gradient: Array
    """(batch, constants)."""
    hessian: Array
    """(batch, constants, constants); may be indefinite."""
    gauss: Array
    """The Gauss-Newton matrix of the re-weighted squares, (batch, constants, constants): never indefinite."""


def descend(
    value: Callable[[Array, Array], Array],
    slopes: Callable[[Array, Array], Slopes],
    start: Array,
    weights: Array,
    limits: tuple[Array, Array],
    tolerance: float,
) -> tuple[Array, Array]:
    """(theta, F) after Newton steps from `start` (batch, constants) under weights (batch or 1, rows), within limits.

    H + lambda diag(M), M the Gauss-Newton matrix; where that is no descent, M + lambda diag(M). A member stops when its
    step promises less than `tolerance` of F.
    """
    lowest, highest = limits
    theta = np.clip(start, lowest, highest)
    found = value(theta, weights)
    damping, fails = np.full(len(theta), 1e-2), np.zeros(len(theta), dtype=int)
    active = np.arange(len(theta))
    for _ in range(_STEPS):
        w = weights if len(weights) == 1 else weights[active]
        s = slopes(theta[active], w)
        # A constant that stands at its limit and would go beyond it takes no part in this step.
        free = ~(((theta[active] <= lowest) & (s.gradient > 0)) | ((theta[active] >= highest) & (s.gradient < 0)))
        step = _steps(s, free, damping[active])
        trial = np.clip(theta[active] + step, lowest, highest)
        new = value(trial, w)
        better = new < found[active]
        promised = -((s.gradient * free) * step).sum(axis=-1)
        moved = active[better]
        theta[moved], found[moved] = trial[better], new[better]
        damping[active] = np.clip(damping[active] * np.where(better, 0.15, 6.0), 1e-9, 1e9)
        fails[active] = np.where(better, 0, fails[active] + 1)
        small = (promised <= tolerance * found[active] + 1e-300) & (damping[active] < 1.0)
        active = active[~(small | (fails[active] > _MAX_FAILS))]
        if not len(active):
            break
    return theta, found


def _steps(s: Slopes, free: NDArray[np.bool_], damping: Array) -> Array:
    scale = np.sqrt(np.maximum(np.einsum("bii->bi", s.gauss), 1e-300))
    unit = scale[:, :, None] * scale[:, None, :]
    both = free[:, :, None] & free[:, None, :]
    eye = np.eye(scale.shape[1])
    g = (-s.gradient / scale * free)[..., None]
    hessian, gauss = np.where(both, s.hessian / unit, eye), np.where(both, s.gauss / unit, eye)
    ridge = (damping[:, None, None] + 1e-12) * eye
    step = np.linalg.solve(hessian + ridge + 1e-14 * eye, g)[..., 0]
    downhill = np.all(np.isfinite(step), axis=-1) & ((step * g[..., 0]).sum(axis=-1) > 0)
    step = np.where(downhill[:, None], step, np.linalg.solve(gauss + ridge, g)[..., 0])
    # No longer than a factor e^2 in any constant: the quadratic model says nothing about so far a place.
    step = step / scale
    return np.asarray(step * np.minimum(1.0, 2.0 / np.maximum(np.abs(step).max(axis=-1, keepdims=True), 1e-300)))
