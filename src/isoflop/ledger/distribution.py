"""The distribution that a forecast states by a number and one interval: two halves of normal distributions.

The number is its median, and each half has the width that puts its end of the interval at its quantile: intervals that
are wider on one side stay so at every level. Losses, sizes and FLOPs are positive, and their intervals are factors, so
that theirs is the distribution of the logarithm; that of other numbers is of the number itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()
_LOG_SCALED = frozenset({"loss", "params", "tokens", "flops"})


def is_log_scaled(quantity: str) -> bool:
    """Whether intervals of `quantity` are factors: it is positive by what it is."""
    return quantity in _LOG_SCALED


@dataclass(frozen=True, kw_only=True)
class StatedForecast:
    """A median and an interval of probability `level`, with low <= predicted <= high where it is well made."""

    predicted: float
    low: float
    high: float
    level: float
    log_scaled: bool

    def z(self, actual: float) -> float | None:
        """Standard deviations from the median to the outcome; None where the interval has no width on that side."""
        distance = self._on_scale(actual) - self._median
        if distance == 0:
            return 0.0
        deviation = self._deviation(above=distance > 0)
        return distance / deviation if deviation > 0 else None

    def inside(self, actual: float, level: float) -> bool:
        """Whether the interval of probability `level` holds the outcome: the stated one, or what follows from it."""
        if math.isclose(level, self.level, abs_tol=1e-9):
            return self.low <= actual <= self.high
        z = self.z(actual)
        return z is not None and abs(z) <= normal_quantile((1 + level) / 2)

    def score(self, actual: float) -> float:
        """Continuous ranked probability score on the scale of the distribution: 0 is perfect.

        The integral of (F(x) - [x >= actual])^2 over x (Gneiting and Raftery 2007, eq. 20), in closed form for the
        two halves.
        """
        z = self.z(actual)
        below, above = self._deviation(above=False), self._deviation(above=True)
        if z is None:
            return abs(self._on_scale(actual) - self._median)
        near, far = (above, below) if z >= 0 else (below, above)
        half = _squares_up_to(0.0)
        return far * half + near * (_squares_up_to(abs(z)) - half + _squares_up_to(-abs(z)))

    @property
    def expected_score(self) -> float:
        """The mean of `score` where the distribution is right."""
        return (self._deviation(above=False) + self._deviation(above=True)) / 2 / math.sqrt(math.pi)

    @property
    def half_width(self) -> float:
        """Half the width of the stated interval on the scale of the distribution: of logarithms about a share."""
        return (self._on_scale(self.high) - self._on_scale(self.low)) / 2

    @property
    def _median(self) -> float:
        """The number, or the middle of an interval that does not hold it."""
        low, median, high = (self._on_scale(value) for value in (self.low, self.predicted, self.high))
        return median if low <= median <= high else (low + high) / 2

    def _deviation(self, *, above: bool) -> float:
        end = self._on_scale(self.high) - self._median if above else self._median - self._on_scale(self.low)
        return end / normal_quantile((1 + self.level) / 2)

    def _on_scale(self, value: float) -> float:
        return math.log(value) if self.log_scaled else value


def normal_quantile(share: float) -> float:
    """The z below which `share` of the normal distribution lies.

    >>> round(normal_quantile(0.95), 4)
    1.6449
    """
    return _NORMAL.inv_cdf(share)


def _squares_up_to(z: float) -> float:
    """The integral of the squared normal distribution function from minus infinity to z.

    >>> round(_squares_up_to(0.0), 5)
    0.11685
    """
    share = _NORMAL.cdf(z)
    return z * share**2 + 2 * _NORMAL.pdf(z) * share - _NORMAL.cdf(z * math.sqrt(2)) / math.sqrt(math.pi)
