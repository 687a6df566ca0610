"""Typed results of runs that we trained ourselves, as a table whose columns are known: nothing about it is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.observations.checked_rows import MappedTable
from isoflop.observations.columns import ColumnMapping
from isoflop.observations.file_formats import RawTable


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What became of one run. Numbers that it never reached are None."""

    run_id: str
    tree: str = ""
    """The run that took its first steps, where that is another: runs of one tree have steps in common."""
    status: Literal["done", "failed", "unfinished"]
    """unfinished: not trained to its end, or not at all."""
    reason: str = ""
    """Why it failed or is not finished, in a few words; empty when done."""
    params: float | None = None
    """Parameters."""
    tokens: float | None = None
    """Training tokens seen."""
    flops: float | None = None
    """Training FLOPs spent."""
    budget: float | None = None
    """FLOPs that the run was designed for."""
    loss: float | None = None
    """Final loss."""
    loss_se: float | None = None
    """Standard error of the loss."""


_NUMBERS = {"N": "params", "D": "tokens", "C": "flops", "budget": "budget", "loss": "loss", "loss_se": "loss_se"}
_WORDS = {"run_id": "run_id", "tree": "tree", "status": "status", "failure_reason": "reason"}
_COLUMN = {"failure_reason": "failure_reason"}
"""Names of columns that differ from those of the attributes."""


def outcome_table(outcomes: Sequence[RunOutcome]) -> MappedTable:
    """The table of `outcomes`, one row each in their order, with the reason of each run that did not end well."""
    cells: dict[str, Sequence[object] | np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    mapping: dict[str, ColumnMapping] = {}
    for field, name in (_WORDS | _NUMBERS).items():
        column = _COLUMN.get(field, name)
        values = [getattr(outcome, name) for outcome in outcomes]
        # None becomes NaN, which is an empty cell
        cells[column] = np.array(values, dtype=np.float64) if field in _NUMBERS else values
        mapping[field] = ColumnMapping(column=column)
    unfinished = {i: _sentence(outcome) for i, outcome in enumerate(outcomes) if outcome.status != "done"}
    table = RawTable(columns={**cells}, rows=len(outcomes))
    return MappedTable(table=table, mapping=mapping, row=np.arange(1, len(outcomes) + 1), unfinished=unfinished)


def _sentence(outcome: RunOutcome) -> str:
    what = "the run failed" if outcome.status == "failed" else "the run is not finished"
    return f"{what}: {outcome.reason}" if outcome.reason else what
