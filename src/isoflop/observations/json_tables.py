"""The table in a JSON value, in whichever of the ways pandas and training scripts lay one out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isoflop.errors import InputError
from isoflop.observations.columns import candidates
from isoflop.observations.parsing import Cells

_TELLING = ("N", "D", "C", "loss", "budget", "run_id", "step", "peak_lr")
_DEEPEST = 6  # objects around a table
_LISTED = 8
_EXPECTED = (
    "expected a JSON list of objects, one a row, or what pandas writes (orient records, columns, index, split, table, "
    "values), alone or under a key such as results"
)


@dataclass(kw_only=True)
class Found:
    """A table, and what there was to say of where it lay."""

    columns: dict[str, Cells]
    """{name: cells}, all of one length."""
    rows: int
    """How many."""
    said: list[str] = field(default_factory=list)
    """Sentences."""


def columns_of(rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Cells], int]:
    """({name: cells}, how many) of rows; None where a row lacks a key, objects inside as columns `outer/inner`."""
    columns: dict[str, list[Any]] = {}
    count = 0
    for row in rows:
        if any(isinstance(value, dict) for value in row.values()):
            row = _flat(row)
        for key, value in row.items():
            name = key if isinstance(key, str) else str(key)
            column = columns.get(name)
            if column is None:
                column = columns[name] = []
            if len(column) <= count:
                column.extend([None] * (count - len(column)))
                column.append(value)
        count += 1
    for column in columns.values():
        column.extend([None] * (count - len(column)))
    return {**columns}, count


def table_in(value: Any, what: str) -> Found:
    """The table that a JSON value holds. Raises InputError, naming `what`, where there is none or are several."""
    if isinstance(value, str):  # json.dump of what DataFrame.to_json gave
        try:
            return _said(table_in(json.loads(value), what), "the file is JSON in a JSON string")
        except ValueError as error:
            raise InputError(f"{what}: {_EXPECTED}; got a JSON string") from error
    found = _table(value)
    if found is None and isinstance(value, dict) and value:
        found = _under_a_key(value, what, _DEEPEST)
    if found is None and _is_record(value):
        columns, rows = columns_of([value])
        found = Found(columns=columns, rows=rows, said=["the file is one object: read as one row"])
    if found is None:
        raise InputError(f"{what}: {_EXPECTED}; got {_kind(value)}")
    return found


def _table(value: Any) -> Found | None:
    """The table that `value` itself is, if it is one."""
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, dict) or not value:
        return None
    laid_out = _as_split(value) or _as_schema(value)
    if laid_out is not None:
        return laid_out
    inner = list(value.values())
    if all(isinstance(column, list) for column in inner):
        if len({len(column) for column in inner}) == 1 and not any(isinstance(cell, dict) for cell in inner[0]):
            return Found(columns={str(name): column for name, column in value.items()}, rows=len(inner[0]))
        return None
    if all(isinstance(part, dict) for part in inner) and any(inner):
        return _of_objects(value)
    return _of_some_lists(value)


def _of_some_lists(value: Mapping[str, Any]) -> Found | None:
    """An object of columns with something else beside them."""
    lists = {str(name): column for name, column in value.items() if isinstance(column, list) and column}
    flat = all(not isinstance(cell, dict | list) for column in lists.values() for cell in column)
    if not flat or len({len(column) for column in lists.values()}) != 1 or _tells(lists) < 2:
        return None
    others = ", ".join(str(name) for name in value if str(name) not in lists)
    said = f"the lists of the object are read as columns; what else there is ({others}) is not"
    return Found(columns={**lists}, rows=len(next(iter(lists.values()))), said=[said])


def _of_list(value: list[Any]) -> Found | None:
    if value and all(isinstance(row, dict) for row in value):
        columns, rows = columns_of(value)
        return Found(columns=columns, rows=rows)
    if not value:
        return Found(columns={}, rows=0)
    if not all(isinstance(row, list) for row in value) or len({len(row) for row in value}) != 1:
        return None
    width = len(value[0])
    if width and all(isinstance(name, str) for name in value[0]) and len(set(value[0])) == width and len(value) > 1:
        return _of_cells(value[0], value[1:], "the first list names the columns")
    text = "the rows are lists without names of columns (pandas, orient values): columns are called 0, 1, ... here"
    return _of_cells([str(number) for number in range(width)], value, text) if width else None


def _of_cells(names: Sequence[Any], rows: Sequence[Sequence[Any]], said: str = "") -> Found:
    columns = {name: list(cells) for name, cells in zip(map(_joined, names), zip(*rows, strict=True), strict=True)}
    return Found(columns={**columns}, rows=len(rows), said=[said] if said else [])


def _as_split(value: Mapping[str, Any]) -> Found | None:
    """pandas, orient split or tight: {columns, index, data}."""
    names, rows = value.get("columns"), value.get("data")
    if not isinstance(names, list) or not isinstance(rows, list) or not rows:
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return None
    return _of_cells(names, rows)


def _as_schema(value: Mapping[str, Any]) -> Found | None:
    """pandas, orient table: {schema: {fields}, data: [objects]}."""
    rows = value.get("data")
    if not isinstance(value.get("schema"), dict) or not isinstance(rows, list) or not rows:
        return None
    return _of_list(rows)


def _of_objects(value: Mapping[str, Any]) -> Found | None:
    """An object of objects: columns of cells by index (pandas, orient columns), or rows by name (orient index)."""
    inner = list(value.values())
    keys = dict.fromkeys(key for part in inner for key in part)
    flat = not any(isinstance(cell, dict | list) for part in inner for cell in part.values())
    by_column = flat and _tells(value) > _tells(keys)
    if flat and _tells(value) == _tells(keys):
        by_column = all(key.lstrip("-").isdigit() for key in keys) and not all(key.isdigit() for key in value)
    if by_column:
        columns = {str(name): [part.get(key) for key in keys] for name, part in value.items()}
        return Found(columns={**columns}, rows=len(keys))
    shared = set.intersection(*(set(part) for part in inner))
    if not shared or _tells(keys) == 0:
        return None
    columns_by_row, rows = columns_of(inner)
    if not all(key.isdigit() for key in value) and "name" not in columns_by_row:
        columns_by_row = {"name": list(value), **columns_by_row}
    return Found(columns=columns_by_row, rows=rows)


def _tells(names: Iterable[Any]) -> int:
    """How many fields of a table `names` name."""
    found = candidates(str(name) for name in names)
    return sum(name in found for name in _TELLING)


def _under_a_key(value: Mapping[str, Any], what: str, deepest: int) -> Found | None:
    """The one table under a key of `value`. Raises InputError where there are several."""
    found = list(_inside(value, "", deepest))
    telling = [item for item in found if _tells(item[1].columns) > 1] or found
    if not telling:
        return None
    if len(telling) > 1:
        names = ", ".join(f"{name!r} ({table.rows} rows)" for name, table in telling[:_LISTED])
        raise InputError(f"{what}: expected one table, found {len(telling)}: {names}; keep one of them in the file")
    name, table = telling[0]
    others = [key for key in value if key != name.split("/")[0]]
    rest = f"; what else there is ({', '.join(map(str, others[:_LISTED]))}) is not" if others else ""
    return _said(table, f"the table under {name!r} is read{rest}")


def _inside(value: Mapping[str, Any], before: str, deepest: int) -> Iterator[tuple[str, Found]]:
    for key, part in value.items():
        name = f"{before}{key}"
        table = _table(part) if isinstance(part, list | dict) and part else None
        if table is not None and table.columns:
            yield name, table
        elif isinstance(part, dict) and deepest > 1:
            yield from _inside(part, f"{name}/", deepest - 1)


def _is_record(value: Any) -> bool:
    """Whether an object is one row: its cells, nested or not, are no lists, and one of them is of a table's fields."""
    if not isinstance(value, dict) or not value:
        return False
    flat = _flat(value)
    return _tells(flat) > 0 and not any(isinstance(cell, list) and cell for cell in flat.values())


def _kind(value: Any) -> str:
    """What a JSON value is, for a person."""
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        lengths = ", ".join(f"{str(key)[:40]} {len(column)}" for key, column in list(value.items())[:_LISTED])
        return f"an object of lists that are not all equally long: {lengths}"
    if isinstance(value, dict):
        shown = ", ".join(f"{str(key)[:40]!r}" for key in list(value)[:_LISTED])
        more = f" and {len(value) - _LISTED} more" if len(value) > _LISTED else ""
        return f"an object with the keys {shown}{more}" if value else "an empty object"
    if isinstance(value, list):
        kinds = sorted({_kind(item).split(" with")[0] for item in value})
        return f"a list of {len(value)} items ({', '.join(kinds[:_LISTED])})" if value else "an empty list"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return "a string" if isinstance(value, str) else "a number"


def _said(found: Found, text: str) -> Found:
    found.said.insert(0, text)
    return found


def _joined(name: Any) -> str:
    return "/".join(map(str, name)) if isinstance(name, list) else str(name)


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        name = f"{before}{key}"
        found.update(_flat(value, f"{name}/") if isinstance(value, dict) else {name: value})
    return found
