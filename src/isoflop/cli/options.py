"""Options that several verbs share, and the types that read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from isoflop.errors import InputError
from isoflop.units import parse_quantity

if TYPE_CHECKING:
    from isoflop.laws import ComputeCost, Law

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


@dataclass(frozen=True, kw_only=True)
class ChosenLaw:
    """What `--law` or `--fit` named."""

    law: Law
    draws: Law | None
    """The same law with arrays of resampled constants; None for published laws."""
    cost: ComputeCost


def law_options(function: F) -> F:
    """`--law NAME` and `--fit FILE`, of which one must be given: read them with `read_law`."""
    law = click.option("--law", help="A published law; `isoflop laws` lists them.")
    fit = click.option("--fit", type=EXISTING_FILE, help="A fit made by `isoflop fit FILE --out FIT`.")
    return law(fit(function))


def read_law(name: str | None, fit: Path | None) -> ChosenLaw:
    """The law that the options name. Raises InputError unless exactly one is given, and for an unknown name."""
    from isoflop.laws import SIX_N, published_law

    if (name is None) == (fit is None):
        raise InputError("expected one of --law NAME (see `isoflop laws`) and --fit FILE")
    if name is not None:
        return ChosenLaw(law=published_law(name), draws=None, cost=SIX_N)
    raise InputError("no fits yet")
