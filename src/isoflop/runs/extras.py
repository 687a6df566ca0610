"""Libraries that one engine or tracker needs and no other: imported when it is chosen."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from isoflop.errors import InputError

LIBRARIES = {"slurm": "submitit", "ray": "ray", "olmo": "olmo_core"}
"""{engine: the library it needs}; the extra that brings it has the engine's name."""


TRACKERS = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}
"""{tracker: the library it needs}, named like its extra too."""


def require_extra(*names: str) -> None:
    """Raises InputError, saying how to install it, when the library of one of these engines and trackers is missing."""
    for name in names:
        kind, library = ("tracker", TRACKERS[name]) if name in TRACKERS else ("engine", LIBRARIES.get(name))
        if library is not None and find_spec(library) is None:
            raise InputError(f"{library}: not installed; the {kind} {name} needs it: pip install 'isoflop[{name}]'")


def extra(name: str, *parts: str) -> Any:
    """The library of an engine or tracker, or a module in it. Raises InputError as `require_extra` does."""
    require_extra(name)
    return import_module(".".join([{**LIBRARIES, **TRACKERS}[name], *parts]))
