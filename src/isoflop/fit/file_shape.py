"""What the JSON file of a fit holds, for a reader of files that anybody may have written.

Checked before values are made of it, and before a report shows the parts that no value is made of. What an approach
did not find is not there; keys other than these are let through.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from isoflop.fit.file_types import (
    Count,
    Finite,
    Number,
    Numbers,
    Pair,
    Positive,
    PositivePair,
    Shape,
    Share,
)


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

    past: list[_Past]
    forms: list[_Form]
    forecast: _Forecaster | None
    lack_of_fit: _Misfit | None
    sizes: _Sizes | None
    size_backtest: SizeBacktestShape | None
