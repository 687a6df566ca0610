"""The table in a JSON value, in whichever of the ways pandas and training scripts lay one out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from isoflop.codec import Json, JsonObject
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


@dataclass(frozen=True, kw_only=True)
class TableInJson:
    """A table, and in which form the JSON held it."""

    columns: Mapping[str, Cells]
    """{name: cells}, all of one length."""
    rows: int
    """How many."""
    remarks: tuple[str, ...] = ()
    """Sentences about the form, and about what is not read."""


def columns_of(rows: Iterable[Mapping[str, object]]) -> tuple[dict[str, Cells], int]:
    """({name: cells}, number of rows); None where a row lacks a key, objects inside as columns `outer/inner`."""
    columns: dict[str, list[object]] = {}
    count = 0
    for row in rows:
        if any(isinstance(value, dict) for value in row.values()):
            row = _flat(row)
        for key, value in row.items():
            name = key if isinstance(key, str) else str(key)
            column = columns.get(name)
            if column is None:
                column = columns[name] = []
            # A key that comes again under the same text adds no second cell; rows that lacked it hold None.
            if len(column) <= count:
                column.extend([None] * (count - len(column)))
                column.append(value)
        count += 1
    for column in columns.values():
        column.extend([None] * (count - len(column)))
    return {**columns}, count


def table_in(value: Json, what: str) -> TableInJson:
    """The table that a JSON value holds. Raises InputError, naming `what`, where it holds none or several."""
    if isinstance(value, str):  # json.dump of what DataFrame.to_json returned
        try:
            return _with_remark(table_in(json.loads(value), what), "the file is JSON in a JSON string")
        except ValueError as error:
            raise InputError(f"{what}: {_EXPECTED}; got a JSON string") from error
    table = _table(value)
    if table is None and isinstance(value, dict) and value:
        table = _under_a_key(value, what, _DEEPEST)
    if table is None and isinstance(value, dict) and _is_record(value):
        columns, rows = columns_of([value])
        table = TableInJson(columns=columns, rows=rows, remarks=("the file is one object: read as one row",))
    if table is None:
        raise InputError(f"{what}: {_EXPECTED}; got {_kind(value)}")
    return table


def _table(value: Json) -> TableInJson | None:
    """The table that `value` itself is, if it is one."""
    if isinstance(value, list):
        return _of_list(value)
    if not isinstance(value, dict) or not value:
        return None
    table = _as_split(value) or _as_schema(value)
    if table is not None:
        return table
    columns = {name: column for name, column in value.items() if isinstance(column, list)}
    if len(columns) == len(value):
        lengths, first = {len(column) for column in columns.values()}, next(iter(columns.values()))
        if len(lengths) == 1 and not any(isinstance(cell, dict) for cell in first):
            return TableInJson(columns={**columns}, rows=len(first))
        return None
    objects = {name: part for name, part in value.items() if isinstance(part, dict)}
    if len(objects) == len(value) and any(objects.values()):
        return _of_objects(objects)
    return _of_some_lists(value)


def _of_some_lists(value: JsonObject) -> TableInJson | None:
    """The table of an object that holds columns and something else."""
    lists = {name: column for name, column in value.items() if isinstance(column, list) and column}
    flat = all(not isinstance(cell, dict | list) for column in lists.values() for cell in column)
    if not flat or len({len(column) for column in lists.values()}) != 1 or _fields_named(lists) < 2:
        return None
    others = ", ".join(name for name in value if name not in lists)
    remark = f"the lists of the object are read as columns; what else there is ({others}) is not"
    return TableInJson(columns={**lists}, rows=len(next(iter(lists.values()))), remarks=(remark,))


def _of_list(value: list[Json]) -> TableInJson | None:
    """The table of a list of objects, or of a list of lists whose first may hold the names of columns."""
    if not value:
        return TableInJson(columns={}, rows=0)
    objects = [row for row in value if isinstance(row, dict)]
    if len(objects) == len(value):
        columns, rows = columns_of(objects)
        return TableInJson(columns=columns, rows=rows)
    lists = [row for row in value if isinstance(row, list)]
    if len(lists) < len(value) or len({len(row) for row in lists}) != 1:
        return None
    names = [name for name in lists[0] if isinstance(name, str)]
    width = len(lists[0])
    if width and len(names) == width == len(set(names)) and len(lists) > 1:
        return _of_cells(names, lists[1:], "the first list names the columns")
    remark = "the rows are lists without names of columns (pandas, orient values): columns are called 0, 1, ... here"
    return _of_cells([str(number) for number in range(width)], lists, remark) if width else None


def _of_cells(names: Sequence[Json], rows: Sequence[list[Json]], *remarks: str) -> TableInJson:
    columns = {name: list(cells) for name, cells in zip(map(_joined, names), zip(*rows, strict=True), strict=True)}
    return TableInJson(columns={**columns}, rows=len(rows), remarks=remarks)


def _as_split(value: JsonObject) -> TableInJson | None:
    """The table of pandas, orient split or tight: {columns, index, data}."""
    names, data = value.get("columns"), value.get("data")
    if not isinstance(names, list) or not isinstance(data, list) or not data:
        return None
    rows = [row for row in data if isinstance(row, list) and len(row) == len(names)]
    return _of_cells(names, rows) if len(rows) == len(data) else None


def _as_schema(value: JsonObject) -> TableInJson | None:
    """The table of pandas, orient table: {schema: {fields}, data: [objects]}."""
    data = value.get("data")
    if not isinstance(value.get("schema"), dict) or not isinstance(data, list) or not data:
        return None
    return _of_list(data)


def _of_objects(value: Mapping[str, JsonObject]) -> TableInJson | None:
    """The table of an object of objects: columns of cells by index (pandas, orient columns), or rows by name (index).

    The side whose keys name more fields of a table holds the names of columns; where both name as many, numbers are
    indices of rows.
    """
    inner = list(value.values())
    keys = dict.fromkeys(key for part in inner for key in part)
    flat = not any(isinstance(cell, dict | list) for part in inner for cell in part.values())
    by_column = flat and _fields_named(value) > _fields_named(keys)
    if flat and _fields_named(value) == _fields_named(keys):
        by_column = all(key.lstrip("-").isdigit() for key in keys) and not all(key.isdigit() for key in value)
    if by_column:
        columns = {name: [part.get(key) for key in keys] for name, part in value.items()}
        return TableInJson(columns={**columns}, rows=len(keys))
    shared = set.intersection(*(set(part) for part in inner))
    if not shared or _fields_named(keys) == 0:
        return None
    columns_by_row, rows = columns_of(inner)
    if not all(key.isdigit() for key in value) and "name" not in columns_by_row:
        columns_by_row = {"name": list(value), **columns_by_row}
    return TableInJson(columns=columns_by_row, rows=rows)


def _fields_named(names: Iterable[str]) -> int:
    """How many fields of a table `names` name."""
    fields = candidates(names)
    return sum(name in fields for name in _TELLING)


def _under_a_key(value: JsonObject, what: str, deepest: int) -> TableInJson | None:
    """The one table under a key of `value`. Raises InputError where there are several."""
    tables = list(_inside(value, "", deepest))
    telling = [item for item in tables if _fields_named(item[1].columns) > 1] or tables
    if not telling:
        return None
    if len(telling) > 1:
        names = ", ".join(f"{name!r} ({table.rows} rows)" for name, table in telling[:_LISTED])
        raise InputError(f"{what}: expected one table, found {len(telling)}: {names}; keep one of them in the file")
    name, table = telling[0]
    others = [key for key in value if key != name.split("/")[0]]
    rest = f"; what else there is ({', '.join(others[:_LISTED])}) is not" if others else ""
    return _with_remark(table, f"the table under {name!r} is read{rest}")


def _inside(value: JsonObject, before: str, deepest: int) -> Iterator[tuple[str, TableInJson]]:
    for key, part in value.items():
        name = f"{before}{key}"
        table = _table(part) if isinstance(part, list | dict) and part else None
        if table is not None and table.columns:
            yield name, table
        elif isinstance(part, dict) and deepest > 1:
            yield from _inside(part, f"{name}/", deepest - 1)


def _is_record(value: JsonObject) -> bool:
    """Whether an object is one row: its cells, nested or not, are no lists, and one of them is of a table's fields."""
    flat = _flat(value)
    return _fields_named(flat) > 0 and not any(isinstance(cell, list) and cell for cell in flat.values())


