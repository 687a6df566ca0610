"""Options that several verbs share, and the types that read them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
import cloup
from cloup import option_group

from isoflop.errors import InputError, Notice, quoted
from isoflop.units import parse_days, parse_quantity

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from isoflop.plan import LawSource

    _FloatType = click.ParamType[float]
    _IntType = click.ParamType[int]
    _PathType = click.ParamType[Path]
else:
    _FloatType = _IntType = _PathType = click.ParamType  # no type parameter before click 8.5

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


class Quantity(_FloatType):
    """A positive number with an optional suffix: `5.76e23`, `70B`, `1.4T`."""

    name = "quantity"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns the number. Raises InputError, which names the option, for anything else."""
        del ctx
        return parse_quantity(value, param.opts[0] if param else "quantity")


class WholeNumber(_IntType):
    """A whole number within bounds, which the help does not print."""

    name = "integer"

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self._range = click.IntRange(low, high)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns the number. Raises a usage error for anything else."""
        return int(self._range.convert(value, param, ctx))


class Days(_FloatType):
    """A number of days, or a duration with its unit: `30`, `7d`, `1 week`."""

    name = "days"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns days. Raises InputError, which names the option, for anything else."""
        del ctx
        return parse_days(value, param.opts[0] if param else "days")


QUANTITY = Quantity()
DAYS = Days()
DRAWS = WholeNumber(0, 100_000)
"""Refits of a bootstrap. More do not improve an interval, and take hours."""


SEED = WholeNumber(0, 2**63 - 1)


class PathType(_PathType):
    """A path that the system can access; its reader checks that it exists and is of the right kind."""

    name = "path"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Returns the path. Raises InputError, which names the option, where the system refuses it."""
        del ctx
        path = Path(value)
        if not str(value):
            raise InputError(f"{param.opts[0] if param else 'path'}: expected a path, got an empty text")
        what = f"{param.opts[0] if param and param.param_type_name == 'option' else 'path'} {quoted(str(path))}"
        try:
            if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
                raise InputError(f"{what}: no permission to read this folder; change its mode, or choose another")
            path.stat()
        except ValueError as error:
            raise InputError(f"{what}: expected a path; this one contains a character that no path can have") from error
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise InputError(f"{what}: {error.strerror}; choose another path") from error
        return path


class OutType(PathType):
    """A file to write."""

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Returns the path. Raises InputError where the system refuses it, or where it is a folder."""
        path = super().convert(value, param, ctx)
        if not path.name or path.is_dir():
            raise InputError(f"{path}: expected a file to write, got a folder")
        return path


PATH = PathType()
OUT = OutType()


def picked(kind: type[T], options: Mapping[str, object]) -> T:
    """Returns the dataclass `kind` of the options of its fields' names."""
    return kind(**{field.name: options[field.name] for field in fields(cast("type[DataclassInstance]", kind))})


def flags(names: Iterable[str]) -> str:
    """Returns names of parameters as the options that set them: `--seq-len and --vocab`."""
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


def verb(*examples: str) -> Callable[[Callable[..., None]], click.Command]:
    """Returns a decorator that makes a command with grouped options, and with `examples` below its help."""
    lines = "\n".join(f"  {example}" for example in examples)
    return cloup.command(epilog=f"\b\nExamples:\n{lines}")


def level_option(function: F) -> F:
    """Adds `--level`."""
    return click.option("--level", type=float, default=0.9, help="Probability of the intervals. [0.9]")(function)


def json_option(function: F) -> F:
    """Adds `--json`, which the verb receives as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")(
        function
    )


def law_options(function: F) -> F:
    """Adds `--law`, `--fit` and `--approach`, which `read_law` reads."""
    law = cloup.option("--law", help="Use a published law; `isoflop laws` lists them. [besiroglu2024]")
    fit = cloup.option("--fit", type=PATH, help="Use a fit from `isoflop fit FILE --out FIT`, or a study.")
    approach = cloup.option(
        "--approach", help="Approach of the fit: parametric, isoflop or envelope. [the first with a law]"
    )
    return option_group("Law", law, fit, approach)(function)


def read_law(name: str | None, fit: Path | None, approach: str | None) -> LawSource:
    """Returns the law that the options name, or else DEFAULT_LAW. Raises InputError for both a law and a fit."""
    from isoflop.laws.published import DEFAULT_LAW
    from isoflop.plan import fitted_source, published_source

    if name is not None and fit is not None:
        raise InputError("--law and --fit: expected one of them")
    if fit is not None:
        from isoflop.fit import FitReport

        of_study = fit / "fits" / "sweep.json"
        return fitted_source(FitReport.load(of_study if of_study.exists() else fit), approach)
    if approach is not None:
        raise InputError("--approach: needs --fit; a published law belongs to one approach")
    if name is None:
        message = f"no --law and no --fit: answered by {DEFAULT_LAW}; `isoflop laws` lists others"
        default = published_source(DEFAULT_LAW)
        return replace(default, notices=(*default.notices, Notice(code="default_law", message=message)))
    return published_source(name)
