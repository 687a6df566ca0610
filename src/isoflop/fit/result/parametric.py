"""The fit of approach 3: E + A / N^alpha + B / D^beta, how its optimum was reached, and what the data identify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, ClassVar, Literal

from annotated_types import Predicate

from isoflop.arrays import Array
from isoflop.codec import Count, Finite, JsonObject, Number, Pair, Positive, PositivePair, renamed, to_json
from isoflop.fit.listed_rows import Residual
from isoflop.fit.result.approach import CONSTANTS, Approach, FittedLaw, FittedLawFile, Frontier, columns_of_one_length
from isoflop.laws import ChinchillaLaw, ComputeCost

ResamplingUnit = Literal["row", "run", "size"]
"""What is drawn whole: each row, runs as they are named, or the rows of one N."""
ResamplingMethod = Literal["refit", "one_step"]
"""`refit`: each resample minimised from two starts; `one_step`: a Newton step from the optimum of all rows."""


@dataclass(frozen=True, kw_only=True)
class Starts:
    """How many starts agree on the optimum."""

    tried: Count
    at_best: Count
    """Those that ended within a millionth of the least objective."""


@dataclass(frozen=True, kw_only=True)
class DrawCounts:
    """How the resamples were made. All but `kept` and `lost` are None without resamples."""

    json_if_set: ClassVar = ("checked", "method", "moved", "unit", "units")

    kept: Count = 0
    """Resamples whose exponents are usable."""
    lost: Count = 0
    """Resamples left out of the intervals."""
    method: ResamplingMethod | None = None
    checked: Count | None = None
    """Resamples that were minimised a second way."""
    moved: Count | None = None
    """Of those, how many the second way put elsewhere."""
    unit: ResamplingUnit | None = None
    units: Count | None = None
    """How many units there are to draw from."""


@dataclass(frozen=True, kw_only=True)
class DesignCentre:
    """Geometric means over the rows."""

    params: Positive
    tokens: Positive
    flops: Positive


@dataclass(frozen=True, kw_only=True)
class Term:
    """A term of the law at the centre of the design, in the unit of the loss."""

    value: Number
    interval: Pair | None = None


@dataclass(frozen=True, kw_only=True)
class TermsAtCentre:
    """What the terms contribute at the centre, where they are far better known than their constants."""

    size_term: Term
    token_term: Term


@dataclass(frozen=True, kw_only=True)
class OptimalSize:
    """N_opt at one compute, and whether the runs identify it."""

    flops: Positive
    over_largest: Positive
    """`flops` over the largest compute of the runs."""
    params: Positive
    interval: PositivePair
    identified: bool


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """Two constants that the resamples move together; A and B as logarithms."""

    pair: tuple[str, str]
    correlation: Number


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the data identify a quantity."""

    known: bool
    """False where the runs leave it open."""
    reason: str
    """The numbers that led to it, in a sentence."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ParametricEvidence:
    """What approach 3 knows besides its law. The fields are keys of the file of a fit, but that it calls
    `draw_counts` `draws`."""

    __pydantic_config__: ClassVar = renamed(draw_counts="draws")

    objective: Number
    """Sum of Huber's loss over the rows, at the optimum."""
    delta: Positive
    """Where Huber's loss turns from square to linear, in ln loss."""
    gradient: Number
    """Norm of the objective's gradient over delta times the rows: 1 is the order of the largest possible slope."""
    starts: Starts
    draw_counts: DrawCounts = DrawCounts()
    residual_sd: Number
    """Standard deviation of ln loss about the law."""
    residuals: tuple[Residual, ...]
    """Of every row; of a very large table, of some."""
    residuals_of: Count
    """Rows fitted."""
    centre: DesignCentre
    frontier: Annotated[Frontier, Predicate(columns_of_one_length)]
    """From the smallest compute of the runs to ten times the largest."""
    at_centre: TermsAtCentre | None = None
    """None without resamples, without which the next are empty too."""
    budgets_counted: Count | None = None
    """IsoFLOP budgets of the design; None where the runs are not laid out in budgets."""
    correlations: tuple[Correlation, ...] = ()
    """Above .9."""
    identified: Mapping[str, bool] = field(default_factory=dict)
    """{E, A, B, alpha, beta, a, params_opt: whether the runs identify it}."""
    identified_because: Mapping[str, str] = field(default_factory=dict)
    """The numbers behind each of `identified`."""
    params_opt: tuple[OptimalSize, ...] = ()
    """At the largest compute of the runs and at ten times it."""

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """{quantity: whether the runs identify it, and why}; empty without resamples."""
        return {
            name: Verdict(known=known, reason=self.identified_because.get(name, ""))
            for name, known in self.identified.items()
        }


_OF_RESAMPLES = ("at_centre", "budgets_counted", "correlations", "identified", "identified_because", "params_opt")


@dataclass(frozen=True, kw_only=True, eq=False)
class ParametricFit(ParametricEvidence, FittedLaw[ChinchillaLaw]):
    """Approach 3 of Hoffmann et al. 2022 (section 3.3), fitted."""

    approach: ClassVar[Approach] = "parametric"
    json_without: ClassVar = (*FittedLaw.json_without, *_OF_RESAMPLES)

    law: ChinchillaLaw
    draws: ChinchillaLaw | None = None

    def as_json(self) -> JsonObject:
        """The object of `fit --json`, with what only resamples show where there are some."""
        written = super().as_json()
        if self.draw_counts.kept:
            written |= {name: to_json(getattr(self, name)) for name in _OF_RESAMPLES}
        return written


@dataclass(frozen=True, kw_only=True, eq=False)
class ParametricFile(ParametricEvidence, FittedLawFile):
    """What `ParametricFit.as_json` writes."""

    E: Finite
    A: Finite
    B: Finite
    alpha: Number
    beta: Number

    def fit(self, draws: Array | None, cost: ComputeCost) -> ParametricFit:
        """The fit with its `draws` (draws, constants) and the cost of a token, which stand elsewhere."""
        names = CONSTANTS["parametric"]
        law = ChinchillaLaw(**{name: float(getattr(self, name)) for name in names}, provenance=self.provenance)
        drawn = None
        if draws is not None:
            drawn = ChinchillaLaw(**dict(zip(names, draws.T, strict=True)), provenance=self.provenance)
        return ParametricFit(
            law=law,
            draws=drawn,
            cost=cost,
            exponents=(self.a, self.b),
            intervals=self.named_intervals(),
            notices=self.warnings,
            **{item.name: getattr(self, item.name) for item in fields(ParametricEvidence)},
        )
