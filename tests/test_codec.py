"""What the codec promises: fields and properties out, every problem of a value at once in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import annotated_types as at
import numpy as np
import pytest

from isoflop.codec import from_json, to_json
from isoflop.errors import InputError, Notice


@dataclass(frozen=True, kw_only=True)
class Part:
    """A value with a range, a derived key, a key that is written only when set, and one that is never written."""

    json_also: ClassVar = ("double",)
    json_if_set: ClassVar = ("note",)
    json_without: ClassVar = ("draws",)
    size: Annotated[float, at.Gt(0)]
    interval: tuple[float, float]
    kind: Literal["a", "b"] = "a"
    notices: tuple[Notice, ...] = ()
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    note: str = ""
    draws: object = None

    def __post_init__(self) -> None:
        if self.size > 50:
            raise InputError("size: expected at most 50")

    @property
    def double(self) -> float:
        """Twice the size."""
        return 2 * self.size


def test_what_is_written_is_read_back() -> None:
    part = Part(
        size=2.0, interval=(1.0, 3.0), notices=(Notice(code="few", message="12"),), bounds={"N": (1.0, 2.0)}, draws=[1]
    )
    written = to_json(part)
    assert written == {
        "size": 2.0,
        "interval": [1.0, 3.0],
        "kind": "a",
        "notices": [{"code": "few", "message": "12"}],
        "bounds": {"N": [1.0, 2.0]},
        "double": 4.0,
    }
    assert to_json(from_json(Part, written, "part")) == written


def test_arrays_and_numpy_numbers_become_plain_numbers() -> None:
    written = to_json({"row": np.arange(3), "loss": np.float64(2.5), "count": np.int64(4)})
    assert written == {"row": [0, 1, 2], "loss": 2.5, "count": 4}
    assert {type(part) for part in written.values()} == {list, float, int}


def test_a_value_of_an_unknown_type_is_not_turned_into_text() -> None:
    with pytest.raises(TypeError, match="no JSON for a object"):
        to_json({"it": object()})


def test_every_problem_is_listed_at_once() -> None:
    with pytest.raises(InputError) as raised:
        from_json(Part, {"size": "2", "kind": "c", "notices": [{"code": 1}]}, "part.json")
    lines = str(raised.value).split("\n")
    assert lines[0] == "part.json: 5 problems"
    assert [line.split(":")[0].strip("- ") for line in lines[1:]] == [
        "interval", "kind", "notices.0.code", "notices.0.message", "size",
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0, -1, 51])
def test_ranges_and_refusals_of_the_class_itself(size: float) -> None:
    with pytest.raises(InputError, match=r"part\.json: size"):
        from_json(Part, {"size": size, "interval": [1, 2]}, "part.json")
