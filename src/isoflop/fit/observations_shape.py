"""What the file of a fit says of the table that was read."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from isoflop.fit.file_types import Count, Numbers, Shape, Warned


class _Dropped(Shape):
    row: Count
    reason: str
    run_id: str
    code: str


class _FlopsCheck(Shape):
    source: str
    rows_not_used: Count
    ratio_to_6nd: Numbers | None


class ObservationsShape(Shape):
    """What was read."""

    rows_read: Count
    rows_used: Count
    filtered: Count = 0
    runs: Count
    dropped: list[_Dropped]
    params_convention: str
    flops_convention: str
    loss_unit: str
    loss_unit_read: str = ""
    schedule: str = ""
    stated: dict[str, bool] = Field(default_factory=dict)
    columns: dict[str, dict[str, Any]] = Field(default_factory=dict)
    cells: list[dict[str, Count]] = Field(default_factory=list)
    flops_check: _FlopsCheck | None = None
    notices: list[Warned] = Field(default_factory=list)
