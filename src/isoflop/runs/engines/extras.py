"""Libraries that one engine needs and no other: imported when it is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from isoflop.errors import InputError


def extra(library: str, name: str) -> Any:
    """The module `library`, which comes with the extra `name`. Raises InputError, saying how to install it."""
    try:
        return import_module(library)
    except ImportError as error:
        raise InputError(
            f"{library}: not installed; the engine {name} needs it: pip install 'isoflop[{name}]'"
        ) from error
