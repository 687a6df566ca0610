"""Shapes of parts of a fit that stand in files of a study, for a reader of files that anybody may have written."""

from __future__ import annotations

from isoflop.fit.file_types import (
    Number,
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
