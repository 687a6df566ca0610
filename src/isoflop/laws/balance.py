"""The best size along a budget and along a loss: where a parameter and a token gain as much for what they cost.

Both are one condition. Along a budget of C = c(N) D, tokens fall by k = d ln c / d ln N for each rise of ln N; at equal
loss and over a lifetime of c(N) (D + T / 3) FLOPs, T tokens served at a third of the cost of training on them (Sardana
et al. 2024, 2401.00448), a larger model pays while -dL/d ln N > k (1 + T / (3 D)) (-dL/d ln D).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arrays import Array
from isoflop.laws.bisection import bracket
from isoflop.laws.cost import ComputeCost
from isoflop.laws.crossing import crossing

_FINEST = 1e-13  # of ln N on a budget
_MOST_TOKENS = 1e100  # beyond which no number of tokens suffices


class Balanced(Protocol):
    """A loss that falls with N and with D, and says how fast; its constants may be arrays of draws."""

    def log_gains(self, log_params: Array, log_tokens: Array) -> tuple[Array, Array]:
        """(ln of -dL/d ln N, ln of -dL/d ln D) at ln N and ln D."""

    def tokens_for(self, loss: ArrayLike, N: ArrayLike) -> Array:
        """D with which N parameters reach `loss`; infinite where no number of tokens suffices."""


def larger_pays(surface: Balanced, log_params: Array, log_tokens: Array, exponent: Array, served: float = 0.0) -> Array:
    """Above zero where a larger model pays, with the cost's `exponent` k: the logarithm of the condition."""
    by_params, by_tokens = surface.log_gains(log_params, log_tokens)
    balance = by_params - by_tokens - np.log(exponent)
    return np.asarray(balance - np.log1p(served / 3 * np.exp(-log_tokens)) if served else balance)


def best_on_budget(surface: Balanced, C: ArrayLike, cost: ComputeCost, low: Array, high: Array) -> Array:
    """N of least loss with C = c(N) D, between ln N `low`, where a larger model pays, and `high`, where none does."""
    log_flops = np.log(np.asarray(C, dtype=np.float64))

    def pays(log_params: Array) -> Array:
        log_cost, exponent = cost.in_logs(log_params)
        return larger_pays(surface, log_params, log_flops - log_cost, exponent)

    return np.exp(crossing(pays, low, high, tolerance=_FINEST))


def best_at_loss(
    surface: Balanced,
    loss: ArrayLike,
    served: float,
    cost: ComputeCost,
    low: ArrayLike,
    high: ArrayLike,
    most_tokens: float = np.inf,
) -> Array:
    """N of the least training and serving FLOPs at `loss`, with `served` tokens, between ln N `low` and `high`.

    `high` is at least the size of the least training on at most `most_tokens`: with inference demand no larger one
    pays.
    """

    def pays(log_params: Array) -> NDArray[np.bool_]:
        """Whether a larger size than exp(`log_params`) costs less in all."""
        tokens = surface.tokens_for(loss, np.exp(log_params))
        log_tokens = np.log(np.minimum(tokens, _MOST_TOKENS))
        balance = larger_pays(surface, log_params, log_tokens, cost.in_logs(log_params)[1], served)
        return np.asarray((tokens > most_tokens) | (tokens > _MOST_TOKENS) | (balance > 0))

    return np.exp(bracket(pays, low, high, tolerance=1e-16)[1])
