"""What was read: counts, exclusions with their reasons, conventions and columns; without the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from isoflop.codec import Count
from isoflop.errors import Notice
from isoflop.observations.columns import ColumnMapping
from isoflop.observations.exclusions import DroppedRow
from isoflop.observations.flops_check import FlopsCheck
from isoflop.observations.shared_settings import SettingValue


@dataclass(frozen=True, kw_only=True)
class RepresentedRows:
    """A row that stands for several of its design point: same N and D, other settings."""

    row: Count
    rows: Count
    """How many, itself included."""


@dataclass(frozen=True, kw_only=True)
class TableSource:
    """What was read from where."""

    columns: Mapping[str, ColumnMapping]
    """{field, `params`, `tokens` and `flops` for N, D and C: its column}."""
    loss_unit_read: str
    """Unit in which the source has its losses."""
    flops_check: FlopsCheck
    """Where C comes from."""
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    """{column: its value}, of columns that say how the rows were made and are the same in all of them."""


@dataclass(frozen=True, kw_only=True)
class TableSummary:
    """The `observations` object of `fit --json`."""

    json_if_set: ClassVar = ("columns", "flops_check", "loss_unit_read", "settings")

    rows_read: Count
    """Rows of the source, dropped and filtered ones included."""
    rows_used: Count
    filtered: Count = 0
    """Rows that the row filter left out."""
    runs: Count
    dropped: tuple[DroppedRow, ...]
    """Rows that were dropped for another reason."""
    params_convention: str
    """What N counts."""
    flops_convention: str
    """What C counts."""
    loss_unit: str
    """Unit of the losses."""
    loss_unit_read: str = ""
    """Unit in which the source has them; empty where the rows were computed."""
    schedule: str = ""
    """One of SCHEDULES; empty in files of early versions."""
    stated: Mapping[str, bool] = field(default_factory=dict)
    """{convention, unit or schedule: whether it was stated}; the others are defaults."""
    columns: Mapping[str, ColumnMapping] = field(default_factory=dict)
    """{field: the column that it was read from}; empty where the rows were computed."""
    cells: tuple[RepresentedRows, ...] = ()
    flops_check: FlopsCheck | None = None
    """Where C comes from; None where the rows were computed."""
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    """{setting: the value that all rows have in common}; empty in files of early versions."""
    notices: tuple[Notice, ...] = ()
    """What looked odd, and what was done about it."""
