"""The cost of a token: training FLOPs per token as a function of N, so that C = cost(N) D.

6 N holds for large models. Very small ones spend as much again on attention and logits, so a frontier fitted to their
exact FLOPs needs their exact cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.errors import InputError
from isoflop.laws.bisection import bisect

# More knots than this follow the jumps in depth from shape to shape and put kinks into the frontier.
_MAX_KNOTS = 8
# Knots closer than 5 % in N are merged.
_CLOSEST = 0.05
# With which power of N the share of attention and output head falls: 0.4 to 0.6 from shape to shape of recipe.py and of
# arch/shapes.py.
_USUAL_POWER = 0.5


@dataclass(frozen=True, kw_only=True)
class ComputeCost:
    """FLOPs per training token against N, interpolated monotonically in log-log; without knots exactly 6 N.

    Far above the knots a token costs 6 N or a multiple of it: the exponent of N tends to 1 (`_above`).

    >>> float(SIX_N.flops_per_token(7e10))
    420000000000.0
    >>> tiny = ComputeCost.from_pairs([(1e4, 1.5e5), (1e5, 9e5), (1e6, 7e6)])
    >>> round(float(tiny.flops_per_token(1e5))), round(float(tiny.exponent(1e6)), 2)
    (900000, 0.89)
    """

    params: tuple[float, ...] = ()
    """Knots: N, ascending, in the convention of the observations."""
    flops: tuple[float, ...] = ()
    """Knots: training FLOPs per token at `params`, ascending."""

    def __post_init__(self) -> None:
        if len(self.params) != len(self.flops) or len(self.params) == 1:
            raise InputError("compute cost: expected no knots (6 N) or at least two, as many FLOPs as params")
        for what, values in (("params", self.params), ("flops", self.flops)):
            array = np.asarray(values)
            if array.size and not (np.all(np.isfinite(array)) and array[0] > 0 and np.all(np.diff(array) > 0)):
                raise InputError(f"compute cost: expected positive ascending {what}, got {values}")

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[float, float]]) -> ComputeCost:
        """Cost through (N, FLOPs per token) pairs of real shapes.

        Neighbours are merged (geometric means) down to at most eight knots, and on until both columns ascend.
        Raises InputError for fewer than two different sizes or values that are not positive.
        """
        table = np.asarray(sorted(pairs), dtype=np.float64).reshape(-1, 2)
        if not np.all(np.isfinite(table)) or np.any(table <= 0):
            raise InputError("compute cost: expected positive (N, FLOPs per token) pairs")
        logs = np.log(table)
        sizes, of_size = np.unique(logs[:, 0], return_inverse=True)
        if len(sizes) < 2:
            raise InputError(f"compute cost: expected at least two sizes, got {len(sizes)}")
        knots = np.stack([sizes, np.bincount(of_size, weights=logs[:, 1]) / np.bincount(of_size)], axis=1)
        if len(knots) > _MAX_KNOTS:
            edges = np.linspace(knots[0, 0], knots[-1, 0], _MAX_KNOTS + 1)
            cell = np.clip(np.searchsorted(edges, knots[:, 0], side="right") - 1, 0, _MAX_KNOTS - 1)
            knots = np.array([knots[cell == number].mean(axis=0) for number in np.unique(cell)])
        # Between two shapes of nearly one size the slope is not identified, and no cost falls with size: merge these.
        while len(knots) > 2 and np.any(bad := (np.diff(knots[:, 1]) <= 0) | (np.diff(knots[:, 0]) < _CLOSEST)):
            fall = int(np.argmax(bad))
            merged = knots[fall : fall + 2].mean(axis=0)
            knots = np.vstack([knots[:fall], merged, knots[fall + 2 :]])
        return cls(params=tuple(np.exp(knots[:, 0]).tolist()), flops=tuple(np.exp(knots[:, 1]).tolist()))

    @property
    def is_six_n(self) -> bool:
        """True where C = 6 N D and the published closed forms hold."""
        return not self.params

    def flops_per_token(self, N: ArrayLike) -> Array:
        """Training FLOPs per token at N, the shape of N."""
        size = np.asarray(N, dtype=np.float64)
        if self.is_six_n:
            return 6.0 * size
        return np.exp(self.in_logs(np.log(size))[0])

    def exponent(self, N: ArrayLike) -> Array:
        """k of the local power law cost = kappa N^k at N; 1 for 6 N."""
        size = np.asarray(N, dtype=np.float64)
        if self.is_six_n:
            return np.ones_like(size)
        return self.in_logs(np.log(size))[1]

    def size_at_ratio(self, C: ArrayLike, tokens_per_param: ArrayLike) -> Array:
        """N with cost(N) N r = C: the model that C FLOPs train on r tokens per parameter.

        >>> float(SIX_N.size_at_ratio(1.2e23, 20).round(3))
        31622776601.684
        """
        product = np.log(np.asarray(C, dtype=np.float64) / np.asarray(tokens_per_param, dtype=np.float64))
        if self.is_six_n:
            return np.asarray(np.exp((product - np.log(6.0)) / 2))
        return _size_where(lambda x: self.in_logs(x)[0] + x, product)

    def size_at_cost(self, flops_per_token: ArrayLike) -> Array:
        """N with cost(N) = `flops_per_token` training FLOPs."""
        return _size_where(lambda x: self.in_logs(x)[0], np.log(np.asarray(flops_per_token, dtype=np.float64)))

    def training_flops(self, N: ArrayLike, D: ArrayLike) -> Array:
        """C = cost(N) D: training FLOPs of N parameters on D tokens, the broadcast shape of both.

        >>> f"{SIX_N.training_flops(70e9, 1.4e12):.3g}"
        '5.88e+23'
        """
        return np.asarray(self.flops_per_token(N) * np.asarray(D, dtype=np.float64))

    def tokens(self, C: ArrayLike, N: ArrayLike) -> Array:
        """D = C / cost(N): tokens that C FLOPs pay for at N parameters."""
        return np.asarray(C, dtype=np.float64) / self.flops_per_token(N)

    @cached_property
    def _curve(self) -> tuple[Array, Array, Array]:
        """(ln N, ln FLOPs, slope) at the knots."""
        knots, values = np.log(self.params), np.log(self.flops)
        return knots, values, _monotone_slopes(knots, values)

    def in_logs(self, x: Array) -> tuple[Array, Array]:
        """(ln FLOPs per token, k) at x = ln N: cubic Hermite with Fritsch and Carlson's monotone slopes (1980).

        Above the knots `_above` continues it, below them the power law at the first.
        """
        if self.is_six_n:
            return np.log(6.0) + x, np.ones_like(x)
        knots, values, slopes = self._curve
        inside = np.clip(x, knots[0], knots[-1])
        cell = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
        width = np.diff(knots)[cell]
        t = (inside - knots[cell]) / width
        # The cubic with these values and slopes at both ends of the cell, as a polynomial in t from 0 to 1.
        rise = values[cell + 1] - values[cell]
        left, right = slopes[cell] * width, slopes[cell + 1] * width
        cubic, square = left + right - 2 * rise, 3 * rise - 2 * left - right
        value = values[cell] + t * (left + t * (square + t * cubic))
        slope = (left + t * (2 * square + 3 * t * cubic)) / width
        above, below = np.maximum(x - knots[-1], 0.0), np.minimum(x - knots[0], 0.0)
        further, above_slope = _above(above, values[-1] - knots[-1] - np.log(6.0), slopes[-1])
        beyond = above > 0
        return value + slope * below + np.where(beyond, further, 0.0), np.where(beyond, above_slope, slope)


def _above(log_times: Array, log_excess: float, slope: float) -> tuple[Array, Array]:
    """(rise of ln FLOPs per token, k) at `log_times` in ln N above the last knot, where k is `slope`.

    Attention and the output head add 6 N f to the 6 N of a token, and f falls as a power of N: where width and depth
    grow together, both terms rise by less than N. With f = e^`log_excess` - 1 at the last knot the cost is
    6 N (1 + f (N / N_last)^-p), and k goes from `slope` to 1. Where the cost is not on its way to 6 N, as when
    recomputation is counted too, k goes to 1 at the usual rate, and the cost to a multiple of 6 N.
    """
    excess = np.expm1(log_excess)
    # The slope at the knot is that of this form: 1 - p f / (1 + f).
    power = (1 - slope) * (1 + excess) / excess if excess else 0.0
    if power > 0:
        left = excess * np.exp(-power * log_times)
        return log_times + np.log1p(left) - log_excess, 1 - power * left / (1 + left)
    fading = np.exp(-_USUAL_POWER * log_times)
    return log_times + (slope - 1) * (1 - fading) / _USUAL_POWER, 1 + (slope - 1) * fading


def _monotone_slopes(x: Array, y: Array) -> Array:
    """Slopes at the knots that keep the cubic monotone: weighted harmonic means, secants at the two ends."""
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    # Zero slopes at a turn would be needed too, but costs ascend from knot to knot, so that all secants are positive.
    slopes = np.empty_like(x)
    slopes[0], slopes[-1] = secant[0], secant[-1]
    before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    slopes[1:-1] = (before + after) / (before / secant[:-1] + after / secant[1:])
    return slopes


SIX_N = ComputeCost()
"""C = 6 N D, as in Kaplan et al. 2020 and Hoffmann et al. 2022."""


def _size_where(rising: Callable[[Array], Array], value: Array) -> Array:
    """N with rising(ln N) = value, elementwise: costs rise with N, beyond their knots too."""
    low, high = np.full_like(value, -40.0), np.full_like(value, 120.0)
    return np.exp(bisect(lambda x: rising(x) < value, low, high, tolerance=2e-16))  # below rounding