def _kind(value: Json) -> str:
    """What a JSON value is, in words for a message."""
    if isinstance(value, dict) and value:
        lists = {key: column for key, column in value.items() if isinstance(column, list)}
        if len(lists) == len(value):
            lengths = ", ".join(f"{key[:40]} {len(column)}" for key, column in list(lists.items())[:_LISTED])
            return f"an object of lists that are not all equally long: {lengths}"
        shown = ", ".join(f"{key[:40]!r}" for key in list(value)[:_LISTED])
        more = f" and {len(value) - _LISTED} more" if len(value) > _LISTED else ""
        return f"an object with the keys {shown}{more}"
    if isinstance(value, list) and value:
        kinds = sorted({_kind(item).split(" with")[0] for item in value})
        return f"a list of {len(value)} items ({', '.join(kinds[:_LISTED])})"
    if isinstance(value, dict | list):
        return "an empty object" if isinstance(value, dict) else "an empty list"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return "a string" if isinstance(value, str) else "a number"


def _with_remark(table: TableInJson, remark: str) -> TableInJson:
    return replace(table, remarks=(remark, *table.remarks))


def _joined(name: Json) -> str:
    return "/".join(map(str, name)) if isinstance(name, list) else str(name)


def _flat(row: Mapping[str, object], before: str = "") -> dict[str, object]:
    """{`outer/inner`: value} of a row with objects inside."""
    cells: dict[str, object] = {}
    for key, value in row.items():
        name = f"{before}{key}"
        cells.update(_flat(value, f"{name}/") if isinstance(value, dict) else {name: value})
    return cells
