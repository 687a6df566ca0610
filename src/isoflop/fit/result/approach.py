"""What every approach gives: a law with draws, intervals and notices, or a refusal. Values, not fitters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.codec import FinitePair, JsonObject, Number, Positive, fields_to_json, to_json
from isoflop.errors import Notice, RefusedError
from isoflop.fit.resampling import LEVEL, percentile_interval
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, FrontierLaw, Provenance
from isoflop.laws.chinchilla import CONSTANTS as CHINCHILLA_CONSTANTS

if TYPE_CHECKING:
    from isoflop.observations import Observations

Approach = Literal["parametric", "isoflop", "envelope"]
"""`envelope` (approach 1), `isoflop` (2) or `parametric` (3) of Hoffmann et al. 2022."""
APPROACHES: tuple[Approach, ...] = ("parametric", "isoflop", "envelope")
"""In the order in which a plan prefers them: only the first has a loss surface."""
CONSTANTS: Mapping[str, tuple[str, ...]] = {
    "parametric": CHINCHILLA_CONSTANTS,
    "isoflop": ("params_coefficient", "a", "tokens_coefficient", "b"),
    "envelope": ("params_coefficient", "a", "tokens_coefficient", "b"),
}
"""Names of the constants of each approach's law, in the order of the saved draws."""
LawT = TypeVar("LawT", ChinchillaLaw, FrontierLaw)
PartT = TypeVar("PartT")
_FRONTIER_POINTS = 25


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """N_opt and D_opt (and the loss, of a law with a surface) at log-spaced FLOPs, with the edges of their intervals
    at LEVEL. A column that could not be computed is empty."""

    json_if_set: ClassVar = (
        "params_low", "params_high", "tokens_low", "tokens_high", "loss", "loss_low", "loss_high",
    )  # fmt: skip

    flops: tuple[Positive, ...]
    params: tuple[Positive, ...]
    tokens: tuple[Positive, ...]
    params_low: tuple[Positive, ...] = ()
    params_high: tuple[Positive, ...] = ()
    tokens_low: tuple[Positive, ...] = ()
    tokens_high: tuple[Positive, ...] = ()
    loss: tuple[Positive, ...] = ()
    loss_low: tuple[Positive, ...] = ()
    loss_high: tuple[Positive, ...] = ()

    @classmethod
    def of(cls, law: LawT, draws: LawT | None, cost: ComputeCost, low: float, high: float) -> Frontier:
        """The frontier of `law` from `low` to `high` FLOPs at this cost of a token, with intervals from `draws`."""
        flops = np.geomspace(low, high, _FRONTIER_POINTS)
        N, D = law.optimum(flops, cost)
        columns = {"flops": flops, "params": N, "tokens": D}
        if law.has_loss:
            columns["loss"] = law.loss(N, D)
        if draws is not None:
            # Constants as columns broadcast against the FLOPs: every array below is (draws, points).
            columns_of = {name: np.asarray(getattr(draws, name))[:, None] for name in law.constants()}
            spread = type(law)(**columns_of, provenance=law.provenance)
            drawn = dict(zip(("params", "tokens"), spread.optimum(flops, cost), strict=True))
            if law.has_loss:
                drawn["loss"] = spread.loss(drawn["params"], drawn["tokens"])
            for name, values in drawn.items():
                edges = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
                columns |= {f"{name}_low": edges[0], f"{name}_high": edges[1]}
        return cls(**{name: tuple(values.tolist()) for name, values in columns.items()})


