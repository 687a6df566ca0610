"""Options that several verbs share, and the types that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from isoflop.units import parse_quantity

F = TypeVar("F", bound=Callable[..., Any])


class Quantity(click.ParamType):
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
