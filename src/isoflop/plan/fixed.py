"""Plans with one number fixed: the size, the tokens, or the tokens per parameter. The budget decides the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arch import Architecture
from isoflop.arrays import Array
from isoflop.codec import JsonObject
from isoflop.errors import Notice
from isoflop.laws import ComputeCost, Law
from isoflop.plan.objectives import Objective
from isoflop.quantities import QuantityField


@dataclass(frozen=True, kw_only=True)
class _Fixed(Objective):
    """An objective that fixes a number; `best` is the law's own optimum, which would have been better."""

    @property
    def fixed(self) -> bool:
        """True: N and D follow from the budget, whatever the law says."""
        return True


@dataclass(frozen=True, kw_only=True)
class FixedParams(_Fixed):
    """A model of this size, on all tokens that the budget pays for."""

    params: QuantityField = QuantityField("params")
    """N, in the law's convention."""

    kind = "fixed_params"

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, C over the cost of a token at N)."""
        del law
        N = np.full_like(np.asarray(flops, dtype=np.float64), self.params)
        return N, cost.tokens(flops, N)


@dataclass(frozen=True, kw_only=True)
class FixedTokens(_Fixed):
    """The largest model that the budget can train on this many tokens."""

    tokens: QuantityField = QuantityField("tokens")
    """D."""

    kind = "fixed_tokens"

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N whose tokens cost C / D each, D)."""
        del law
        N = cost.size_at_cost(np.asarray(flops, dtype=np.float64) / self.tokens)
        return N, np.full_like(N, self.tokens)


@dataclass(frozen=True, kw_only=True)
class FixedRatio(_Fixed):
    """A fixed number of tokens per parameter, at any budget: N = sqrt(C / 6 r) for C = 6 N D.

    >>> from isoflop.laws import SIX_N, published_law
    >>> N, D = FixedRatio(tokens_per_param=20).choose(published_law("besiroglu2024"), 2.5272e24, SIX_N)
    >>> f"{N:.6e} {D:.6e}"
    '1.451206e+11 2.902413e+12'
    """

    tokens_per_param: QuantityField = QuantityField("tokens per parameter")
    """r = D / N, N in the law's convention."""

    kind = "fixed_ratio"

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N with cost(N) N r = C, r N)."""
        del law
        N = cost.size_at_ratio(flops, self.tokens_per_param)
        return N, N * self.tokens_per_param


@dataclass(frozen=True, kw_only=True)
class SizeLimit(Objective):
    """The largest model allowed, trained as another objective would, where that objective's own choice is larger."""

    objective: Objective
    """What the plan is for: not one that fixes numbers itself."""
    params: float
    """N, in the law's convention."""
    shape: Architecture | None = None
    """The largest shape allowed, of `params` parameters; None where only the number is known."""

    kind = "size_limit"

    @property
    def fixed(self) -> bool:
        """True: the limit decides N, not the law."""
        return True

    @property
    def most_tokens(self) -> float:
        """`most_tokens` of the objective."""
        return self.objective.most_tokens

    @property
    def most_params(self) -> float:
        """The limit."""
        return self.params

    @property
    def largest_shape(self) -> Architecture | None:
        """The largest shape allowed."""
        return self.shape

    @property
    def repeats_tokens(self) -> bool:
        """Whether the objective's text may be read more than once."""
        return self.objective.repeats_tokens

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(the limit, D that the objective gives it)."""
        N = np.full_like(np.asarray(flops, dtype=np.float64), self.params)
        return N, self.objective.tokens_at(law, flops, cost, N)

    def tokens_at(self, law: Law, flops: ArrayLike, cost: ComputeCost, N: ArrayLike) -> Array:
        """D that the objective gives N."""
        return self.objective.tokens_at(law, flops, cost, N)

    def loss(self, law: Law, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss by the objective."""
        return self.objective.loss(law, N, D)

    def best(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, D) of the least loss by the objective, without the limit."""
        return self.objective.best(law, flops, cost)

    def notices(self, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
        """Warnings of the objective."""
        return self.objective.notices(N, D, flops, cost)

    def as_json(self) -> JsonObject:
        """`{kind, params, of}`."""
        return {"kind": self.kind, "params": self.params, "of": self.objective.as_json()}
