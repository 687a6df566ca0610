"""The fit of approach 2: power laws through the optima of isoFLOP profiles, and the profiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeVar

from annotated_types import Len, Predicate

from isoflop.arrays import Array
from isoflop.codec import Count, Finite, JsonObject, Number, Pair, Positive, PositivePair, fields_to_json, renamed
from isoflop.fit.result.approach import CONSTANTS, Approach, FittedLaw, FittedLawFile, Frontier, columns_of_one_length
from isoflop.laws import ComputeCost, FrontierLaw

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ProfileCurve:
    """The loss against ln N along one budget: a polynomial in ln N less `log_params_centre`, lowest order first."""

    coefficients: Annotated[tuple[Number, ...], Len(3, 4)]
    """Of a parabola, or of a cubic where the profiles share an asymmetry."""
    log_params_centre: Number


@dataclass(frozen=True, kw_only=True)
class BudgetProfile:
    """One budget's isoFLOP profile and the optimum on it.

    The optimum is None where `kept` is False. What else may be None is missing where the profile has no parabola, for
    optima that were reported without their runs, and, of intervals, without draws.
    """

    json_if_set: ClassVar = (
        "sizes", "outside_window", "parabola", "window", "below", "above", "vertex_over_centre", "log_params_se",
        "asymmetry_se", "params_interval", "tokens_interval", "loss_interval",
    )  # fmt: skip
    __pydantic_config__: ClassVar = renamed(asymmetry_se="log_params_lean_se")

    flops: Positive
    """Geometric mean of the FLOPs that its runs spent."""
    kept: bool
    """Whether its optimum is used."""
    reason: str = ""
    """Why not; empty where it is."""
    params: Positive | None = None
    """N of least loss."""
    tokens: Positive | None = None
    """D that the budget pays for at that N."""
    loss: Positive | None = None
    """Least loss; also None of a reported optimum without one."""
    sizes: Count | None = None
    """Runs within the window around the optimum."""
    outside_window: Count | None = None
    """Runs that are further away and play no part."""
    parabola: ProfileCurve | None = None
    window: Pair | None = None
    """Smallest and largest N within the window."""
    below: Count | None = None
    """Runs of the window that are smaller than the optimum."""
    above: Count | None = None
    """Runs of the window that are larger."""
    vertex_over_centre: Number | None = None
    """Optimal N over the geometric mean of the sizes tried."""
    log_params_se: Number | None = None
    """Standard error of ln N at the optimum, from the noise of this budget's losses."""
    asymmetry_se: Number | None = None
    """Standard error of ln N that comes from the asymmetry that all budgets share; signed."""
    params_interval: PositivePair | None = None
    tokens_interval: PositivePair | None = None
    loss_interval: PositivePair | None = None

    @property
    def optimum(self) -> ProfileOptimum | None:
        """The optimum of a profile that was fitted and kept; None for others, and for reported optima."""
        if self.params is None or self.tokens is None or self.loss is None:
            return None
        if self.log_params_se is None or self.asymmetry_se is None:
            return None
        return ProfileOptimum(
            flops=self.flops,
            params=self.params,
            tokens=self.tokens,
            loss=self.loss,
            log_params_se=self.log_params_se,
            asymmetry_se=self.asymmetry_se,
        )


@dataclass(frozen=True, kw_only=True)
class ProfileOptimum:
    """The compute optimum of one budget, as its own profile shows it."""

    flops: float
    params: float
    tokens: float
    loss: float
    log_params_se: float
    asymmetry_se: float


@dataclass(frozen=True, kw_only=True)
class VertexMethod:
    """How the optima of the profiles were determined, and the asymmetry that the profiles share.

    `asymmetry` is kappa of L = L* + k (z^2 + kappa z^3 + ...), z = ln N - ln N*.
    """

    __pydantic_config__: ClassVar = renamed(
        asymmetry="lean", asymmetry_se="lean_se", asymmetry_estimate="lean_estimate",
        asymmetry_estimate_se="lean_estimate_se",
    )  # fmt: skip

    kind: Literal["leaning", "parabola", "given"]
    """`leaning`: with a cubic term; `parabola`: without; `given`: the rows are optima. Words of the file."""
    window: Number | None = None
    """Largest factor between a size that is used and the optimum; None where all sizes are."""
    asymmetry: Number | None = None
    """Posterior mean; 0 for plain parabolas."""
    asymmetry_se: Number | None = None
    """Posterior standard deviation."""
    asymmetry_estimate: Number | None = None
    """Least squares, without the prior; None where there are too few runs."""
    asymmetry_estimate_se: Number | None = None
    """Its standard error."""
    noise: Number | None = None
    """Relative standard deviation of a loss about its profile."""

    def as_json(self) -> JsonObject:
        """The fields; of given optima without those of profiles."""
        written = fields_to_json(self)
        return {name: written[name] for name in ("kind", "window")} if self.kind == "given" else written


