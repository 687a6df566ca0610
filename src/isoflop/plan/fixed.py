"""Plans with one number fixed: the size, the tokens, or the tokens per parameter. The budget decides the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arch import Architecture
from isoflop.errors import Notice
from isoflop.laws import ComputeCost, Law
from isoflop.plan.objectives import Objective, check_positive

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Fixed:
    """What the three have in common: losses of the law, and the law's own optimum as what would have been better."""

    @property
    def fixed(self) -> bool:
        """True: N and D follow from the budget, whatever the law says."""
        return True

    @property
    def most_tokens(self) -> float:
        """Infinite: all text is fresh."""
        return math.inf

    def tokens_at(self, law: Law, flops: ArrayLike, cost: ComputeCost, N: ArrayLike) -> Array:
        """All that the budget pays for."""
        del law
        return cost.tokens(flops, N)

    def loss(self, law: Law, N: ArrayLike, D: ArrayLike) -> Array:
        """The law's loss."""
        return law.loss(N, D)

    def least_loss(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> Array:
        """At the law's optimum, with nothing fixed."""
        return law.loss(*law.optimum(flops, cost))

    def notices(self, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
        """None."""
        del N, D, flops, cost
        return []


@dataclass(frozen=True, kw_only=True)
class FixedParams(_Fixed):
    """A model of this size, on all tokens that the budget pays for."""

    params: float
    """N, in the law's convention."""

    def __post_init__(self) -> None:
        check_positive("params", self.params)

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, C over the cost of a token at N)."""
        del law
        N = np.full_like(np.asarray(flops, dtype=np.float64), self.params)
        return N, cost.tokens(flops, N)

    def as_json(self) -> dict[str, Any]:
        """`{kind, params}`."""
        return {"kind": "fixed_params", "params": self.params}


@dataclass(frozen=True, kw_only=True)
class FixedTokens(_Fixed):
    """The largest model that the budget can train on this many tokens."""

    tokens: float
    """D."""

    def __post_init__(self) -> None:
        check_positive("tokens", self.tokens)

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N whose tokens cost C / D each, D)."""
        del law
        N = cost.size_at_cost(np.asarray(flops, dtype=np.float64) / self.tokens)
        return N, np.full_like(N, self.tokens)

    def as_json(self) -> dict[str, Any]:
        """`{kind, tokens}`."""
        return {"kind": "fixed_tokens", "tokens": self.tokens}


@dataclass(frozen=True, kw_only=True)
class FixedRatio(_Fixed):
    """So many tokens per parameter, at any budget: N = sqrt(C / 6 r) for C = 6 N D.

    >>> from isoflop.laws import SIX_N, published_law
    >>> N, D = FixedRatio(tokens_per_param=20).choose(published_law("besiroglu2024"), 2.5272e24, SIX_N)
    >>> f"{N:.6e} {D:.6e}"
    '1.451206e+11 2.902413e+12'
    """

    tokens_per_param: float
    """r = D / N, N in the law's convention."""

    def __post_init__(self) -> None:
        check_positive("tokens per parameter", self.tokens_per_param)

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N with cost(N) N r = C, r N)."""
        del law
        N = cost.size_at_ratio(flops, self.tokens_per_param)
        return N, N * self.tokens_per_param

    def as_json(self) -> dict[str, Any]:
        """`{kind, tokens_per_param}`."""
        return {"kind": "fixed_ratio", "tokens_per_param": self.tokens_per_param}


@dataclass(frozen=True, kw_only=True)
class SizeLimit:
    """The largest model allowed, trained as another objective would, where that objective's own choice is larger."""

    objective: Objective
    """What the plan is for: not one that fixes numbers itself."""
    params: float
    """N, in the law's convention."""
    shape: Architecture | None = None
    """The largest shape allowed, of `params` parameters; None where only the number is known."""

    @property
    def fixed(self) -> bool:
        """True: the limit decides N, not the law."""
        return True

    @property
    def most_tokens(self) -> float:
        """As the objective has it."""
        return self.objective.most_tokens

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(the limit, D that the objective gives it)."""
        N = np.full_like(np.asarray(flops, dtype=np.float64), self.params)
        return N, self.objective.tokens_at(law, flops, cost, N)

    def tokens_at(self, law: Law, flops: ArrayLike, cost: ComputeCost, N: ArrayLike) -> Array:
        """As the objective has it."""
        return self.objective.tokens_at(law, flops, cost, N)

    def loss(self, law: Law, N: ArrayLike, D: ArrayLike) -> Array:
        """As the objective has it."""
        return self.objective.loss(law, N, D)

    def least_loss(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> Array:
        """As the objective has it, without the limit."""
        return self.objective.least_loss(law, flops, cost)

    def notices(self, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
        """The objective's."""
        return self.objective.notices(N, D, flops, cost)

    def as_json(self) -> dict[str, Any]:
        """`{kind, params, of}`."""
        return {"kind": "size_limit", "params": self.params, "of": self.objective.as_json()}
