"""Our fits of public points, which give published laws their intervals; made by bench/fit/refits.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from isoflop.codec import Json, Positive
from isoflop.files import decoding, read_json
from isoflop.fit.forecast.error_model import ErrorModel, RunNoise
from isoflop.fit.forecast.forecast import ForecasterFile

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class PublicRefit:
    """What is stored of a fit of public points, besides its draws."""

    forecast: ForecasterFile
    scatter: Positive
    """Standard deviation of ln loss of single runs around the law."""


def read_public_refit(path: Path) -> PublicRefit:
    """Returns the fit in `path`, a file of this package. Raises InputError where a value is missing or no number.

    Read value by value: the codec would import pydantic, which takes longer than the whole plan does. A test holds
    that both read the same.
    """
    with decoding(path):
        top = read_json(path)
        stored = _part(top, "forecast")
        judgement, noise = _part(stored, "judgement"), _part(stored, "noise")
        return PublicRefit(
            forecast=ForecasterFile(
                laws=_each(_part(stored, "laws"), lambda law: _each(law, _number)),
                centre=_pair(_part(stored, "centre")),
                errors=ErrorModel(
                    weights=_each(_part(judgement, "weights"), _number),
                    form_error=_number(_part(judgement, "form_error")),
                    dof=_number(_part(judgement, "freedom")),
                    bias=_number(_part(judgement, "lean")),
                    bias_sd=_number(_part(judgement, "lean_sd")),
                    bias_power=_number(_part(judgement, "lean_power")),
                    span_power=_number(_part(judgement, "span_power")),
                ),
                noise=RunNoise(
                    excess=_numbers(_part(noise, "excess")),
                    sd=_numbers(_part(noise, "sd")),
                    dof=_number(_part(noise, "freedom")),
                ),
                data_range=_each(_part(stored, "reach"), _pair),
                seed=int(_number(_part(stored, "seed"))),
            ),
            scatter=_number(_part(top, "scatter")),
        )


def _part(value: Json, key: str) -> Json:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object with {key}")
    return value[key]


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {value!r}")
    return value


def _numbers(value: Json) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list of numbers, got {value!r}")
    return tuple(map(_number, value))


def _pair(value: Json) -> tuple[float, float]:
    low, high = _numbers(value)
    return low, high


def _each(value: Json, read: Callable[[Json], T]) -> dict[str, T]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r}")
    return {key: read(part) for key, part in value.items()}
