"""Frozen values to JSON and back: one codec for files and for every `--json` answer.

A frozen dataclass becomes the JSON object of its fields. Its class may change that by class variables:

    json_also: ClassVar = ("total",)      properties written besides the fields; ignored when read
    json_without: ClassVar = ("draws",)   fields that are not written, and that have a default when read
    json_if_set: ClassVar = ("z_loss",)   fields that are written only where they differ from their default

A class whose object has other keys than its fields has an `as_json` of its own, which is used wherever it stands inside
another value. Reading checks every type, with pydantic, and lists every problem of a value at once; the types of fields
may state ranges by `annotated_types`, which costs no import of pydantic.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import numpy as np

from isoflop.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter

T = TypeVar("T")
Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What `json` reads and writes."""
JsonObject: TypeAlias = "dict[str, Json]"


@runtime_checkable
class _WritesItself(Protocol):
    """A class whose JSON object has other keys than its fields."""

    def as_json(self) -> object: ...


def to_json(value: object) -> Json:
    """The JSON value of a dataclass, mapping, sequence, array, path or plain value.

    Raises TypeError for a value of any other type: nothing is turned into text by chance.

    >>> from isoflop.errors import Notice
    >>> to_json({"notices": (Notice(code="few_rows", message="12 rows"),)})
    {'notices': [{'code': 'few_rows', 'message': '12 rows'}]}
    """
    if value is None or isinstance(value, str | bool | int | float):
        # numpy's float64 is a float too, and would be written as such by repr
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, _WritesItself):
        return to_json(value.as_json())
    if is_dataclass(value) and not isinstance(value, type):
        return fields_to_json(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return to_json(value.tolist())
    raise TypeError(f"no JSON for a {type(value).__name__}")


def fields_to_json(value: DataclassInstance) -> JsonObject:
    """The JSON object of a dataclass: its fields, and what its class variables add and leave out."""
    cls = type(value)
    without, if_set, also = (getattr(cls, f"json_{name}", ()) for name in ("without", "if_set", "also"))
    written: JsonObject = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if field.name in without or (field.name in if_set and part == _default(field)):
            continue
        written[field.name] = to_json(part)
    return written | {name: to_json(getattr(value, name)) for name in also}


def from_json(kind: type[T], value: object, what: str) -> T:
    """The value of type `kind` in JSON as `to_json` wrote it; `what` names it in errors.

    Raises InputError that lists what is missing, of another type or out of its range, at any depth, and whatever
    `kind` itself refuses. Keys that `kind` does not know are ignored, unless its class says
    `__pydantic_config__ = {"extra": "forbid"}`.

    >>> from isoflop.errors import Notice
    >>> from_json(Notice, {"code": "few_rows", "message": 12}, "notice")
    Traceback (most recent call last):
    isoflop.errors.InputError: notice: message: expected a valid string, got 12
    """
    from pydantic import ValidationError  # a tenth of a second that most verbs do without

    try:
        # JSON has no tuples: only read as JSON does a list pass for one while a text does not pass for a number
        made: T = _adapter(cast(Hashable, kind)).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise InputError.gathered(what, _problems(error)) from error
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    return made


def _default(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _problems(error: Any) -> list[str]:
    """A line for each place of a pydantic ValidationError; of a union, which tells what each kind wants, the first."""
    lines: dict[str, str] = {}
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"]) or "it"
        message = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
        if item["type"] == "missing":
            message = "missing"
        elif item["type"] == "unexpected_keyword_argument":
            message = "not a field here"
        elif isinstance(item["input"], str | int | float | bool):
            message += f", got {item['input']!r}"[:80]
        lines.setdefault(place, f"{place}: {message[:1].lower()}{message[1:]}")
    return [lines[place] for place in sorted(lines)]


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(cast(Any, kind))
