"""Fields of frozen values that are stated as numbers or as text, `70B` or `1.4T`, and are numbers from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from isoflop.units import Quantity, parse_quantity


class _Field:
    """What both kinds have: the words for their errors, and the name under which the value is kept."""

    def __init__(self, what: str, read: Callable[[Quantity, str], float] = parse_quantity) -> None:
        self._what, self._read = what, read

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name


class QuantityField(_Field):
    """A field of a dataclass: its constructor takes a Quantity, and whoever reads the field gets a positive float.

    A data descriptor, which dataclasses and type checkers know. Setting it raises InputError, naming the field by
    `what`, for anything but a positive finite number or a text that is one.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Text:
    ...     tokens: QuantityField = QuantityField("tokens")
    >>> Text("1.4T").tokens
    1400000000000.0
    """

    @overload
    def __get__(self, instance: None, owner: type) -> QuantityField: ...

    @overload
    def __get__(self, instance: object, owner: type) -> float: ...

    def __get__(self, instance: object | None, owner: type) -> QuantityField | float:
        if instance is None:
            raise AttributeError(self._name)  # which tells dataclasses that the field has no default
        value: float = instance.__dict__[self._name]
        return value

    def __set__(self, instance: object, value: Quantity) -> None:
        instance.__dict__[self._name] = self._read(value, self._what)


class OptionalQuantityField(_Field):
    """The same where the field may be left out: None, which is also its default."""

    @overload
    def __get__(self, instance: None, owner: type) -> None: ...

    @overload
    def __get__(self, instance: object, owner: type) -> float | None: ...

    def __get__(self, instance: object | None, owner: type) -> float | None:
        value: float | None = None if instance is None else instance.__dict__[self._name]
        return value

    def __set__(self, instance: object, value: Quantity | None) -> None:
        instance.__dict__[self._name] = None if value is None else self._read(value, self._what)
