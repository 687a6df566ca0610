"""The problem of a plan: what is minimised over (N, D), and within which limits.

Minimised is the loss within a training budget C; with inference demand, training and serving FLOPs c(N) (D + T / 3) at
the least loss that C buys. The limits are the text (Muennighoff et al. 2023), numbers that are fixed, and the largest
model that may be served. A problem is solved under one law or under all of its draws at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arch import Architecture
from isoflop.arrays import Array
from isoflop.codec import JsonObject
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.laws import ChinchillaLaw, ComputeCost, Law, RepeatedLaw
from isoflop.laws.balance import best_at_loss
from isoflop.laws.repeated import LAST_EPOCHS
from isoflop.plan.objectives import Objective, Objectives, TrainingOnly
from isoflop.plan.solver.limited_text import best_of_text
from isoflop.plan.solver.remarks import notices_of
from isoflop.units import format_quantity

_FIXED = ("params", "tokens", "tokens_per_param")
_ROUNDING = 1e-9  # of a loss


@dataclass(frozen=True, kw_only=True)
class SizeLimit:
    """The largest model allowed, where the best one is larger."""

    params: float
    """N, in the law's convention."""
    shape: Architecture | None = None
    """The largest shape allowed, of `params` parameters; None where only the number is known."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is asked of (N, D)."""

    objectives: tuple[Objective, ...] = (TrainingOnly(),)
    """The statements that it was made of."""
    inference_tokens: float = 0.0
    """T: tokens served over the model's life, which count where N is free."""
    unique_tokens: float = math.inf
    """U: different tokens of the text; infinite where there is always fresh text."""
    params: float | None = None
    """N, where it is fixed, in the law's convention."""
    tokens: float | None = None
    """D, where it is fixed."""
    tokens_per_param: float | None = None
    """D / N, where it is fixed."""
    size_limit: SizeLimit | None = None
    """What is planned in place of a larger model."""

    @classmethod
    def of(cls, stated: Objectives | Problem | None) -> Problem:
        """The problem of one statement or of several that hold at once; None: of training alone.

        Raises InputError where two statements fix the same, RefusedError `limits_contradict` where more tokens are
        fixed than reading the text is worth.

        >>> from isoflop.plan import InferenceDemand, LimitedData
        >>> Problem.of([InferenceDemand(tokens="1T"), LimitedData(unique_tokens="100B")]).unique_tokens
        100000000000.0
        """
        if isinstance(stated, Problem):
            return stated
        objectives = () if stated is None else (stated,) if isinstance(stated, Objective) else tuple(stated)
        numbers: dict[str, float] = {}
        for objective in objectives:
            if twice := sorted(set(numbers) & set(objective.states)):
                raise InputError(f"objective: {twice[0].replace('_', ' ')} are stated twice; state them once")
            numbers.update(objective.states)
        if len(fixed := [name for name in _FIXED if name in numbers]) > 1:
            raise InputError(
                f"objective: {fixed[0]} and {fixed[1]} are both fixed, which leaves the budget nothing to decide; fix "
                "one of them"
            )
        problem = cls(
            objectives=objectives or (TrainingOnly(),),
            inference_tokens=numbers.get("inference_tokens", 0.0),
            unique_tokens=numbers.get("unique_tokens", math.inf),
            params=numbers.get("params"),
            tokens=numbers.get("tokens"),
            tokens_per_param=numbers.get("tokens_per_param"),
        )
        check_readings(problem.tokens, problem.unique_tokens)
        return problem

    @property
    def fixed(self) -> bool:
        """True where N and D follow from the budget alone, whatever the law says."""
        return self.size_limit is not None or any(getattr(self, name) is not None for name in _FIXED)

    @property
    def most_tokens(self) -> float:
        """D of forty epochs, beyond which reading on adds nothing; infinite where there is always fresh text."""
        return LAST_EPOCHS * self.unique_tokens

    @property
    def most_params(self) -> float:
        """Largest N that may be chosen; infinite where nothing bounds it."""
        return math.inf if self.size_limit is None else self.size_limit.params

    @property
    def largest_shape(self) -> Architecture | None:
        """The shape of `most_params` parameters; None where nothing bounds the size, or the number alone is known."""
        return None if self.size_limit is None else self.size_limit.shape

    @property
    def repeats_tokens(self) -> bool:
        """Whether text may be read more than once, so that `loss` is above the law's loss of as many fresh tokens."""
        return math.isfinite(self.unique_tokens)

    @property
    def for_life(self) -> bool:
        """Whether tokens served decide between N and D."""
        return self.inference_tokens > 0 and all(getattr(self, name) is None for name in _FIXED)

    def at_most(self, params: float, shape: Architecture | None = None) -> Problem:
        """The same with no model above `params` parameters, which the best one is."""
        return replace(self, size_limit=SizeLimit(params=params, shape=shape))

    def without(self, name: str) -> Problem:
        """The same without one of its numbers, such as `unique_tokens`."""
        stated = [objective for objective in self.objectives if name not in objective.states]
        return replace(Problem.of(stated), size_limit=self.size_limit)

    def surface(self, law: Law) -> ChinchillaLaw | RepeatedLaw:
        """The loss that is minimised. Raises RefusedError `no_loss` for a law of another form."""
        what = "limited data" if self.repeats_tokens else "inference demand"
        if not isinstance(law, ChinchillaLaw):
            lacks = "is of another form" if law.has_loss else "says nothing of the loss"
            raise RefusedError(
                "no_loss",
                f"{what} needs a law with a loss surface E + A/N^alpha + B/D^beta, such as besiroglu2024; "
                f"{law.provenance.name} {lacks}",
            )
        return RepeatedLaw(fresh=law, unique_tokens=self.unique_tokens) if self.repeats_tokens else law

    def loss(self, law: Law, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss to expect of N parameters after D tokens, repeated ones discounted where text is limited."""
        return self.surface(law).loss(N, D) if self.repeats_tokens else law.loss(N, D)

    def best(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, D) of the least loss that `flops` training FLOPs reach with this text, nothing else limited."""
        if not self.repeats_tokens:
            return law.optimum(flops, cost)
        surface = self.surface(law)
        assert isinstance(surface, RepeatedLaw)
        return best_of_text(surface, flops, cost, self.most_tokens)

    def least_loss(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> Array:
        """Least loss that `flops` training FLOPs reach with this text."""
        return self.loss(law, *self.best(law, flops, cost))

    def choose(self, law: Law, flops: ArrayLike, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, D) of the plan for `flops` training FLOPs; arrays for many budgets, or for a law of draws.

        Raises RefusedError `too_small` where the model allowed cannot reach the loss, `no_loss` and `no_optimum` where
        the law cannot answer.
        """
        C = np.asarray(flops, dtype=np.float64)
        if self.size_limit is not None or self.params is not None:
            N = np.full_like(C, self.params if self.size_limit is None else self.size_limit.params)
            return N, self.tokens_at(law, C, cost, N)
        if self.tokens is not None:
            N = cost.size_at_cost(C / self.tokens)
            return N, np.full_like(N, self.tokens)
        if self.tokens_per_param is not None:
            # the text may end before the budget does
            N = np.minimum(cost.size_at_ratio(C, self.tokens_per_param), self.most_tokens / self.tokens_per_param)
            return N, N * self.tokens_per_param
        N, D = self.best(law, C, cost)
        return self._for_life(law, C, N, D, cost) if self.for_life else (N, D)

    def tokens_at(self, law: Law, flops: ArrayLike, cost: ComputeCost, N: ArrayLike) -> Array:
        """D that goes with N parameters, where N is not to be chosen.

        Where one is fixed the number that is, or what the ratio makes it; with inference demand what reaches the loss
        of the optimum; else all that the budget pays for. Raises RefusedError `too_small` where none reaches it.
        """
        size = np.asarray(N, dtype=np.float64)
        if self.tokens is not None:
            return np.full_like(size, self.tokens)
        if self.tokens_per_param is not None:
            return np.minimum(size * self.tokens_per_param, self.most_tokens)
        if not self.for_life:
            return np.minimum(cost.tokens(flops, size), self.most_tokens)
        surface = self.surface(law)
        reached = surface.loss(*self.best(law, flops, cost))
        D = surface.tokens_for(reached, size)
        if self.repeats_tokens:  # the last readings add so little that rounding of the loss is epochs of them
            enough = surface.loss(size, self.most_tokens) <= reached * (1 + _ROUNDING)
            D = np.where(enough, np.minimum(D, self.most_tokens), D)
        if not np.all(self.most_tokens >= D) or not np.all(np.isfinite(D)):
            again = f" with {format_quantity(self.unique_tokens)} different tokens" if self.repeats_tokens else ""
            raise RefusedError(
                "too_small",
                f"no number of tokens brings {format_quantity(float(np.min(size)))} parameters to the loss that this "
                f"budget buys at its optimum{again}: what may be served and the inference demand contradict each "
                "other; leave the inference out, or allow a larger model",
            )
        return D

    def spend(self, N: ArrayLike, D: ArrayLike, cost: ComputeCost) -> Array:
        """FLOPs of training, and of serving where that is asked for, in the law's convention."""
        return cost.training_flops(N, np.asarray(D) + self.inference_tokens / 3)

    def notices(self, N: float, D: float, flops: float, cost: ComputeCost) -> list[Notice]:
        """Warnings about the choice of (N, D) for `flops`."""
        return notices_of(self, N, D, flops, cost)

    def as_json(self) -> JsonObject:
        """`{kind, ...}` of the one statement; of several `{kind: combined, of}`, of a limit `{kind, params, of}`."""
        each: list[JsonObject] = [objective.as_json() for objective in self.objectives]
        stated: JsonObject = each[0] if len(each) == 1 else {"kind": "combined", "of": [*each]}
        if self.size_limit is None:
            return stated
        return {"kind": "size_limit", "params": self.size_limit.params, "of": stated}

    def _for_life(self, law: Law, C: Array, N: Array, D: Array, cost: ComputeCost) -> tuple[Array, Array]:
        """(N, D) of the least training and serving FLOPs at the loss that `C` buys, with the `best` (`N`, `D`)."""
        surface = self.surface(law)
        fresh = surface.fresh if isinstance(surface, RepeatedLaw) else surface
        reached = surface.loss(N, D)
        # Below this N the term A / N^alpha alone exceeds the loss, however many tokens are read.
        smallest = np.log(fresh.A / (reached - fresh.E)) / fresh.alpha
        largest = np.log(N)
        if self.repeats_tokens:
            # Where the text is read out, that N is not the one of least training: a larger one reads it less often.
            one_epoch = np.log(cost.size_at_cost(C / self.unique_tokens))
            largest = np.where(self.most_tokens > D, largest, np.maximum(largest, one_epoch))
        N = best_at_loss(surface, reached, self.inference_tokens, cost, smallest, largest, self.most_tokens)
        return N, np.minimum(surface.tokens_for(reached, N), self.most_tokens)


def check_readings(tokens: float | None, unique_tokens: float) -> None:
    """Raises RefusedError `limits_contradict` where `tokens` are more than forty readings of `unique_tokens`."""
    if tokens is None or tokens <= LAST_EPOCHS * unique_tokens:
        return
    raise RefusedError(
        "limits_contradict",
        f"{format_quantity(tokens)} tokens and {format_quantity(unique_tokens)} different ones contradict each other: "
        f"beyond {LAST_EPOCHS:.0f} readings, {format_quantity(LAST_EPOCHS * unique_tokens)} tokens, nothing is gained; "
        "fix fewer tokens, or find more text",
    )
