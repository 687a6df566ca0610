"""What a plan is for and what is fixed: statements that combine, of which `plan.solver` makes one problem.

Each is a number with its name. Training alone, within the budget, is what none of them says anything about.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from isoflop.codec import JsonObject
from isoflop.quantities import QuantityField


@dataclass(frozen=True, kw_only=True)
class Objective(ABC):
    """One statement about a plan, such as how many tokens will be served."""

    kind: ClassVar[str]
    """Name of the objective in JSON."""

    @property
    @abstractmethod
    def states(self) -> dict[str, float]:
        """{field of `Problem`: number}."""

    def as_json(self) -> JsonObject:
        """`{kind, ...}` with the numbers of the objective."""
        return {"kind": self.kind, **self.states}


@dataclass(frozen=True, kw_only=True)
class TrainingOnly(Objective):
    """The least loss that the training budget buys (Hoffmann et al. 2022)."""

    kind = "training_only"

    @property
    def states(self) -> dict[str, float]:
        """Nothing."""
        return {}


@dataclass(frozen=True, kw_only=True)
class InferenceDemand(Objective):
    """The least training and inference FLOPs for the loss that the training budget would buy at its optimum.

    Sardana et al. 2024 (2401.00448): minimise 6 N D + 2 N T at equal loss. A forward pass costs a third of a training
    step, so with a measured cost per token c(N) the total is c(N) (D + T / 3).
    """

    tokens: QuantityField = QuantityField("inference tokens")
    """T: tokens that will be read and written in the model's life."""

    kind = "inference_demand"

    @property
    def states(self) -> dict[str, float]:
        """T as `inference_tokens`."""
        return {"inference_tokens": self.tokens}


@dataclass(frozen=True, kw_only=True)
class LimitedData(Objective):
    """The least loss that the budget buys when there is only so much text, read again and again.

    Muennighoff et al. 2023 (2305.16264): repeated tokens, and parameters beyond what the text calls for, count less.
    """

    unique_tokens: QuantityField = QuantityField("unique tokens")
    """U: different tokens in the text."""

    kind = "limited_data"

    @property
    def states(self) -> dict[str, float]:
        """U."""
        return {"unique_tokens": self.unique_tokens}


@dataclass(frozen=True, kw_only=True)
class FixedParams(Objective):
    """A model of this size, on all tokens that the budget pays for."""

    params: QuantityField = QuantityField("params")
    """N, in the law's convention."""

    kind = "fixed_params"

    @property
    def states(self) -> dict[str, float]:
        """N."""
        return {"params": self.params}


@dataclass(frozen=True, kw_only=True)
class FixedTokens(Objective):
    """The largest model that the budget can train on this many tokens."""

    tokens: QuantityField = QuantityField("tokens")
    """D."""

    kind = "fixed_tokens"

    @property
    def states(self) -> dict[str, float]:
        """D."""
        return {"tokens": self.tokens}


@dataclass(frozen=True, kw_only=True)
class FixedRatio(Objective):
    """A fixed number of tokens per parameter, at any budget: N = sqrt(C / 6 r) for C = 6 N D."""

    tokens_per_param: QuantityField = QuantityField("tokens per parameter")
    """r = D / N, N in the law's convention."""

    kind = "fixed_ratio"

    @property
    def states(self) -> dict[str, float]:
        """r."""
        return {"tokens_per_param": self.tokens_per_param}


Objectives: TypeAlias = "Objective | Iterable[Objective]"
"""One statement, or several that hold at once."""
