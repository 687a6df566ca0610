"""What the values in JSON files are: numbers in a range, pairs, objects that are checked to the letter."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_LARGEST = 1e100
Number = Annotated[float, Field(gt=-_LARGEST, lt=_LARGEST)]
"""Products of several are finite."""
Positive = Annotated[float, Field(gt=0, lt=_LARGEST)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Numbers = list[Number]


class Shape(BaseModel):
    """An object of a file: of the types that it says, to the letter."""

    model_config = ConfigDict(strict=True, extra="ignore", protected_namespaces=())


def _ordered(pair: list[float]) -> list[float]:
    if pair[0] > pair[1]:
        raise ValueError("expected (low, high)")
    return pair


Pair = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_ordered)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Interval = Annotated[list[Finite], Field(min_length=2, max_length=2), AfterValidator(_ordered)]
"""Of a coefficient that nothing identifies it may be hundreds of orders of magnitude wide."""
PositivePair = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(_ordered)]


class Warned(Shape):
    """A Notice."""

    code: str
    message: str
