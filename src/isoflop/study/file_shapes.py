"""What the JSON files of a study hold, and their readers, for studies that anybody may have written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, RootModel

from isoflop.digest import read_with_digest
from isoflop.files import check_shape
from isoflop.fit.file_shape import ProvenanceShape, SizeBacktestShape
from isoflop.fit.file_types import Count, Number, Positive, PositivePair, Shape, Share, Warned


class _Measured(Shape):
    params: Count
    spec: dict[str, Any]
    step_seconds: Positive
    flops_per_second: Positive
    eval_tokens_per_second: Positive


class MachineFile(Shape):
    """machine.json"""

    cores: Count
    workers: Count
    matmul_flops_per_core: Positive
    memory_bytes: Count
    disk_free_bytes: Count
    trainer: Annotated[list[_Measured], Field(min_length=1)]


class _Served(Shape):
    tokens_per_second: Positive
    memory_bytes: Count
    sequences: Count | None = None


class ServingFile(RootModel[dict[str, _Served]]):
    """plans/serving.json: {run id: what serving it costs}"""


class _HeldOut(Shape):
    run_id: str
    params: Positive
    tokens: Positive
    actual: Positive
    predicted: Positive
    error: Number
    interval: PositivePair | None = None


class _Tested(Shape):
    error: Number
    extrapolation_factor: Positive
    held_out_budget_flops: Positive
    inside: bool | None
    interval: PositivePair | None
    level: Share
    loss_actual: Positive
    loss_predicted: Positive
    rows: list[_HeldOut]


class _Refused(Shape):
    refused: str
    code: str


class BacktestFile(RootModel[_Refused | _Tested]):
    """fits/backtest.json"""


class _Form(Shape):
    form: str
    loss: Positive


class _LossForecast(Shape):
    loss: Positive
    interval: PositivePair | None
    level: Share | None
    params: Positive
    tokens: Positive
    flops: Positive
    form_spread: Number
    lean: Number
    forms: list[_Form]
    warnings: list[Warned]


class _PlannedShape(Shape):
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


class _Alternative(Shape):
    kind: str
    params: Positive
    tokens: Positive
    flops: Positive
    loss: Positive | None
    wasted_share: Number | None


class _Smaller(Shape):
    params: Positive
    tokens: Positive
    flops: Positive
    times_smaller: Positive


class _FormOptimum(Shape):
    form: str
    params: Positive | None
    tokens: Positive | None
    reason: str = ""


class _Estimator(Shape):
    estimator: str
    label: str
    params: Positive
    interval: PositivePair
    weight: Number
    bent: Number
    reason: str


class _Size(Shape):
    params: Positive
    flops: Positive
    interval: PositivePair
    level: Share
    extrapolation_factor: Positive
    identified: bool
    bend: dict[str, Number]
    estimators: list[_Estimator]
    warnings: list[Warned]


class PlanFile(Shape):
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
    memory_bytes: dict[str, Count] | None
    law: ProvenanceShape
    alternatives: list[_Alternative]
    smaller_models: list[_Smaller]
    forms: list[_FormOptimum]
    warnings: list[Warned]
    run: dict[str, Any] | None = None
    forecast: _LossForecast | None = None
    size: _Size | None = None
    size_backtest: SizeBacktestShape | None = None
    objective: dict[str, str] = Field(default_factory=dict)
    other_laws: list[dict[str, Any]] = Field(default_factory=list, max_length=0)
    wasted_share: Number | None = None
    hours: None = None
    price: None = None
    bill: None = None
    layout: None = None
    serving: None = None


def read_machine(path: Path) -> dict[str, Any]:
    """machine.json. Raises InputError where it is not as isoflop writes it."""
    found: dict[str, Any] = _read(path, MachineFile)
    return found


def read_serving(path: Path) -> dict[str, Any]:
    """plans/serving.json; empty before the first measurement. Raises InputError as `read_machine`."""
    found: dict[str, Any] = _read(path, ServingFile) if path.exists() else {}
    return found


def read_backtest(path: Path) -> dict[str, Any] | None:
    """fits/backtest.json; None before the fit. Raises InputError as `read_machine`."""
    found: dict[str, Any] | None = _read(path, BacktestFile) if path.exists() else None
    return found


def read_plan(path: Path) -> dict[str, Any]:
    """plans/final.json. Raises InputError as `read_machine`."""
    found: dict[str, Any] = _read(path, PlanFile)
    return found


def _read(path: Path, shape: Any) -> Any:
    value = read_with_digest(path)
    check_shape(value, shape, str(path))
    return value
