"""Columns of a table that say how its runs were made, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from isoflop.arrays import Labels
from isoflop.observations.columns import candidates
from isoflop.observations.file_formats import RawTable
from isoflop.observations.repeats import SETTING, spaced

SettingValue: TypeAlias = str | float | bool | None
_FIELDS = ("peak_lr", "batch", "batch_tokens", "seq_len", "vocab_size", "seed", "schedule")
"""Fields whose columns are settings, whatever their values."""


def setting_columns(table: RawTable, losses: Iterable[str] = ()) -> list[str]:
    """Columns of what was set: words, fields that are settings, and numbers under the name of a setting."""
    fields = candidates(table.columns)
    known = {item.column for field in _FIELDS for item in fields.get(field, ())}
    taken = {item.column for field, items in fields.items() if field not in _FIELDS for item in items} | {*losses}
    return [
        name
        for name, cells in table.columns.items()
        if name not in taken
        and (
            name in known
            or SETTING.search(spaced(name))
            or all(isinstance(cell, str) and not _is_number(cell) for cell in cells[: table.rows] if cell is not None)
        )
    ]


def setting_of(table: RawTable, column: str, row: int) -> SettingValue:
    """The cell of a row, counted from 1; a number where it is one, None where it is empty."""
    cell = table.columns[column][row - 1]
    if cell is None or isinstance(cell, bool):
        return cell
    if not str(cell).strip():
        return None
    try:
        return float(str(cell))
    except ValueError:
        return str(cell)


def shared_settings(table: RawTable, rows: Labels) -> dict[str, SettingValue]:
    """{column: the value that all of `rows`, counted from 1, have in it}; columns that are empty there are left out."""
    found: dict[str, SettingValue] = {}
    for column in setting_columns(table):
        values = [setting_of(table, column, row) for row in rows.tolist()]
        if values and values[0] is not None and all(value == values[0] for value in values):
            found[column] = values[0]
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return not text.strip()
    return True
