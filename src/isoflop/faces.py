"""The few calls that go up the floors, by name: packages that are functions, and how a value looks in a notebook.

`isoflop.fit(runs)` calls the package `isoflop.fit`, and a `Plan` of floor 4 is shown with a figure of floor 6. Neither
may import the floors above it; FACES names what they need there, and it is imported when it is used.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

FACES = {
    "fit": "isoflop.interactive.fit",
    "plan": "isoflop.interactive.plan",
    "compare": "isoflop.interactive.compare",
    "watch": "isoflop.interactive.watch",
    "ledger": "isoflop.interactive.ledger",
    "answer_html": "isoflop.interactive.answer_html",
}
"""{function: the module that has it}"""


def face(name: str) -> Callable[..., Any]:
    """Returns the function `name` of FACES, imported now."""
    function: Callable[..., Any] = getattr(import_module(FACES[name]), name)
    return function


class CallableRoom(ModuleType):
    """A package that is also the function of its name: `from isoflop.fit import FitReport`, and `isoflop.fit(runs)`."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Returns what the function of FACES with the package's name returns; its signature is there."""
        return face(self._function_name)(*arguments, **options)

    @property
    def _function_name(self) -> str:
        return self.__name__.rpartition(".")[2]

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(face(self._function_name))


def make_callable(package: str) -> None:
    """Turns the imported `package` into a CallableRoom."""
    sys.modules[package].__class__ = CallableRoom
