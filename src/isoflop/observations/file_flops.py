"""The file's own FLOPs and budgets: what N and D are compared with, and notices where they are not read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.observations.column_names import is_unit_of_flops, names_flops
from isoflop.observations.columns import ColumnMapping
from isoflop.observations.file_formats import RawTable
from isoflop.observations.flops_evidence import Reference
from isoflop.observations.parsing import read_numbers
from isoflop.observations.token_sources import token_source
from isoflop.units import format_number

_MOST_NAMED = 5
_FEWEST_FLOPS = 1e16  # of a run: a smaller number of TFLOPs is the rate of a device
_RATE = 1.0  # spread of ln C/6ND from which a column holds no training FLOPs: that of exact counts is below .7
_MEANT = 0.05  # |ln budget/6ND| of the median run up to which the budget was meant as 6ND and rounded to whole steps


def reference_of(table: RawTable, mapping: Mapping[str, ColumnMapping]) -> Reference | None:
    """The file's own FLOPs, else its budgets, else its tokens a parameter."""
    for field in ("C", "budget", "tokens_per_param"):
        choice = mapping.get(field)
        if choice is not None and choice.constant is None:
            cells = table.columns[choice.column]
            values = read_numbers(cells, scale=choice.scale, logarithm=choice.logarithm).values
            return Reference(column=choice.column, values=values, per_param=field == "tokens_per_param")
    return None


def unread_flops(table: RawTable, mapping: Mapping[str, ColumnMapping]) -> list[Notice]:
    """A notice where no column is read as FLOPs or budget, and the name of one speaks of compute."""
    if {"C", "budget"} & mapping.keys():
        return []
    used = {choice.column for choice in mapping.values()}
    names = [name for name in table.columns if name not in used and names_flops(name) and not is_unit_of_flops(name)]
    if not names:
        return []
    text = (
        f"{', '.join(map(repr, names[:_MOST_NAMED]))}: speaks of compute, and is not read, as its name does not say "
        "that it holds a run's training FLOPs: --column flops=... or budget=... reads it, and --scale flops=... states "
        "its unit"
    )
    return [Notice(code="flops_not_read", message=text)]


def drop_rate(table: RawTable, mapping: dict[str, ColumnMapping]) -> list[Notice]:
    """Take a column called TFLOPs out of `mapping` where its numbers are a rate: too small, or unrelated to N and D."""
    if "C" not in mapping or mapping["C"].constant is not None or not is_unit_of_flops(mapping["C"].column):
        return []
    C = _values(table, mapping["C"])
    filled = C[np.isfinite(C)]
    few = bool(len(filled)) and float(np.median(filled)) < _FEWEST_FLOPS
    D = tokens_of(table, mapping)
    if "N" in mapping and D is not None:
        logs = Reference(column="", values=C).logs(_values(table, mapping["N"]), D)
        few = not len(logs) or float(np.ptp(np.quantile(logs, [0.05, 0.95]))) > _RATE
    if not few:
        return []
    text = (
        f"{mapping.pop('C').column!r} is not read: its numbers are those of a rate, not of the FLOPs of whole runs; "
        "--column flops=... decides otherwise"
    )
    return [Notice(code="flops_not_read", message=text)]


def budget_for_flops(table: RawTable, mapping: Mapping[str, ColumnMapping]) -> list[Notice]:
    """A notice where the file's budgets are FLOPs of another convention than 6ND, and the only ones that it has."""
    reference = reference_of(table, {"budget": mapping["budget"]})
    D = tokens_of(table, mapping)
    if reference is None or D is None or "N" not in mapping:
        return []
    logs = reference.logs(_values(table, mapping["N"]), D)
    middle = float(np.median(logs)) if len(logs) else 0.0
    if abs(middle) < _MEANT:
        return []
    least, most = np.exp(np.clip([logs.min(), logs.max()], -700, 700))  # finite even for a broken table
    text = (
        f"FLOPs are those of {reference.column!r}, the only ones in the file: they are {format_number(least)} to "
        f"{format_number(most)} times 6ND, as counts with attention or other parts are; --column flops=... decides"
    )
    return [Notice(code="budget_is_flops", message=text)]


def tokens_of(table: RawTable, mapping: Mapping[str, ColumnMapping]) -> Array | None:
    """The tokens of each row, (rows,), from a column or from a product where none counts them; None without either."""
    fields = ("D",) if "D" in mapping else token_source(mapping.keys())
    if fields is None:
        return None
    return np.asarray(np.prod([_values(table, mapping[field]) for field in fields], axis=0))


def _values(table: RawTable, choice: ColumnMapping) -> Array:
    if choice.constant is not None:
        return np.full(table.rows, choice.constant * choice.scale)
    parts = [
        read_numbers(table.columns[name], scale=choice.scale, logarithm=choice.logarithm).values
        for name in choice.parts or (choice.column,)
    ]
    return np.asarray(sum(parts[1:], parts[0]))
