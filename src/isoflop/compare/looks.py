"""Looks at pairs while more of them are trained: how sure each look must be, so that stopping early costs no error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from isoflop.arrays import Array

FIRST_PAIRS = 3
"""Pairs at the first look: of two, Student's t has one degree of freedom, and finds next to nothing."""
PATHS = 40_000
"""Simulated paths. The level of a look is then known within 2 % of itself (bench/compare/stopping.md)."""


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Looks after `first`, `first` + `step`, ... and after `last` pairs."""

    level: float
    """Of the whole: the share of comparisons of equal recipes in which no look finds a difference."""
    last: int
    first: int = FIRST_PAIRS
    step: int = 1
    """Pairs that are trained side by side."""

    @property
    def pairs(self) -> tuple[int, ...]:
        """The numbers of pairs at which the verdict is looked at.

        >>> Looks(level=0.9, last=8, step=4).pairs, Looks(level=0.9, last=2).pairs
        ((4, 8), (2,))
        """
        enough = -(-self.first // self.step) * self.step
        return (*range(enough, self.last, self.step), self.last)

    @property
    def each(self) -> float:
        """Level of the interval at every single look: the same at all of them (Pocock 1977, for Student's t).

        Rounded up to a thousandth, for people.

        >>> Looks(level=0.9, last=3).each, Looks(level=0.9, last=8).each
        (0.9, 0.968)
        """
        pairs = self.pairs
        if len(pairs) == 1:
            return self.level
        return math.ceil(1000 * (1 - _least_p(1 - self.level, pairs))) / 1000


def error_when_raised(level: float, lasts: tuple[int, ...], step: int = 1) -> float:
    """Returns in what share of comparisons of equal recipes a look finds a difference, where the number of pairs was
    raised from each of `lasts` to the next after none had been found.

    >>> round(error_when_raised(0.9, (8,)), 2), 0.11 < error_when_raised(0.9, (8, 16)) < 0.15
    (0.1, True)
    """
    limits: dict[int, float] = {}
    for last in lasts:
        looks = Looks(level=level, last=last, step=step)
        limits = dict.fromkeys(looks.pairs, 1 - looks.each) | limits
    p = _p_values(tuple(sorted(limits)))
    return float(np.mean((p < [limits[n] for n in sorted(limits)]).any(axis=1)))


def _least_p(error: float, pairs: tuple[int, ...]) -> float:
    """Two-sided p value that a look must fall below, so that in a share `error` of right nulls any look does."""
    return float(np.quantile(_p_values(pairs).min(axis=1), error))


@lru_cache(maxsize=8)
def _p_values(pairs: tuple[int, ...]) -> Array:
    """p values of Student's t after each of `pairs` independent normal gaps without a mean; shape (PATHS, looks).

    Their joint distribution has no scale, so that it is simulated once and holds for any noise. The p value of a look
    is the rank of its t among the paths at that look.
    """
    gaps = np.random.Generator(np.random.Philox(20_201)).standard_normal((PATHS, pairs[-1]))
    number = np.arange(1, pairs[-1] + 1)
    means = np.cumsum(gaps, axis=1) / number
    squares = np.cumsum(gaps**2, axis=1) - number * means**2
    ranks = np.empty((PATHS, len(pairs)))
    for column, n in enumerate(pairs):
        t = np.abs(means[:, n - 1]) / np.sqrt(squares[:, n - 1] / (n - 1) / n)
        ranks[np.argsort(-t), column] = np.arange(1, PATHS + 1)
    return np.asarray(ranks / PATHS)
