"""The types of options: quantities, days, whole numbers, paths and files to write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.errors import InputError, quoted
from isoflop.units import parse_days, parse_quantity

if TYPE_CHECKING:
    _FloatType = click.ParamType[float]
    _IntType = click.ParamType[int]
    _PathType = click.ParamType[Path]
else:
    _FloatType = _IntType = _PathType = click.ParamType  # no type parameter before click 8.5


class Quantity(_FloatType):
    """A positive number with an optional suffix: `5.76e23`, `70B`, `1.4T`."""

    name = "quantity"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns the number. Raises InputError, which names the option, for anything else."""
        del ctx
        return parse_quantity(value, param.opts[0] if param else "quantity")


class Percent(_FloatType):
    """A share between 0 and 1, written as such or in per cent: `0.01`, `1%`."""

    name = "percent"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns the share. Raises InputError, which names the option, for anything else."""
        del ctx
        what = param.opts[0] if param else "share"
        text = str(value).strip()
        share = parse_quantity(text.removesuffix("%").strip(), what) / (100 if text.endswith("%") else 1)
        if not 0 < share < 1:
            raise InputError(f"{what}: expected a share between 0 and 1, such as 0.01 or 1%, got {quoted(text)}")
        return share


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
PERCENT = Percent()
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
