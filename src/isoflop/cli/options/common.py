"""Options that several verbs share, and the types that read them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isoflop.errors import InputError, quoted
from isoflop.units import parse_quantity

if TYPE_CHECKING:
    from isoflop.plan import LawSource

    _FloatType = click.ParamType[float]
    _PathType = click.ParamType[Path]
else:
    _FloatType = _PathType = click.ParamType  # no type parameter before click 8.5

F = TypeVar("F", bound=Callable[..., Any])


class Quantity(_FloatType):
    """A positive number as people write it: `5.76e23`, `70B`, `1.4T`."""

    name = "quantity"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; InputError, naming the option, when it is none."""
        del ctx
        return parse_quantity(value, param.opts[0] if param else "quantity")


QUANTITY = Quantity()
DRAWS = click.IntRange(0, 100_000)
"""Refits of a bootstrap: more tell an interval no better, and take hours."""


SEED = click.IntRange(0, 2**63 - 1)


class PathType(_PathType):
    """A path that the system can look at; whether something is there, and of the right kind, its reader says."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; InputError, naming the option, where the system refuses the name or to look."""
        del ctx
        path = Path(value)
        if not str(value):
            raise InputError(f"{param.opts[0] if param else 'path'}: expected a path, got nothing")
        what = f"{param.opts[0] if param and param.param_type_name == 'option' else 'path'} {quoted(str(path))}"
        try:
            if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
                raise InputError(f"{what}: no permission to look into this folder; change its mode, or give another")
            path.stat()
        except ValueError as error:
            raise InputError(f"{what}: expected a path; this one holds a character that no path can") from error
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise InputError(f"{what}: {error.strerror}; give another path") from error
        return path


class OutType(PathType):
    """A file to write."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; InputError where the system refuses it, or where it is a folder."""
        path = super().convert(value, param, ctx)
        if not path.name or path.is_dir():
            raise InputError(f"{path}: expected a file to write, and this is a folder")
        return path


PATH = PathType()
OUT = OutType()


def json_option(function: F) -> F:
    """`--json`: passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, nothing else.")(
        function
    )


def law_options(function: F) -> F:
    """`--law NAME`, or `--fit FILE` and `--approach`: read them with `read_law`."""
    law = click.option("--law", help="A published law; `isoflop laws` lists them.")
    fit = click.option("--fit", type=PATH, help="A fit made by `isoflop fit FILE --out FIT`, or a study.")
    approach = click.option("--approach", help="parametric, isoflop or envelope. Default: the first that has a law.")
    return law(fit(approach(function)))


def read_law(name: str | None, fit: Path | None, approach: str | None) -> LawSource:
    """The law that the options name. Raises InputError unless exactly one of law and fit is given."""
    from isoflop.plan import fitted_source, published_source

    if (name is None) == (fit is None):
        raise InputError("expected one of --law NAME (see `isoflop laws`) and --fit FILE")
    if fit is not None:
        from isoflop.fit import FitReport

        of_study = fit / "fits" / "sweep.json"
        return fitted_source(FitReport.load(of_study if of_study.exists() else fit), approach)
    if approach is not None:
        raise InputError("--approach: goes with --fit; a published law is of one approach")
    return published_source(str(name))
