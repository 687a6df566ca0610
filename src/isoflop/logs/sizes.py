"""How many parameters a logged run has: as stated, as logged on every line, or as its configuration says."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from isoflop.errors import Notice
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Points
from isoflop.logs.roles import Roles, roles_of
from isoflop.logs.run import Setting
from isoflop.observations.values import WITHOUT_EMBEDDINGS

_COUNT = re.compile(r"param", re.IGNORECASE)
"""What the name of a setting holds that counts parameters: `size` alone may be that of a data set or a window."""
_ROUNDED = 0.05
"""Relative: `370M` is a label of 368,123,904 and no other count."""
_FEWEST = 100.0
"""Parameters; a smaller number is of something else."""


def find_params(
    numbers: Mapping[str, Points], settings: Mapping[str, Setting], roles: Roles, options: LogOptions, run: str
) -> tuple[float | None, str | None, list[Notice]]:
    """(parameters, their convention, notices) of the run called `run`; None where nothing tells them."""
    stated = options.params_of(run)
    if stated is not None:
        return stated, options.params_convention, []
    found: list[tuple[str, float]] = []
    for item in roles.params:
        values = numbers[item.column].values
        if len(values) and np.all(values == values[0]) and values[0] * item.scale >= _FEWEST:
            found.append((item.column, float(values[0]) * item.scale))
    for item in roles_of(settings).params:
        value = settings[item.column]
        number = isinstance(value, float | int) and not isinstance(value, bool)
        if number and _COUNT.search(item.column) and float(value or 0) * item.scale >= _FEWEST:
            found.append((item.column, float(value or 0) * item.scale))
    if not found:
        return None, None, []
    name, params = found[0]
    convention = options.params_convention or ("non_embedding" if WITHOUT_EMBEDDINGS.search(name) else None)
    others = [f"{other!r} ({number:,.0f})" for other, number in found[1:] if abs(number / params - 1) > _ROUNDED]
    if not others:
        return params, convention, []
    text = f"params are {name!r} ({params:,.0f}), and {', '.join(others[:5])} could be meant too"
    return params, convention, [Notice(code="several_columns", message=text)]
