"""Options that several verbs share, and the types that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isoflop.errors import InputError
from isoflop.units import parse_quantity

if TYPE_CHECKING:
    from isoflop.plan import LawSource

    _FloatType = click.ParamType[float]
else:
    _FloatType = click.ParamType  # no type parameter before click 8.5

F = TypeVar("F", bound=Callable[..., Any])


class Quantity(_FloatType):
    """A positive number as people write it: `5.76e23`, `70B`, `1.4T`."""

    name = "quantity"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; InputError, naming the option, when it is none."""
        del ctx
        return parse_quantity(value, param.opts[0] if param else "quantity")


QUANTITY = Quantity()
EXISTING_FILE = click.Path(path_type=Path)
"""A path to read; that it exists is checked by its reader, which says more."""


def json_option(function: F) -> F:
    """`--json`: passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, nothing else.")(
        function
    )


def law_options(function: F) -> F:
    """`--law NAME`, or `--fit FILE` and `--approach`: read them with `read_law`."""
    law = click.option("--law", help="A published law; `isoflop laws` lists them.")
    fit = click.option("--fit", type=EXISTING_FILE, help="A fit made by `isoflop fit FILE --out FIT`, or a study.")
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
