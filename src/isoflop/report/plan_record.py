"""A study's plan as its file has it, as far as the report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.errors import Notice
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.size import EstimatedSize
from isoflop.laws import Provenance
from isoflop.plan.intervals import Interval


@dataclass(frozen=True, kw_only=True)
class PlannedShape:
    """The nearest shape that can be built; the fields are keys of the plan's file."""

    family: str
    n_layers: int
    d_model: int
    n_heads: int
    head_dim: int
    d_ff: int
    params: int
    tokens: float
    """What the budget pays for with this shape."""


@dataclass(frozen=True, kw_only=True)
class PlannedSize:
    """The forecast of the best size as it stands in the plan's file; see `fit.size.SizeForecast`."""

    flops: float
    params: float
    interval: Interval
    level: float
    identified: bool
    estimators: tuple[EstimatedSize, ...]
    bend: Bend
    warnings: tuple[Notice, ...]

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The same, under the name that a forecast of a fit has for them."""
        return self.warnings


@dataclass(frozen=True, kw_only=True)
class PlannedLoss:
    """What the plan's file says of the forecast of the planned run's loss."""

    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlanRecord:
    """A study's plan; the fields are keys of its file."""

    params: float
    """N that the law chooses."""
    tokens: float
    tokens_per_param: float
    flops: float
    budget_flops: float
    params_interval: Interval | None
    tokens_interval: Interval | None
    loss: float | None
    loss_interval: Interval | None
    level: float | None
    """Of the intervals."""
    expected_waste: float | None
    """Share of the budget expected to be lost to not knowing N better."""
    architecture: PlannedShape | None
    memory_bytes: Mapping[str, int] | None
    """{train, serve, ...}"""
    law: Provenance
    warnings: tuple[Notice, ...]
    forecast: PlannedLoss | None = None
    size: PlannedSize | None = None
    """None in plans of versions that forecast no size."""
