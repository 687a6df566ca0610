"""What the backtest's and the plan's file of a study hold, and their readers: a study may come from anybody.

Both files are shown as they are written, so that the readers check each value and return the file's JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from annotated_types import Len

from isoflop.codec import Count, JsonObject, Number, Positive, PositivePair, Share
from isoflop.digest import read_value, read_with_digest
from isoflop.errors import Notice
from isoflop.laws.law import Provenance


@dataclass(frozen=True, kw_only=True)
class _HeldOut:
    run_id: str
    params: Positive
    tokens: Positive
    actual: Positive
    predicted: Positive
    error: Number
    interval: PositivePair | None = None


@dataclass(frozen=True, kw_only=True)
class _Backtest:
    error: Number
    extrapolation_factor: Positive
    held_out_budget_flops: Positive
    inside: bool | None
    interval: PositivePair | None
    level: Share
    loss_actual: Positive
    loss_predicted: Positive
    rows: tuple[_HeldOut, ...]


@dataclass(frozen=True, kw_only=True)
class _Refused:
    refused: str
    code: str


@dataclass(frozen=True, kw_only=True)
class _Form:
    form: str
    loss: Positive


@dataclass(frozen=True, kw_only=True)
class _LossForecast:
    loss: Positive
    interval: PositivePair | None
    level: Share | None
    params: Positive
    tokens: Positive
    flops: Positive
    form_spread: Number
    lean: Number
    forms: tuple[_Form, ...]
    warnings: tuple[Notice, ...]


@dataclass(frozen=True, kw_only=True)
class _PlannedShape:
    family: str
    n_layers: Count
    d_model: Count
    n_heads: Count
    n_kv_heads: Count
    head_dim: Count
    d_ff: Count
    vocab_size: Count
    params: Count
    seq_len: Count
    tokens: Positive
    loss: Positive | None
    flops_per_token: Positive
    tied_embedding: bool


@dataclass(frozen=True, kw_only=True)
class _Alternative:
    kind: str
    params: Positive
    tokens: Positive
    flops: Positive
    loss: Positive | None
    wasted_share: Number | None


@dataclass(frozen=True, kw_only=True)
class _Smaller:
    params: Positive
    tokens: Positive
    flops: Positive
    times_smaller: Positive


@dataclass(frozen=True, kw_only=True)
class _FormOptimum:
    form: str
    params: Positive | None
    tokens: Positive | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Estimator:
    estimator: str
    label: str
    params: Positive
    interval: PositivePair
    weight: Number
    bent: Number
    reason: str


@dataclass(frozen=True, kw_only=True)
class _Size:
    params: Positive
    flops: Positive
    interval: PositivePair
    level: Share
    extrapolation_factor: Positive
    identified: bool
    bend: Mapping[str, Number]
    estimators: tuple[_Estimator, ...]
    warnings: tuple[Notice, ...]


@dataclass(frozen=True, kw_only=True)
class _SizeBacktest:
    actual: Positive
    actual_se: Number
    estimators: tuple[_Estimator, ...]
    factor: Positive
    held_out_budget_flops: Positive
    inside: bool
    interval: PositivePair
    level: Share
    predicted: Positive
    ratio: Positive
    wasted: Number


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """plans/final.json: a plan without devices, prices and serving limits, which a study has none of."""

    params: Positive
    tokens: Positive
    tokens_per_param: Positive
    flops: Positive
    budget_flops: Positive
    loss: Positive | None
    loss_interval: PositivePair | None
    params_interval: PositivePair | None
    tokens_interval: PositivePair | None
    level: Share | None
    expected_waste: Number | None
    extrapolation_factor: Positive | None
    architecture: _PlannedShape | None
    memory_bytes: Mapping[str, Count] | None
    law: Provenance
    alternatives: tuple[_Alternative, ...]
    smaller_models: tuple[_Smaller, ...]
    forms: tuple[_FormOptimum, ...]
    warnings: tuple[Notice, ...]
    run: Mapping[str, object] | None = None
    forecast: _LossForecast | None = None
    size: _Size | None = None
    size_backtest: _SizeBacktest | None = None
    objective: Mapping[str, str] = field(default_factory=dict)
    other_laws: Annotated[tuple[object, ...], Len(0, 0)] = ()
    wasted_share: Number | None = None
    hours: None = None
    price: None = None
    bill: None = None
    layout: None = None
    serving: None = None


def read_backtest(path: Path) -> JsonObject | None:
    """fits/backtest.json at `path`; None before the fit. Raises InputError where it is not as isoflop writes it."""
    either = cast("type[object]", _Backtest | _Refused)
    return _checked(either, path) if path.exists() else None


def read_plan(path: Path) -> JsonObject:
    """plans/final.json at `path`. Raises InputError where it is not as isoflop writes it."""
    return _checked(_Plan, path)


def _checked(kind: type[object], path: Path) -> JsonObject:
    read_value(kind, path)
    return cast(JsonObject, read_with_digest(path))
