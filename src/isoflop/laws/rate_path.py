"""The learning rate along a schedule: how much was learnt at it, and where it was lowered.

Both laws of loss curves under a schedule (`annealing`, `multi_power`) are sums over a run's rates. Sums over steps are
integrals here, since logs count tokens and hold every hundredth step: rates are straight lines between their knots.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isoflop.arrays import Array

_AT_PEAK = 0.999
"""Share of the peak from which a warm-up is over: a logged rate may be rounded."""
_LONGEST_PIECE = 1 / 256
"""Longest knot interval, in shares of the schedule, that counts as one change of the rate: a longer one is a slope."""
_LEAST_RATE = 1e-3
"""Rate over peak below which the time that a drop takes is no longer stretched: zero would stretch it forever."""
_PIECES = 32
"""Drops that a schedule is cut into, of equal size: half as many change the loss under a cosine by less than 1e-5, and
under a short linear decay the exact integral differs by up to .006 %."""
_ROUNDING = 1e-9
_JUMP, _SHORT, _STEEPER = 0.03, 0.02, 10.0
"""A rate that changes by more than _JUMP of the peak between two knots, less than _SHORT of the schedule apart, and
_STEEPER times as fast as on either side is a step of a step-wise schedule."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drops:
    """Changes of the rate after the warm-up; a rise is a negative drop."""

    at: Array
    """Where each happens, in the unit of the path; shape (drops,)."""
    size: Array
    """Rate before less rate after, over the peak; shape (drops,)."""
    rate: Array
    """Rate after it over the peak, at least _LEAST_RATE; shape (drops,)."""
    area: Array
    """Sum of the rates up to it, over the peak, in the unit of the path; shape (drops,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RatePath:
    """Learning rates over their peak against training tokens, or steps, in any unit."""

    at: Array
    """Knots, rising strictly from 0; shape (knots,)."""
    rate: Array
    """Rate over peak at the knots, 0 to 1; shape (knots,)."""

    @classmethod
    def of(cls, at: Array, rate: Array, unit: float) -> RatePath:
        """The path of `rate` (any unit; finite, not negative) known `at` rising tokens, which are counted in `unit`.

        Where the first known rate is not at 0, a linear warm-up to it is taken for what came before. Raises ValueError
        for rates that are all zero, or none at all.
        """
        peak = float(np.max(rate, initial=0.0))
        if not peak > 0:
            raise ValueError("expected a learning rate above zero")
        at, rate = np.asarray(at, dtype=np.float64) / unit, np.asarray(rate, dtype=np.float64) / peak
        if at[0] > 0:
            at, rate = np.concatenate([[0.0], at]), np.concatenate([[0.0], rate])
        # a logged rate is that of the steps from there on, so that a step lies at the later of two knots
        steps = _steps(at, rate)
        before = at[steps + 1] * (1 - _ROUNDING)
        return cls(at=np.insert(at, steps + 1, before), rate=np.insert(rate, steps + 1, rate[steps]))

    @cached_property
    def warmup(self) -> float:
        """Where the rate first is at its peak, in the unit of the path."""
        return float(self.at[int(np.argmax(self.rate >= _AT_PEAK))])

    @cached_property
    def drops(self) -> Drops:
        """The changes after the warm-up, in at most _PIECES pieces of equal size."""
        at, rate = self._fine
        step = np.diff(rate)
        changed = np.concatenate([[0.0], np.cumsum(np.abs(step))])
        if changed[-1] <= _ROUNDING:
            none = np.zeros(0)
            return Drops(at=none, size=none, rate=none, area=none)
        # the middle of each piece between its two ends
        at_change = np.linspace(0.0, changed[-1], 2 * _PIECES + 1)
        # side="right" passes over stretches without a change, where `changed` is the same at both ends
        place = np.clip(np.searchsorted(changed, at_change, side="right") - 1, 0, len(step) - 1)
        within = np.minimum((at_change - changed[place]) / np.maximum(np.abs(step[place]), _ROUNDING), 1.0)
        where = at[place] + within * (at[place + 1] - at[place])
        there = rate[place] + within * step[place]
        return Drops(
            at=where[1::2],
            size=-np.diff(there[::2]),
            rate=np.maximum(rate[place[1::2] + 1], _LEAST_RATE),
            area=self.area(where[1::2]),
        )

    def progress(self, at: Array, power: float) -> Array:
        """The integral of rate ** power from the end of the warm-up to `at`, plus the area of the warm-up.

        With a power of 1 it is S1, the sum of the rates (arXiv 2408.11029, eq. 1), in the unit of the path at the peak
        rate, S_W of arXiv 2503.12811 included. Shape of `at`.
        """
        if power == 1.0:
            return self.area(at)
        since = self.warmup
        later = np.where(at > since, self._integral(at, power), 0.0)
        return np.asarray(self.area(np.minimum(at, since)) + later)

    def area(self, at: Array) -> Array:
        """The integral of the rate from 0 to `at`: exact on the straight lines; shape of `at`."""
        place, width, rate = self._piece(self.at, self.rate, at)
        return np.asarray(self._area_at_knots[place] + width * (self.rate[place] + rate) / 2)

    @cached_property
    def _area_at_knots(self) -> Array:
        return _running(np.diff(self.at) * (self.rate[1:] + self.rate[:-1]) / 2)

    @cached_property
    def _fine(self) -> tuple[Array, Array]:
        """Knots from the end of the warm-up on, none further apart than _LONGEST_PIECE of the schedule."""
        longest = max(float(self.at[-1]) * _LONGEST_PIECE, _ROUNDING)
        long = np.flatnonzero(np.diff(self.at) > longest)
        grid = np.arange(longest, float(self.at[-1]), longest)
        inside = np.isin(np.searchsorted(self.at, grid, side="right") - 1, long)
        at = np.unique(np.concatenate([self.at, grid[inside]]))
        at = at[at >= self.warmup]
        return at, np.interp(at, self.at, self.rate)

    def _integral(self, at: Array, power: float) -> Array:
        """The integral of rate ** power from the end of the warm-up to `at`, which is not before it."""
        knots, rates = self._fine
        if len(knots) < 2:
            return np.maximum(at - self.warmup, 0.0)
        sums = _running(np.diff(knots) * _mean_power(rates[:-1], rates[1:], power))
        place, width, rate = self._piece(knots, rates, np.maximum(at, self.warmup))
        return np.asarray(sums[place] + width * _mean_power(rates[place], rate, power))

    @staticmethod
    def _piece(knots: Array, rates: Array, at: Array) -> tuple[np.ndarray, Array, Array]:
        """(piece of each `at`, how far into it, the rate there); beyond the last knot the last rate stays."""
        place = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 1)
        return place, np.asarray(at - knots[place]), np.interp(at, knots, rates)


def _steps(at: Array, rate: Array) -> np.ndarray:
    """Places of the intervals in which the rate steps, after the peak; shape (steps,)."""
    width, change = np.diff(at), np.abs(np.diff(rate))
    slope = change / width
    around = np.maximum(np.concatenate([[np.inf], slope[:-1]]), np.concatenate([slope[1:], [np.inf]]))
    step = (change > _JUMP) & (width < _SHORT * at[-1]) & (slope > _STEEPER * around)
    return np.flatnonzero(step & (np.arange(len(step)) >= int(np.argmax(rate >= _AT_PEAK))))


def _running(pieces: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(pieces)])


def _mean_power(first: Array, last: Array, power: float) -> Array:
    """The mean of rate ** power on a straight line between two rates: by Simpson's rule where they are near."""
    gap = last - first
    apart = np.abs(gap) > 1e-3
    exact = (last ** (power + 1) - first ** (power + 1)) / ((power + 1) * np.where(apart, gap, 1.0))
    near = (first**power + 4 * ((first + last) / 2) ** power + last**power) / 6
    return np.where(apart, exact, near)
