"""What a law of loss curves must supply to be fitted to runs: its shape, what is expected of it, and derivatives.

Every law here is (L0 + A S^-alpha) (1 - g D): S the learning done (`RatePath.progress`), D what the drops of the rate
have brought, as a share of what a drop from the peak to zero brings in the end, g that as a share of the loss. The
shape is common to all runs of a recipe; alpha and ln g move along lines in the size x = ln(N / N of the fit). L0 and A
are those of one model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from isoflop.arrays import Array
from isoflop.laws.rate_path import RatePath

ALPHA, POWER, LOG_GAIN, ALPHA_SLOPE, GAIN_SLOPE, KERNEL = range(6)
"""Places in a shape (constants,): alpha, the power of the rate in S, ln g, d alpha / dx, d ln g / dx; from KERNEL on
what D needs."""
COMMON_MEAN = (0.45, 0.55, -3.2, -0.05, 0.2)
COMMON_SD = (0.15, 0.1, 0.5, 0.02, 0.07)
"""Of these five before any run is seen. 25M and 100M parameters under three schedules have alpha of .47 and .45, powers
of .5 to .6, ln g of -3.7 and -3.3; 4,000 to 900,000 parameters alpha of .5 to .2, ln g of -3.4 to -2.5
(bench/watch/schedule_laws.md). The spreads are choices."""
_LOWEST, _HIGHEST, _TERMS = 0.1, 1.3, 8
"""Powers of the rate that are tried, and the terms that hold S to 1e-6 between them."""


class LawForm(Protocol):
    """One law."""

    def __hash__(self) -> int:
        """By identity: fits are kept for each."""
        ...

    @property
    def name(self) -> str:
        """Of the method that uses it."""
        ...

    @property
    def prior(self) -> tuple[Array, Array]:
        """(mean, standard deviation) of a shape before any run is seen, with runs about one unit long; (constants,)."""
        ...

    def brought(self, points: Points, shape: Array) -> tuple[Array, Array]:
        """(D (points,), its derivatives by shape[KERNEL:] (points, constants - KERNEL))."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Where on a path losses are known, or asked for."""

    path: RatePath
    at: Array
    """In the unit of the path; shape (points,)."""

    @cached_property
    def area(self) -> Array:
        """Sum of the rates up to each; shape (points,)."""
        return self.path.area(self.at)

    def progress(self, power: float) -> tuple[Array, Array]:
        """(S, dS / d power), both (points,), by the polynomial `_progress`."""
        x = min(max((2 * power - _LOWEST - _HIGHEST) / (_HIGHEST - _LOWEST), -1.0), 1.0)
        degrees = np.arange(_TERMS)
        slopes = degrees[1:] * x ** degrees[:-1] @ self._progress[1:]
        return x**degrees @ self._progress, slopes * 2 / (_HIGHEST - _LOWEST)

    @cached_property
    def _progress(self) -> Array:
        """Coefficients of S in the power, (terms, points), as a polynomial: a fit asks for S at a hundred powers."""
        nodes = np.cos(np.pi * (np.arange(_TERMS) + 0.5) / _TERMS)
        powers = (_LOWEST + _HIGHEST) / 2 + nodes * (_HIGHEST - _LOWEST) / 2
        values = np.stack([self.path.progress(self.at, float(power)) for power in powers])
        return np.asarray(np.linalg.solve(np.vander(nodes, increasing=True), values), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """What a shape makes of the points of one run: the loss is A x by_A + L0 x by_L0."""

    by_A: Array
    by_L0: Array
    """Both (points,)."""
    by_A_slopes: Array
    by_L0_slopes: Array
    """Their derivatives by the shape; (points, constants)."""


def course(form: LawForm, points: Points, shape: Array, size: float) -> Course:
    """The course of a run of size x = `size` at `points`."""
    alpha = float(shape[ALPHA] + shape[ALPHA_SLOPE] * size)
    gain = float(np.exp(shape[LOG_GAIN] + shape[GAIN_SLOPE] * size))
    progress, by_power = points.progress(float(shape[POWER]))
    brought, by_kernel = form.brought(points, shape)
    power_law = (progress**-alpha)[:, None]
    left = 1 - gain * brought
    by_L0 = np.zeros((len(progress), len(shape)))
    by_L0[:, LOG_GAIN] = -gain * brought
    by_L0[:, GAIN_SLOPE] = -gain * brought * size
    by_L0[:, KERNEL:] = -gain * by_kernel
    by_A = power_law * by_L0
    by_A[:, ALPHA] = -power_law[:, 0] * left * np.log(progress)
    by_A[:, ALPHA_SLOPE] = by_A[:, ALPHA] * size
    by_A[:, POWER] = -alpha * power_law[:, 0] * left / progress * by_power
    return Course(by_A=power_law[:, 0] * left, by_L0=left, by_A_slopes=by_A, by_L0_slopes=by_L0)
