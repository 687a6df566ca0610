"""Huber's loss made least, with a normal prior on every parameter: damped Gauss-Newton on re-weighted squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array

_MOST_STEPS = 60
_MOST_FAILS = 8
_ENOUGH = 1e-3
"""Fall of the objective, as a share of it, below which a step is the last one."""
_EASE, _TIGHTEN = 0.3, 10.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Residuals to be made small."""

    residuals: Callable[[Array], tuple[Array, Array]]
    """theta -> (residuals (rows,) over the scale at which Huber's loss turns linear, derivatives (rows, constants))."""
    weights: Array
    """How much each row counts; shape (rows,)."""
    mean: Array
    """Of the prior; shape (constants,)."""
    sd: Array
    """Of the prior; infinite where there is none; shape (constants,)."""

    def value(self, theta: Array, residuals: Array) -> float:
        """The objective: weighted Huber loss plus the prior's squares."""
        size = np.abs(residuals)
        huber = np.where(size < 1, size**2 / 2, size - 0.5)
        value = float(self.weights @ huber) + float(np.sum(((theta - self.mean) / self.sd) ** 2)) / 2
        return value if np.isfinite(value) else np.inf


def minimise(problem: Problem, start: Array) -> tuple[Array, float]:
    """(theta, objective) of the minimum that descent from `start` finds: Levenberg 1944, Marquardt 1963, Huber 1964."""
    theta, damping, fails = start, 1e-3, 0
    residuals, slopes = problem.residuals(theta)
    value = problem.value(theta, residuals)
    for _ in range(_MOST_STEPS):
        weights = problem.weights / np.maximum(1.0, np.abs(residuals))
        gradient = slopes.T @ (weights * residuals) + (theta - problem.mean) / problem.sd**2
        curvature = slopes.T @ (weights[:, None] * slopes) + np.diag(1 / problem.sd**2)
        damped = curvature + damping * np.diag(np.diag(curvature) + 1e-12)
        tried = theta - np.linalg.solve(damped, gradient)
        new_residuals, new_slopes = problem.residuals(tried)
        new = problem.value(tried, new_residuals)
        if new < value:
            done = value - new < _ENOUGH * (value + 1e-12)
            theta, residuals, slopes, value = tried, new_residuals, new_slopes, new
            damping, fails = max(damping * _EASE, 1e-9), 0
            if done:
                break
        else:
            damping, fails = damping * _TIGHTEN, fails + 1
            if fails > _MOST_FAILS:
                break
    return theta, value