@dataclass(frozen=True, kw_only=True)
class DesignBalance:
    """Whether the sizes of the sweep stand evenly around its optima."""

    off_centre: tuple[Number, ...]
    """Optimal N over the geometric middle of the sizes within the window, a number a budget."""
    share_below: tuple[Number, ...]
    """Share of the window's runs that are smaller than the optimum, a number a budget."""
    drift: Number
    """Factor by which `off_centre` changes from the first to the last budget, by a straight line in ln C."""


@dataclass(frozen=True, kw_only=True)
class Curvature:
    """Whether ln N_opt is straight in ln C. All None for fewer than four budgets."""

    bend: Number | None = None
    """Coefficient of (ln C)^2 in ln N_opt."""
    bend_se: Number | None = None
    """Its standard error."""
    other_sign: Number | None = None
    """Probability that the bend has the other sign, or is none; also None in files of older versions."""
    moves: Number | None = None
    """What the bend adds to ln N_opt at ten times the largest budget, against the straight line; likewise."""
    shift: Number | None = None
    """Change of a when the smallest budget is left out."""
    shift_se: Number | None = None
    """Its standard error."""


@dataclass(frozen=True, kw_only=True)
class VertexScatter:
    """Standard deviations of ln N at the optima about the power law."""

    expected: Number
    """What the noise of the losses explains."""
    extra: Number
    """What it does not."""


@dataclass(frozen=True, kw_only=True, eq=False)
class IsoflopEvidence:
    """What approach 2 knows besides its law. The fields are keys of the file of a fit, but that it calls
    `design_balance` `centring`."""

    __pydantic_config__: ClassVar = renamed(design_balance="centring")
    json_if_set: ClassVar = ("design_balance",)

    budgets: tuple[BudgetProfile, ...]
    """Ascending by FLOPs."""
    vertices: VertexMethod
    design_balance: DesignBalance | None = None
    """None where the rows are optima."""
    curvature: Curvature
    vertex_scatter: VertexScatter
    frontier: Annotated[Frontier, Predicate(columns_of_one_length)]
    """From the smallest compute of the runs to ten times the largest."""

    @property
    def optima(self) -> tuple[ProfileOptimum, ...]:
        """The optima of the profiles that are used, ascending by FLOPs; empty where the rows are optima."""
        return tuple(optimum for budget in self.budgets if budget.kept and (optimum := budget.optimum) is not None)


@dataclass(frozen=True, kw_only=True, eq=False)
class IsoflopFit(IsoflopEvidence, FittedLaw[FrontierLaw]):
    """Approach 2 of Hoffmann et al. 2022 (section 3.2), fitted."""

    approach: ClassVar[Approach] = "isoflop"

    law: FrontierLaw
    draws: FrontierLaw | None = None


@dataclass(frozen=True, kw_only=True)
class FrontierLawFile(FittedLawFile):
    """What the file of a fit holds of any power law N = k C^a, D = k' C^b."""

    params_coefficient: Finite
    tokens_coefficient: Finite

    def law(self) -> FrontierLaw:
        """The law."""
        return FrontierLaw(
            params_coefficient=self.params_coefficient,
            a=self.a,
            tokens_coefficient=self.tokens_coefficient,
            b=self.b,
            provenance=self.provenance,
        )

    def draws(self, draws: Array | None) -> FrontierLaw | None:
        """The law with arrays of `draws` (draws, constants)."""
        if draws is None:
            return None
        return FrontierLaw(**dict(zip(CONSTANTS["isoflop"], draws.T, strict=True)), provenance=self.provenance)

    def of_kind(
        self, kind: Callable[..., T], evidence: type[DataclassInstance], draws: Array | None, cost: ComputeCost
    ) -> T:
        """The fit of class `kind`, whose `evidence` are fields of this file too."""
        return kind(
            law=self.law(),
            draws=self.draws(draws),
            cost=cost,
            exponents=(self.a, self.b),
            intervals=self.named_intervals(),
            notices=self.warnings,
            **{item.name: getattr(self, item.name) for item in fields(evidence)},
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class IsoflopFile(IsoflopEvidence, FrontierLawFile):
    """What `IsoflopFit.as_json` writes."""

    def fit(self, draws: Array | None, cost: ComputeCost) -> IsoflopFit:
        """The fit with its `draws` (draws, constants) and the cost of a token, which stand elsewhere."""
        return self.of_kind(IsoflopFit, IsoflopEvidence, draws, cost)
