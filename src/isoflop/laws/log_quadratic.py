"""ln L as a quadratic in ln N and ln D. Linear to fit, close to any smooth law inside the data, wild far outside.

It is never used alone: on a set with one decade of span it was off by 35 % beyond its data. Together with another form
it shows how far the data leave the shape of the surface open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.crossing import crossing
from isoflop.laws.law import FITTED, Index, Provenance

CONSTANTS = ("level", "by_params", "by_tokens", "by_params_squared", "by_both", "by_tokens_squared")
"""Names of the six coefficients, of 1, x, y, x^2, x y and y^2, in the order of saved draws."""

_MOST_LOG_LOSS = 700.0  # e^709 is the largest float
_MOST_LOG_PARAMS = 300.0
_BRACKET = 12.0  # in ln N: costs lie within a factor of e^6 of 6 N for any model with a body


@dataclass(frozen=True, kw_only=True, eq=False)
class LogQuadraticLaw:
    """ln L = level + by_params x + by_tokens y + by_params_squared x^2 + by_both x y + by_tokens_squared y^2.

    x = ln N - centre[0] and y = ln D - centre[1]. Coefficients are numbers, or arrays of draws that broadcast.

    >>> law = LogQuadraticLaw(level=1.0, by_params=-.1, by_tokens=-.1, by_params_squared=.01, by_both=0.0,
    ...                       by_tokens_squared=.01, centre=(20.0, 23.0))
    >>> float(law.loss(np.exp(21.0), np.exp(23.0)).round(4))
    2.4843
    """

    level: float | Array
    """ln L at the centre."""
    by_params: float | Array
    """d ln L / d ln N at the centre."""
    by_tokens: float | Array
    """d ln L / d ln D at the centre."""
    by_params_squared: float | Array
    """Coefficient of x^2."""
    by_both: float | Array
    """Coefficient of x y."""
    by_tokens_squared: float | Array
    """Coefficient of y^2."""
    centre: tuple[float, float]
    """Means of ln N and ln D of the rows that it was fitted to."""
    provenance: Provenance = FITTED
    """Source, conventions, domain."""

    @property
    def has_loss(self) -> bool:
        """Always: this is a loss surface."""
        return True

    @property
    def has_optimum(self) -> NDArray[np.bool_]:
        """Which of the draws have a compute optimum at C = 6 N D: the parabola along a budget opens upwards."""
        return np.asarray(self.by_params_squared - self.by_both + self.by_tokens_squared > 0)

    def constants(self) -> dict[str, float]:
        """{name: coefficient} of a law that is not a set of draws."""
        return {name: float(getattr(self, name)) for name in CONSTANTS}

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss at N parameters and D tokens, the broadcast shape of both and of the coefficients."""
        x, y = np.log(np.asarray(N, dtype=np.float64)), np.log(np.asarray(D, dtype=np.float64))
        # far beyond its rows the parabola leaves what a float holds: such a loss is past all comparing already
        return np.exp(np.minimum(self._exponent(x - self.centre[0], y - self.centre[1]), _MOST_LOG_LOSS))

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) of least loss at C FLOPs: the vertex of the parabola that ln L is along a budget of C = 6 N D.

        Under another cost, where the slope of ln L along the budget turns upwards, sought around that vertex.
        Raises RefusedError `no_optimum` where the parabola has no minimum.
        """
        flops = np.log(np.asarray(C, dtype=np.float64))
        # Along ln D = ln C - ln 6 - ln N the quadratic in x has these coefficients.
        square = np.asarray(self.by_params_squared - self.by_both + self.by_tokens_squared)
        if np.any(square <= 0):
            raise RefusedError("no_optimum", "the log-quadratic law has no least loss along a budget")
        y0 = flops - np.log(6.0) - self.centre[0] - self.centre[1]
        slope = self.by_params - self.by_tokens + y0 * (self.by_both - 2 * self.by_tokens_squared)
        log_N = self.centre[0] - slope / (2 * square)
        if not cost.is_six_n:

            def falling(log_params: Array) -> Array:
                """Less d ln L / d ln N at fixed C, where tokens fall as N^-k: above zero left of the optimum."""
                log_cost, k = cost.in_logs(log_params)
                by_size, by_tokens = self._slopes(log_params - self.centre[0], flops - log_cost - self.centre[1])
                return np.asarray(k * by_tokens - by_size)

            log_N = crossing(falling, log_N - _BRACKET, log_N + _BRACKET, tolerance=1e-14)
        # the vertex of a draw that is nearly flat lies where no float is
        N = np.exp(np.clip(log_N, -_MOST_LOG_PARAMS, _MOST_LOG_PARAMS))
        return N, cost.tokens(C, N)

    def draw(self, chosen: Index) -> LogQuadraticLaw:
        """The law of some of the draws: `chosen` indexes the arrays."""
        picked = {name: np.asarray(getattr(self, name))[chosen] for name in CONSTANTS}
        return LogQuadraticLaw(**picked, centre=self.centre, provenance=self.provenance)

    def _exponent(self, x: Array, y: Array) -> Array:
        curved = self.by_params_squared * x * x + self.by_both * x * y + self.by_tokens_squared * y * y
        return np.asarray(self.level + self.by_params * x + self.by_tokens * y + curved)

    def _slopes(self, x: Array, y: Array) -> tuple[Array, Array]:
        """(d ln L / d ln N, d ln L / d ln D)."""
        by_size = self.by_params + 2 * self.by_params_squared * x + self.by_both * y
        return np.asarray(by_size), np.asarray(self.by_tokens + self.by_both * x + 2 * self.by_tokens_squared * y)
