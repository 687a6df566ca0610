"""Packages whose names are imported when they are first used, so that a verb pays for what it needs alone.

A package states its names as imports under TYPE_CHECKING, which checkers read and nothing runs, and once more as a
table for `names_of`; tests/test_lazy_names.py holds the two together. A name that is also a submodule cannot be lazy:
the import of the submodule would set it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_of(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Returns the `__getattr__` of `package` for {submodule: its names, separated by spaces}."""
    home_of = {name: f"{package}.{home}" for home, names in homes.items() for name in names.split()}

    def found(name: str) -> Any:
        """The value of `name`, imported now. Raises AttributeError for another name."""
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return found
