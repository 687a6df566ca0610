"""The published laws by name, read from published.toml. Same types as fitted ones."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from isoflop.errors import InputError
from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.frontier import FrontierLaw
from isoflop.laws.law import Provenance

_CONSTANTS = {"chinchilla": ("E", "A", "B", "alpha", "beta"), "frontier": ("anchor_params", "anchor_flops", "a")}


@cache
def _tables() -> dict[str, dict[str, Any]]:
    text = resources.files("isoflop.laws").joinpath("published.toml").read_text(encoding="utf-8")
    return {name: table for name, table in tomllib.loads(text).items() if isinstance(table, dict)}


def published_names() -> tuple[str, ...]:
    """Names of all published laws, in the order of the file."""
    return tuple(_tables())


@cache
def published_law(name: str) -> ChinchillaLaw | FrontierLaw:
    """The published law called `name`. Raises InputError, listing the names, for another.

    >>> published_law("hoffmann2022-3-rounded").constants()["beta"]
    0.28
    """
    if name not in _tables():
        raise InputError(f"law: expected one of {', '.join(_tables())}, got {name!r}")
    table = dict(_tables()[name])
    form = table.pop("form")
    values = {key: float(table.pop(key)) for key in _CONSTANTS[form]}
    source = Provenance.from_json({"name": name, **table})
    if form == "chinchilla":
        return ChinchillaLaw(**values, provenance=source)
    return FrontierLaw.through(
        params=values["anchor_params"], flops=values["anchor_flops"], a=values["a"], provenance=source
    )
