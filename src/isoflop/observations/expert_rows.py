"""Runs of mixtures of experts in a table: active and total parameters, or a dense size and a number of experts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.errors import InputError, RefusedError, quoted
from isoflop.observations.column_names import ALIASES
from isoflop.observations.file_formats import RawTable

_ACTIVE = ("activeparams", "paramsactive", "activeparameters", "nactive", "denseparametercount", "denseparams")
_TOTAL = ("totalparams", "totalparameters", "paramstotal", "ntotal", "totalparametercount")
_EXPERTS = ("numexperts", "nexperts", "experts")
_LOSS = ("lossvalidation", "valloss", "validationloss", "evalloss", "finalloss", "loss")


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpertRows:
    """Runs in columns of equal length."""

    active: Array
    """Parameters that a token uses."""
    total: Array | None
    """All parameters; None where `experts` are known in their place."""
    experts: Array | None
    """Experts of a layer, 1 for a dense model."""
    tokens: Array | None
    """Training tokens; None where the table has none, or all are equal."""
    loss: Array
    rows_read: int

    def __len__(self) -> int:
        return len(self.active)

    def some(self, chosen: Mask) -> ExpertRows:
        """The rows of a mask."""

        def of(column: Array | None) -> Array | None:
            return None if column is None else column[chosen]

        return ExpertRows(
            active=self.active[chosen],
            total=of(self.total),
            experts=of(self.experts),
            tokens=of(self.tokens),
            loss=self.loss[chosen],
            rows_read=self.rows_read,
        )


def expert_rows(table: RawTable) -> ExpertRows | None:
    """The runs of a table that has experts: active sizes, total ones or numbers of experts, and losses; else None.

    Raises InputError for cells that are no positive numbers.
    """
    names = {"".join(filter(str.isalnum, name.lower())): name for name in table.columns}

    def named(words: tuple[str, ...]) -> str | None:
        return next((names[word] for word in words if word in names), None)

    # by the names alone: other tables may have cells that are no numbers, which their own reader lists
    active_name, loss_name = named(_ACTIVE), named(_LOSS)
    if active_name is None or loss_name is None or (named(_TOTAL) is None and named(_EXPERTS) is None):
        return None

    def column(name: str | None) -> Array | None:
        return None if name is None else _numbers(name, table, loss_name)

    active, loss = (_numbers(name, table, loss_name) for name in (active_name, loss_name))
    total, experts, tokens = (column(named(words)) for words in (_TOTAL, _EXPERTS, ALIASES["D"]))
    if tokens is not None and tokens.min() == tokens.max():
        tokens = None
    wide = total is not None and (total > 1.01 * active).any()
    if not wide and (experts is None or experts.max() <= 1):
        return None
    return ExpertRows(
        active=active,
        total=total if wide else None,
        experts=None if wide else experts,
        tokens=tokens,
        loss=loss,
        rows_read=table.rows,
    )


def _numbers(name: str, table: RawTable, loss: str) -> Array:
    cells = [str(cell) for cell in table.columns[name]]
    values = np.array([_number(cell) for cell in cells])
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        raise InputError(
            f"{name}: a table of experts, in which {len(wrong)} of {len(cells)} rows have no positive number here, "
            f"{quoted(cells[wrong[0]])} first. Leave those rows out; or, for a law without experts, name the loss: "
            f"--column 'loss={loss}'"
        )
    return values


def _number(cell: str) -> float:
    """The number in a cell, NaN where there is none."""
    try:
        return float(cell)
    except ValueError:
        return math.nan


def check_enough(rows: ExpertRows, sizes: int) -> None:
    """Raises RefusedError where there are too few runs or sizes for a law with a floor."""
    if len(rows) < 12 or sizes < 3:
        raise RefusedError(
            "too_few_rows", f"experts: a law with a floor needs 12 runs of 3 active sizes, got {len(rows)} of {sizes}"
        )
