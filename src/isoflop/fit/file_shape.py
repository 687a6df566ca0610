"""What the JSON file of a fit holds, for a reader of files that anybody may have written.

Checked before values are made of it, and before a report shows the parts that no value is made of. What an approach
did not find is not there; keys other than these are let through.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from isoflop.fit.file_types import (
    Count,
    Finite,
    Interval,
    Number,
    Numbers,
    Pair,
    Positive,
    PositivePair,
    Shape,
    Share,
    Warned,
)
from isoflop.fit.observations_shape import ObservationsShape


class ProvenanceShape(Shape):
    """Where a law comes from."""

    name: str
    paper: str
    place: str
    rounding: str
    caution: str
    params_convention: str
    flops_convention: str
    loss_unit: str
    interval_level: Share | None
    domain: dict[str, Pair]
    intervals: dict[str, Pair]


def _of_one_length(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("expected lists of one length")
    return columns


_Columns = Annotated[dict[str, list[Positive]], AfterValidator(_of_one_length)]
_Envelope = Annotated[dict[str, list[Positive] | list[str]], AfterValidator(_of_one_length)]


class _Term(Shape):
    value: Number
    interval: Pair | None = None


class _Budget(Shape):
    flops: Positive
    kept: bool
    reason: str = ""
    params: Positive | None = None
    tokens: Positive | None = None
    loss: Positive | None = None
    params_interval: PositivePair | None = None
    tokens_interval: PositivePair | None = None
    loss_interval: PositivePair | None = None
    window: Pair | None = None
    sizes: Count | None = None
    outside_window: Count | None = None
    log_params_se: Number | None = None
    log_params_lean_se: Number | None = None
    vertex_over_centre: Number | None = None
    parabola: _Parabola | None = None


class _Parabola(Shape):
    coefficients: Annotated[Numbers, Field(min_length=3, max_length=4)]
    log_params_centre: Number


class _Correlation(Shape):
    correlation: Number
    pair: Annotated[list[str], Field(min_length=2, max_length=2)]


class _Ahead(Shape):
    flops: Positive
    params: Positive
    identified: bool
    interval: PositivePair | None = None
    over_largest: Positive


class _Residual(Shape):
    flops: Positive
    loss: Positive
    params: Positive
    predicted: Positive
    tokens: Positive
    row: Count
    run_id: str


class _Starts(Shape):
    at_best: Count
    tried: Count


class _Drawn(Shape):
    """The last five are missing where nothing was drawn."""

    kept: Count
    lost: Count
    checked: Count = 0
    moved: Count = 0
    method: str = ""
    unit: str = ""
    units: Count = 0


class _Vertices(Shape):
    kind: str
    window: Number | None = None
    lean: Number | None = None
    lean_estimate: Number | None = None
    lean_estimate_se: Number | None = None
    lean_se: Number | None = None
    noise: Number | None = None


class _Centring(Shape):
    drift: Number
    off_centre: Numbers
    share_below: Numbers


class ApproachShape(Shape):
    """One approach: refused, or what it found."""

    status: Literal["ok", "refused", "not_applicable"]
    code: str
    reason: str
    a: Number | None
    b: Number | None
    intervals: dict[str, Interval | Number]
    warnings: list[Warned]
    provenance: ProvenanceShape | None
    frontier: _Columns | None = None
    envelope: _Envelope | None = None
    at_centre: dict[str, _Term] | None = None
    centre: dict[str, Positive] | None = None
    budgets: list[_Budget] | None = None
    budgets_counted: Count | None = None
    correlations: list[_Correlation] | None = None
    params_opt: list[_Ahead] | None = None
    residuals: list[_Residual] | None = None
    starts: _Starts | None = None
    draws: _Drawn | None = None
    vertices: _Vertices | None = None
    centring: _Centring | None = None
    curvature: dict[str, Number | None] | None = None
    vertex_scatter: dict[str, Number] | None = None
    identified: dict[str, bool] | None = None
    identified_because: dict[str, str] | None = None
    delta: Positive | None = None
    gradient: Number | None = None
    objective: Number | None = None
    residual_sd: Number | None = None
    share_in_last_15_percent: Number | None = None
    curves: Count | None = None
    ends: Count | None = None
    sizes: Count | None = None
    runs_on_envelope: Count | None = None
    lean: Number | None = None
    noise: Number | None = None
    sharpness: Number | None = None


class _Cost(Shape):
    params: list[Positive]
    flops: list[Positive]


class _Past(Shape):
    origin_flops: Positive
    target_flops: Positive
    errors: dict[str, Number]
    variance: Number
    share: Positive
    span: Positive
    factor: Positive


class _Form(Shape):
    form: str
    constants: dict[str, Finite]
    centre: Annotated[Numbers, Field(min_length=2, max_length=2)] | None
    objective: Number
    residual_sd: Number


class _Judgement(Shape):
    weights: dict[str, Number]
    form_error: Number
    freedom: Positive
    lean: Number
    lean_sd: Number


class _Noise(Shape):
    excess: Numbers
    sd: Numbers
    freedom: Number


class _Forecaster(Shape):
    centre: Annotated[Numbers, Field(min_length=2, max_length=2)]
    judgement: _Judgement
    laws: dict[str, dict[str, Number]]
    noise: _Noise
    reach: dict[str, PositivePair]
    seed: Count


class _Misfit(Shape):
    by: dict[str, dict[str, Number]]
    found: bool
    message: str
    removed_by: str | None
    runs: Count


class _Estimated(Shape):
    estimator: str
    params: Positive
    interval: PositivePair
    weight: Number
    bent: Number
    reason: str
    label: str


class SizeBacktestShape(Shape):
    """How a forecast of the best size went."""

    actual: Positive
    actual_se: Number
    estimators: list[_Estimated]
    factor: Positive
    held_out_budget_flops: Positive
    inside: bool
    interval: PositivePair
    level: Share
    predicted: Positive
    ratio: Positive
    wasted: Number


class _Sizes(Shape):
    bend: dict[str, Number]
    curve: dict[str, Any] | None
    designs: dict[str, dict[str, Number]]
    dof: Positive
    form_error: Number
    past: list[dict[str, Any]]
    reach: PositivePair
    scale: dict[str, Number] | None
    seed: Count
    trust: dict[str, Number]


class FitShape(Shape):
    """The whole file."""

    parametric: ApproachShape
    isoflop: ApproachShape
    envelope: ApproachShape
    observations: ObservationsShape
    cost: _Cost
    settings: dict[str, Any]
    flops_range: PositivePair
    rows: list[dict[str, Any]] = Field(default_factory=list)
    past: list[_Past]
    forms: list[_Form]
    forecast: _Forecaster | None
    lack_of_fit: _Misfit | None
    sizes: _Sizes | None
    size_backtest: SizeBacktestShape | None
    size_backtest_refused: str
