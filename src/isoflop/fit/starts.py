"""Starts for approach 3 by variable projection: at given (alpha, beta) the law is linear in E, A and B.

Of the 4,500 starts of Hoffmann et al. 2022 one in ten reaches the optimum of their own data; of these, all do. The
starts were at fault, not the optimiser.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.fit.objective import Problem

Array = NDArray[np.float64]

# Exponents reported for language models lie between .05 and .8 (Kaplan et al. 2020 to Hoffmann et al. 2022).
_EXPONENTS = np.geomspace(0.06, 1.4, 10)


def grid_starts(problem: Problem) -> Array:
    """Starts (count, 5): the weighted linear solution at every (alpha, beta) of a grid, E held at 0 or above."""
    ones = np.ones((1, len(problem.z)))
    theta, usable, _ = _projected(problem, ones)
    return np.asarray(theta[0][usable[0]])


def best_grid_start(problem: Problem, weights: Array) -> Array:
    """For each resample (batch, rows) the grid's start with the least weighted squares, (batch, 5)."""
    theta, usable, error = _projected(problem, weights)
    best = np.argmin(np.where(usable, error, np.inf), axis=1)
    return np.asarray(theta[np.arange(len(weights)), best])


def _projected(problem: Problem, weights: Array) -> tuple[Array, NDArray[np.bool_], Array]:
    """(theta (batch, cells, 5), usable (batch, cells), weighted squared relative error (batch, cells))."""
    alpha, beta = (axis.ravel() for axis in np.meshgrid(_EXPONENTS, _EXPONENTS, indexing="ij"))
    # Dividing by the loss makes the squares relative, as the logarithm does: columns f over L, target 1.
    inverse = np.exp(-problem.z)
    f = np.stack(
        [
            np.broadcast_to(inverse, (len(alpha), len(inverse))),
            np.exp(-alpha[:, None] * problem.x) * inverse,
            np.exp(-beta[:, None] * problem.y) * inverse,
        ]
    )
    count, cells = len(weights), len(alpha)
    normal, right = np.empty((count, cells, 3, 3)), np.empty((count, cells, 3))
    for i in range(3):
        right[..., i] = weights @ f[i].T
        for j in range(i, 3):
            normal[..., i, j] = normal[..., j, i] = weights @ (f[i] * f[j]).T
    ridge = 1e-10 * np.einsum("bcii->bc", normal)[..., None, None] * np.eye(3)
    full = np.linalg.solve(normal + ridge, right[..., None])[..., 0]
    floorless = np.linalg.solve((normal + ridge)[..., 1:, 1:], right[..., 1:, None])[..., 0]
    negative = full[..., 0] <= 0
    linear = np.where(negative[..., None], np.concatenate([np.zeros((count, cells, 1)), floorless], axis=-1), full)
    error = np.einsum("bci,bcij,bcj->bc", linear, normal, linear) - 2 * (linear * right).sum(-1)
    usable = (linear[..., 1] > 0) & (linear[..., 2] > 0)
    # A tiny floor instead of none: its logarithm has to be a number to start from.
    tiny = 0.05 * float(np.exp(problem.z.min()))
    logs = np.log(np.maximum(linear, [tiny, 1e-9, 1e-9]))
    exponents = np.broadcast_to(np.stack([alpha, beta], axis=-1), (count, cells, 2))
    return np.concatenate([logs, exponents], axis=-1), np.asarray(usable), np.asarray(error)
