"""What every law offers, published or fitted: its source and conventions, its loss, and the optimum of a budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arrays import Array
from isoflop.codec import Pair, Share
from isoflop.laws.cost import SIX_N, ComputeCost

Index: TypeAlias = "slice | list[int] | NDArray[np.intp] | NDArray[np.bool_] | tuple[slice | None, ...]"
"""What picks draws out of arrays of constants, as NumPy indexes."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Source of a law's constants, and the meaning of its letters."""

    name: str
    """Lower case with hyphens (`besiroglu2024`), or `fitted`."""
    paper: str = ""
    """Author, year and arXiv number; empty for a fitted law."""
    place: str = ""
    """Table or equation that prints the constants, or how they were derived from it."""
    params_convention: str = "total"
    """What N counts: one of arch.PARAMS_CONVENTIONS."""
    flops_convention: str = "six_n"
    """What C counts: one of arch.FLOPS_CONVENTIONS; `six_n` is 6 N with N as `params_convention` counts it."""
    loss_unit: str = "nats_per_token"
    """Unit of the loss; losses on different text or tokenizers do not compare."""
    rounding: str = ""
    """How far the printed constants were rounded, where that matters."""
    caution: str = ""
    """A warning about the use of the law; plans and predictions repeat it as a notice."""
    domain: dict[str, Pair] = field(default_factory=dict)
    """{"params" | "tokens" | "flops": (low, high)}: range of the runs that the law was fitted to."""
    intervals: dict[str, Pair] = field(default_factory=dict)
    """Published {constant: (low, high)}; empty where none were printed."""
    interval_level: Share | None = None
    """Level of `intervals` between 0 and 1: Hoffmann et al. 2022, Table 2 prints 0.8."""

    def extrapolation_factor(self, flops: float) -> float | None:
        """`flops` over the largest compute the law was fitted to; at least 1, None where that is unknown."""
        if "flops" not in self.domain:
            return None
        return max(1.0, float(flops) / self.domain["flops"][1])


FITTED = Provenance(name="fitted")
"""A law fitted here whose data's conventions were not stated."""


@runtime_checkable
class Law(Protocol):
    """A compute-optimal frontier and, where `has_loss`, a loss surface. Constants may be arrays of draws."""

    @property
    def provenance(self) -> Provenance:
        """Source, conventions and domain."""
        ...

    @property
    def has_loss(self) -> bool:
        """False for laws that only say how N and D grow with C (approaches 1 and 2)."""
        ...

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss of a model of N parameters after D tokens. Raises RefusedError without a loss surface."""
        ...

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) with the least loss at C FLOPs."""
        ...

    def constants(self) -> dict[str, float]:
        """{letter: value} as the papers write them."""
        ...


@runtime_checkable
class Surface(Law, Protocol):
    """A law with a loss surface whose constants may be draws, as forms are fitted and mixed in forecasts."""

    def draw(self, chosen: Index) -> Self:
        """The law of some of the draws: `chosen` indexes the arrays."""
        ...

    @property
    def has_optimum(self) -> NDArray[np.bool_]:
        """Which of the draws have a compute optimum at C = 6 N D, (draws,) or ()."""
        ...