def columns_of_one_length(columns: object) -> bool:
    """Whether the tuples of a value, as far as they are not empty, have one length."""
    return len({len(column) for column in vars(columns).values() if column}) <= 1


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedLaw(Generic[LawT]):
    """A law that an approach fitted to runs, with what all approaches know about it."""

    approach: ClassVar[Approach]
    status: ClassVar[Literal["ok"]] = "ok"
    json_without: ClassVar[tuple[str, ...]] = ("law", "draws", "cost", "exponents", "intervals", "notices")

    law: LawT
    """The best fit."""
    draws: LawT | None = None
    """The same law with arrays of resampled constants; None where it was fitted without draws."""
    cost: ComputeCost = SIX_N
    """FLOPs per token against N of these runs."""
    exponents: tuple[float, float]
    """(a, b) of N_opt ~ C^a, D_opt ~ C^b; where the cost is not 6 N, over the data's range of C."""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """{constant: (low, high)} at LEVEL; empty without draws."""
    notices: tuple[Notice, ...] = ()
    """What to know before using the law."""

    @property
    def ok(self) -> bool:
        """True: a refusal has False here."""
        return True

    def interval(self, f: Callable[[LawT], ArrayLike], level: float = LEVEL) -> tuple[float, float]:
        """Percentile interval over the draws of f(law), where f works on a law with arrays of constants.

        Raises RefusedError `no_draws` where the law was fitted without draws.
        """
        if self.draws is None:
            raise RefusedError("no_draws", f"{self.approach} fit: no intervals without draws; fit with draws above 0")
        return percentile_interval(f(self.draws), level)

    def optimum(self, C: float) -> tuple[float, float]:
        """(N, D) at C FLOPs by the fitted law and the cost of a token in these runs."""
        N, D = self.law.optimum(C, self.cost)
        return float(N), float(D)

    def draws_array(self) -> Array | None:
        """Draws as (draws, constants), in the order of CONSTANTS, for saving."""
        if self.draws is None:
            return None
        return np.stack([np.asarray(getattr(self.draws, name)) for name in CONSTANTS[self.approach]], axis=1)

    def as_json(self) -> JsonObject:
        """The object of `fit --json`: status, constants, a, b, intervals, warnings, and what the approach adds."""
        constants: JsonObject = dict(self.law.constants().items())
        a, b = self.exponents
        return {
            **constants,
            "status": self.status,
            "code": "",
            "reason": "",
            "a": a,
            "b": b,
            "intervals": to_json({"level": LEVEL, **self.intervals}),
            "warnings": to_json(self.notices),
            "provenance": to_json(self.law.provenance),
            **fields_to_json(self),
        }


@dataclass(frozen=True, kw_only=True)
class FittedLawFile:
    """What the file of a fit holds of any law, but for the constants; keys of the file are the fields."""

    status: Literal["ok"]
    a: Number
    b: Number
    intervals: Mapping[str, FinitePair | Number]
    """With the level of the others under `level`."""
    warnings: tuple[Notice, ...]
    provenance: Provenance

    def named_intervals(self) -> dict[str, tuple[float, float]]:
        """{constant: (low, high)}."""
        return {name: pair for name, pair in self.intervals.items() if isinstance(pair, tuple)}


def fitted_provenance(data: Observations) -> Provenance:
    """Conventions and domain of a law fitted to `data`."""
    domain = {
        name: (float(column.min()), float(column.max()))
        for name, column in (("params", data.N), ("tokens", data.D), ("flops", data.C))
    }
    return Provenance(
        name="fitted",
        place=f"fitted to {len(data)} runs",
        params_convention=data.params_convention,
        flops_convention=data.flops_convention,
        loss_unit=data.loss_unit,
        domain=domain,
    )


def degenerate(why: str) -> RefusedError:
    """The refusal of rows that pass every check and still decide nothing."""
    return RefusedError("degenerate_rows", f"the rows decide no fit: {why}; see that each column holds what it is for")


def finite_or_none(part: PartT) -> PartT | None:
    """`part` of a report where every number that it writes is finite, else None."""
    return None if not_finite(to_json(part)) else part


def not_finite(value: object, name: str = "") -> str:
    """Where in a JSON value the first number is that is not finite, as `intervals.a.0`; empty where all are."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else name or "it"
    parts: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    places = (not_finite(part, f"{name}.{key}" if name else str(key)) for key, part in parts)
    return next(filter(None, places), "")
