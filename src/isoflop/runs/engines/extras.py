"""Libraries that one engine needs and no other: imported when it is chosen."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from isoflop.errors import InputError

LIBRARIES = {"slurm": "submitit", "ray": "ray", "olmo": "olmo_core"}
"""{engine: the library it needs}; the extra that brings it has the engine's name."""


def require_extra(engine: str) -> None:
    """Raises InputError, saying how to install it, when the library of `engine` is missing."""
    library = LIBRARIES.get(engine)
    if library is not None and find_spec(library) is None:
        raise InputError(f"{library}: not installed; the engine {engine} needs it: pip install 'isoflop[{engine}]'")


def extra(engine: str) -> Any:
    """The library of `engine`. Raises InputError as `require_extra` does."""
    require_extra(engine)
    return import_module(LIBRARIES[engine])
