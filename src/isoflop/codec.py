"""Frozen values to JSON and back: one codec for files and for every `--json` answer.

A frozen dataclass becomes the JSON object of its fields. Its class may change that by class variables:

    json_also: ClassVar = ("total",)      properties written besides the fields; ignored when read
    json_without: ClassVar = ("draws",)   fields that are not written, and that have a default when read
    json_if_set: ClassVar = ("z_loss",)   fields that are written only where they differ from their default
    __pydantic_config__: ClassVar = renamed(counts="draws")   fields whose key in JSON is another word

A class whose object has other keys than its fields has an `as_json` of its own, which is used wherever it stands inside
another value. Reading checks every type, with pydantic, and lists every problem of a value at once; the types of fields
may state ranges by `annotated_types`, which costs no import of pydantic; those that files need stand below. Where one
of several classes may stand in a place, `Annotated[A | B, Tagged("status")]` says which key tells them apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import numpy as np
from annotated_types import Ge, Gt, Lt, Predicate

from isoflop.errors import InputError
from isoflop.units import format_number

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
    from pydantic_core import CoreSchema

T = TypeVar("T")
Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
"""What `json` reads and writes."""
JsonObject: TypeAlias = "dict[str, Json]"


def low_before_high(pair: tuple[float, float]) -> bool:
    """Whether a pair is in order."""
    return pair[0] <= pair[1]


_LARGEST = 1e100  # products of several such numbers are finite
Number = Annotated[float, Gt(-_LARGEST), Lt(_LARGEST)]
Positive = Annotated[float, Gt(0), Lt(_LARGEST)]
Share = Annotated[float, Gt(0), Lt(1)]
Count = Annotated[int, Ge(0), Lt(2**63)]
Finite = Annotated[float, Gt(-math.inf), Lt(math.inf)]
Pair = Annotated[tuple[Number, Number], Predicate(low_before_high)]
PositivePair = Annotated[tuple[Positive, Positive], Predicate(low_before_high)]
FinitePair = Annotated[tuple[Finite, Finite], Predicate(low_before_high)]
"""Interval of a coefficient: where nothing identifies it, it may be hundreds of orders of magnitude wide."""


@runtime_checkable
class _WritesItself(Protocol):
    """A class whose JSON object has other keys than its fields."""

    def as_json(self) -> object: ...


@dataclass(frozen=True)
class Tagged:
    """Metadata of a union of dataclasses that differ in a field of literals, `key`."""

    key: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic import Discriminator

        return Discriminator(self.key).__get_pydantic_core_schema__(source, handler)


@dataclass(frozen=True)
class _Renamed:
    """The key in JSON of each field: its own name unless `names` has another."""

    names: Mapping[str, str]

    def __call__(self, field: str) -> str:
        return self.names.get(field, field)


def renamed(**names: str) -> dict[str, _Renamed]:
    """The `__pydantic_config__` of a class whose fields `names` stand under other keys in JSON: {field: key}."""
    return {"alias_generator": _Renamed(names)}


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
    key_of = getattr(cls, "__pydantic_config__", {}).get("alias_generator", str)
    written: JsonObject = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if field.name in without or (field.name in if_set and part == _default(field)):
            continue
        written[key_of(field.name)] = to_json(part)
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
        return cast(T, _adapter(cast(Hashable, kind)).validate_json(json.dumps(value), strict=True))
    except ValidationError as error:
        raise InputError.gathered(what, _problems(error, value)) from error
    except InputError as error:
        raise InputError(f"{what}: {error}") from error


def _default(field: Field[object]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


_COMPLETE = ("missing", "unexpected_keyword_argument", "predicate_failed")
"""Problems whose message needs no value."""


def _problems(error: ValidationError, value: object) -> list[str]:
    """A line for each place of a pydantic ValidationError; of a union, which tells what each kind wants, the first."""
    lines: dict[str, str] = {}
    for item in error.errors():
        place = ".".join(_place(item["loc"], value)) or "it"
        message = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
        if item["type"] == "missing":
            message = "missing"
        elif item["type"] == "unexpected_keyword_argument":
            message = "not a field here"
        elif item["type"] == "predicate_failed":
            message = f"expected {message.split(chr(39))[1].replace('_', ' ')}"  # Predicate 'low_before_high' failed
        elif item["type"] in ("less_than", "greater_than"):
            message = f"expected {item['type'].replace('_', ' ')} {format_number(next(iter(item['ctx'].values())), 6)}"
        if item["type"] not in _COMPLETE and isinstance(item["input"], str | int | float | bool):
            message += f", got {item['input']!r}"[:80]
        lines.setdefault(place, f"{place}: {message[:1].lower()}{message[1:]}")
    return [lines[place] for place in sorted(lines)]


def _place(path: tuple[str | int, ...], value: object) -> list[str]:
    """Keys and numbers along `path` into `value`, without the tags of unions that pydantic puts between them."""
    kept: list[str] = []
    for number, part in enumerate(path):
        inside = isinstance(value, Mapping) and part in value
        if isinstance(part, str) and not inside and (not isinstance(value, Mapping) or number + 1 < len(path)):
            continue  # no key of an object, nor one that an object lacks
        kept.append(str(part))
        if inside:
            value = cast(Mapping[object, object], value)[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return kept


@cache
def _adapter(kind: Hashable) -> TypeAdapter[object]:
    from pydantic import TypeAdapter

    return TypeAdapter(cast("type[object]", kind))
