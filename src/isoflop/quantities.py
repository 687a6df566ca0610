"""Quantities at the border of the Python interface: fields of values and arrays that may be text, `70B` or `1.4T`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeGuard, overload

if TYPE_CHECKING:
    import numpy as np

    from isoflop.arrays import Array

from isoflop.units import Quantity, parse_quantity


class _Column(Protocol):
    """A series of pandas, polars or pyarrow, and an array of anything."""

    def __array__(self) -> np.ndarray[Any, Any]: ...


Quantities: TypeAlias = Sequence[float] | Sequence[str] | _Column
"""Several quantities: a list, an array or a series of numbers or of text."""


def are_several(value: Quantity | Quantities) -> TypeGuard[Quantities]:
    """Whether `value` is not one quantity but a list, array or series of them."""
    import numpy as np

    return not isinstance(value, str) and np.ndim(value) > 0


def read_quantities(values: Quantity | Quantities, what: str) -> Array:
    """The positive numbers that `values` write, in an array of their shape; one quantity has shape ().

    Raises InputError, naming `what`, for anything but a positive finite number or a text that is one.

    >>> read_quantities(["70B", "1.4T"], "tokens").tolist()
    [70000000000.0, 1400000000000.0]
    """
    import numpy as np

    written = np.asarray(values)
    read = [parse_quantity(each, what) for each in written.ravel().tolist()]
    return np.array(read, dtype=np.float64).reshape(written.shape)


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
