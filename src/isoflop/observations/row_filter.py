"""The rows of a file to use: COLUMN=VALUE, and !=, <, <=, >, >=."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from isoflop.arrays import Mask
from isoflop.errors import InputError
from isoflop.observations.file_formats import RawTable
from isoflop.observations.parsing import Cells, read_numbers, read_words
from isoflop.units import parse_quantity

_OPERATORS = ("!=", "<=", ">=", "=", "<", ">")
_MOST_LISTED = 20


def filter_rows(table: RawTable, conditions: Sequence[str]) -> Mask:
    """True for the rows that meet all `conditions`; of several COLUMN=VALUE on one column any suffices.

    Numbers are compared as numbers ("0" is 0.0, "1B" is 1e9), other cells as text. Raises InputError for a condition
    that cannot be read, a column that does not exist, and a value that no row has.
    """
    keep = np.ones(table.rows, dtype=bool)
    chosen: dict[str, Mask] = {}
    for text in conditions:
        column, operator, value = _parts(text, table)
        met = _met(table.columns[column], operator, value, f"--where {text}")
        if operator == "=":
            if not met.any():
                raise InputError(f"--where {text}: no row has that value; {column} is {_values(table.columns[column])}")
            chosen[column] = chosen.get(column, np.zeros(table.rows, dtype=bool)) | met
        else:
            keep &= met
    for met in chosen.values():
        keep &= met
    if not keep.any():
        raise InputError(f"--where {' --where '.join(conditions)}: no row meets all of these")
    return keep


def unknown_column(name: str, table: RawTable) -> str:
    """Message about a column that does not exist: the nearest names, and all of them."""
    names = list(table.columns)
    near = [other for other in names if len(name) > 2 and name.lower() in other.lower()][:3]
    near = near or get_close_matches(name, names, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return f"no column {name!r}{hint} (columns: {', '.join(names)})"


def _parts(text: str, table: RawTable) -> tuple[str, str, str]:
    """(column, operator, value). Names of columns may contain any of the signs: the longest name that fits wins."""
    for column in sorted(table.columns, key=len, reverse=True):
        if text.startswith(column):
            rest = text[len(column) :].lstrip()
            operator = next((sign for sign in _OPERATORS if rest.startswith(sign)), None)
            if operator is not None:
                return column, operator, rest[len(operator) :].strip()
    signs = [(text.index(sign), sign) for sign in _OPERATORS if sign in text]
    if not signs or min(signs)[0] == 0:
        raise InputError(f"--where {text}: expected COLUMN=VALUE (or !=, <, <=, >, >=) such as dataset=c4")
    raise InputError(f"--where {text}: {unknown_column(text[: min(signs)[0]].strip(), table)}")


def _met(cells: Cells, operator: str, value: str, option: str) -> Mask:
    """True for cells that meet the condition."""
    try:
        number = parse_quantity(value, option, positive=False)
    except InputError as error:
        if operator not in ("=", "!="):
            raise InputError(f"{option}: expected a number after {operator}, got {value!r}") from error
        number = float("nan")
    if operator in ("=", "!="):
        words = read_words(cells)
        equal: Mask = words == value
        if value.lower() in ("true", "false"):
            equal |= np.char.lower(words) == value.lower()
        if np.isfinite(number):
            equal |= read_numbers(cells).values == number
        return equal if operator == "=" else ~equal
    values = read_numbers(cells).values
    with np.errstate(invalid="ignore"):
        return np.asarray(
            {"<": values < number, "<=": values <= number, ">": values > number, ">=": values >= number}[operator]
        )


def _values(cells: Cells) -> str:
    """The distinct values of a column, for a message."""
    distinct = sorted(set(read_words(cells).tolist()))
    more = f" and {len(distinct) - _MOST_LISTED} others" if len(distinct) > _MOST_LISTED else ""
    return f"one of {', '.join(map(repr, distinct[:_MOST_LISTED]))}{more}"
