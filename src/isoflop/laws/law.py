"""What every law knows about itself, whether it was published or fitted here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.codec import Pair, Share
from isoflop.errors import InputError
from isoflop.laws.cost import SIX_N, ComputeCost

Array = NDArray[np.float64]
Index: TypeAlias = "slice | list[int] | NDArray[np.intp] | NDArray[np.bool_] | tuple[slice | None, ...]"
"""What picks draws out of arrays of constants, as NumPy indexes."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a law's constants come from and what its letters mean."""

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
    """What one should know before using the law; plans and predictions repeat it as a notice."""
    domain: dict[str, Pair] = field(default_factory=dict)
    """{"params" | "tokens" | "flops": (low, high)}: where the runs were that the law was fitted to."""
    intervals: dict[str, Pair] = field(default_factory=dict)
    """Published {constant: (low, high)}; empty where none were printed."""
    interval_level: Share | None = None
    """Level of `intervals` between 0 and 1: Hoffmann et al. 2022, Table 2 prints 0.8."""

    def extrapolation_factor(self, flops: float) -> float | None:
        """`flops` over the largest compute the law was fitted to; at least 1, and None where that is not known."""
        if "flops" not in self.domain:
            return None
        return max(1.0, float(flops) / self.domain["flops"][1])

    def as_json(self) -> dict[str, Any]:
        """A plain dict with lists for tuples; `from_json` reads it back."""
        return {
            "name": self.name,
            "paper": self.paper,
            "place": self.place,
            "params_convention": self.params_convention,
            "flops_convention": self.flops_convention,
            "loss_unit": self.loss_unit,
            "rounding": self.rounding,
            "caution": self.caution,
            "domain": {key: list(value) for key, value in self.domain.items()},
            "intervals": {key: list(value) for key, value in self.intervals.items()},
            "interval_level": self.interval_level,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Provenance:
        """The provenance that `as_json` wrote. Raises InputError for a field it does not know."""
        values = dict(data)
        for key in ("domain", "intervals"):
            values[key] = {name: (float(low), float(high)) for name, (low, high) in values.get(key, {}).items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise InputError(f"law provenance: {error}") from error


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
