"""Objectives of a plan: the least training compute, the least compute over a lifetime, or the most from limited text.

Every objective chooses (N, D) under one law or under all of its draws at once, and gives the loss to expect there.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arch import Architecture
from isoflop.arrays import Array
from isoflop.codec import JsonObject, fields_to_json
from isoflop.errors import Notice, RefusedError
from isoflop.laws import ChinchillaLaw, ComputeCost, Law, RepeatedLaw
from isoflop.laws.bisection import bracket
from isoflop.laws.repeated import FREE_EPOCHS, LAST_EPOCHS
from isoflop.quantities import QuantityField
from isoflop.units import format_number, format_quantity, percent

# Where reading ends before the budget, a larger model that lowers the loss by less than this share is not worth its
# compute: two runs that differ in their seed alone lie further apart.
_WORTH_A_LARGER_MODEL = 1e-3
_SMALLER_BY = 60.0  # of ln N: further below the largest affordable model than any size lies
# A budget that is spent is spent up to this share.
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """How (N, D) are chosen for a budget. The defaults are those of training on fresh text, with nothing fixed."""

    kind: ClassVar[str]
    """Name of the objective in JSON."""

    @property
    def fixed(self) -> bool:
        """True where N and D follow from the budget alone, whatever the law says."""
        return False

    @property
    def most_tokens(self) -> float:
        """D beyond which reading on adds nothing; infinite where there is always fresh text."""
        return math.inf

    @property
    def most_params(self) -> float:
        """Largest N that may be chosen; infinite where nothing bounds it."""
        return math.inf

    @property
    def largest_shape(self) -> Architecture | None:
        """The shape of `most_params` parameters; None where nothing bounds the size, or the number alone is known."""
        return None

    @property
    def repeats_tokens(self) -> bool:
        """Whether text may be read more than once, so that `loss` is above the law's loss of as many fresh tokens."""
        return False

    @abstractmethod
    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, D) for `flops` training FLOPs; arrays for many budgets, or where the law's constants are draws."""

    def tokens_at(self, law: Law, flops: ArrayLike, cost: ComputeCost, N: ArrayLike) -> Array:
        """D that goes with N parameters, where N is not for this objective to choose: all that the budget pays for.

        Raises RefusedError `too_small` where no number of tokens reaches the objective.
        """
        del law
        return cost.tokens(flops, N)

    def loss(self, law: Law, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss to expect of N parameters after D tokens."""
        return law.loss(N, D)

    def best(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, D) of the least loss that `flops` training FLOPs reach with this objective's text, nothing fixed."""
        return law.optimum(flops, cost)

    def least_loss(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> Array:
        """Least loss that `flops` training FLOPs reach with this objective's text."""
        return self.loss(law, *self.best(law, flops, cost))

    def notices(self, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
        """Warnings about the choice of (N, D) for `flops`."""
        del N, D, flops, cost
        return []

    def as_json(self) -> JsonObject:
        """`{kind, ...}` with the numbers of the objective."""
        return {"kind": self.kind, **fields_to_json(self)}


@dataclass(frozen=True, kw_only=True)
class TrainingOnly(Objective):
    """The least loss that the training budget buys (Hoffmann et al. 2022)."""

    kind = "training_only"

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """The law's own optimum."""
        return law.optimum(flops, cost)


@dataclass(frozen=True, kw_only=True)
class InferenceDemand(Objective):
    """The least training and inference FLOPs for the loss that the training budget would buy at its optimum.

    Sardana et al. 2024 (2401.00448): minimise 6 N D + 2 N T at equal loss. A forward pass costs a third of a training
    step, so with a measured cost per token c(N) the total is c(N) (D + T / 3).
    """

    tokens: QuantityField = QuantityField("inference tokens")
    """T: tokens that will be read and written in the model's life."""

    kind = "inference_demand"

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """A smaller model on more tokens than the training optimum, at its loss."""
        surface = _surface(law, "inference demand")
        N_train, D_train = surface.optimum(flops, cost)
        reducible = surface.loss(N_train, D_train) - surface.E

        def too_small(log_params: Array) -> NDArray[np.bool_]:
            """Whether a larger model takes fewer FLOPs over its life: where tokens fall with N faster than costs rise.

            At equal loss d ln D / d ln N = -alpha A N^-alpha / (beta B D^-beta).
            """
            by_params = surface.A * np.exp(-surface.alpha * log_params)
            by_tokens = np.maximum(reducible - by_params, 0.0)  # none: no number of tokens suffices
            demand = 1 + self.tokens / (3 * _tokens_for(surface, reducible, log_params))
            k = cost.in_logs(log_params)[1]
            return np.asarray(surface.alpha * by_params > k * surface.beta * by_tokens * demand)

        # Below this N the term A / N^alpha alone exceeds the loss, however many tokens are read.
        smallest = np.log(surface.A / reducible) / surface.alpha
        _, log_params = bracket(too_small, smallest, np.log(N_train), tolerance=1e-16)
        return np.exp(log_params), _tokens_for(surface, reducible, log_params)

    def tokens_at(self, law: Law, flops: ArrayLike, cost: ComputeCost, N: ArrayLike) -> Array:
        """The tokens with which N parameters reach the loss of the training optimum."""
        surface = _surface(law, "inference demand")
        reducible = surface.loss(*surface.optimum(flops, cost)) - surface.E
        tokens = _tokens_for(surface, reducible, np.log(np.asarray(N, dtype=np.float64)))
        if not np.all(np.isfinite(tokens)):
            raise RefusedError(
                "too_small",
                f"no number of tokens brings {format_quantity(float(np.min(N)))} parameters to the loss that this "
                "budget buys at its optimum; leave the inference out, or allow a larger model",
            )
        return tokens

    def notices(self, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
        """`training_above_budget`: training takes more than the budget, which buys fewer FLOPs per token served."""
        spent = float(cost.training_flops(N, D))
        message = (
            f"training takes {format_number(spent / flops)} times the budget of {format_number(flops)} FLOPs, for the "
            "same loss from a smaller model; with inference the total is "
            f"{format_number(spent + float(cost.training_flops(N, self.tokens)) / 3)}"
        )
        return [Notice(code="training_above_budget", message=message)]

    def as_json(self) -> JsonObject:
        """`{kind, inference_tokens}`."""
        return {"kind": self.kind, "inference_tokens": self.tokens}


@dataclass(frozen=True, kw_only=True)
class LimitedData(Objective):
    """The least loss that the budget buys when there is only so much text, read again and again.

    Muennighoff et al. 2023 (2305.16264): repeated tokens, and parameters beyond what the text calls for, count less.
    """

    unique_tokens: QuantityField = QuantityField("unique tokens")
    """U: different tokens in the text."""

    kind = "limited_data"

    @property
    def most_tokens(self) -> float:
        """D of forty epochs, where returns have vanished."""
        return LAST_EPOCHS * self.unique_tokens

    @property
    def repeats_tokens(self) -> bool:
        """True."""
        return True

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """The law's optimum where it fits into one epoch, else the trade of epochs against parameters.

        Reading ends with `most_tokens`, even where the budget does not: there it is the smallest model whose loss is
        within a thousandth of that of the largest which the budget trains on them.
        """
        repeated = self._law(law)
        N, D = repeated.optimum(flops, cost)
        ends = self.most_tokens < D
        if not np.any(ends):
            return N, D
        # Bisection in ln N for the smallest model within a thousandth of the loss of the largest affordable one.
        largest = np.log(cost.size_at_cost(np.asarray(flops, dtype=np.float64) / self.most_tokens))
        enough = repeated.loss(np.exp(largest), self.most_tokens) * (1 + _WORTH_A_LARGER_MODEL)
        low, high = np.broadcast_arrays(largest - _SMALLER_BY, largest, enough)[:2]
        # the loss only falls with size; the tolerance is below rounding
        _, smallest = bracket(lambda x: repeated.loss(np.exp(x), self.most_tokens) > enough, low, high, tolerance=1e-16)
        return np.where(ends, np.exp(smallest), N), np.minimum(D, self.most_tokens)

    def tokens_at(self, law: Law, flops: ArrayLike, cost: ComputeCost, N: ArrayLike) -> Array:
        """All that the budget pays for, read as often as that takes, up to `most_tokens`."""
        del law
        return np.minimum(cost.tokens(flops, N), self.most_tokens)

    def loss(self, law: Law, N: ArrayLike, D: ArrayLike) -> Array:
        """The law's loss with repeated tokens discounted."""
        return self._law(law).loss(N, D)

    def best(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """The choice for this text."""
        return self.choose(law, flops, cost)

    def notices(self, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
        """`repeated_tokens` above one epoch: how often the text is read, and the share of the budget that is left."""
        epochs = D / self.unique_tokens
        if epochs <= 1:
            return []
        verdict = "nearly as good as fresh text" if epochs <= FREE_EPOCHS else "each epoch adds less"
        left = 1 - float(cost.training_flops(N, D)) / flops
        if left > _ROUNDING:
            verdict = f"more would add nothing, so {percent(left)} of the budget is not spent: find more text"
        message = (
            f"the text is read {format_number(epochs)} times: {verdict} (decay constants of Muennighoff et "
            "al. 2023, fitted on C4)"
        )
        return [Notice(code="repeated_tokens", message=message)]

    def _law(self, law: Law) -> RepeatedLaw:
        return RepeatedLaw(fresh=_surface(law, "limited data"), unique_tokens=self.unique_tokens)


def _tokens_for(surface: ChinchillaLaw, reducible: Array, log_params: Array) -> Array:
    """Tokens with which models reach the floor E plus `reducible`; infinity where none suffice."""
    left = reducible - surface.A * np.exp(-surface.alpha * log_params)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(np.where(left > 0, (surface.B / left) ** (1 / np.asarray(surface.beta)), np.inf))


def _surface(law: Law, what: str) -> ChinchillaLaw:
    if not isinstance(law, ChinchillaLaw):
        lacks = "is of another form" if law.has_loss else "says nothing of the loss"
        raise RefusedError(
            "no_loss",
            f"{what} needs a law with a loss surface E + A/N^alpha + B/D^beta, such as besiroglu2024; "
            f"{law.provenance.name} {lacks}",
        )
    return law
