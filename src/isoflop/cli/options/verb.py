"""What a verb is declared with: its examples, `--json`, and its options as typed values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar, cast

import click
import cloup

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


def picked(kind: type[T], options: Mapping[str, object]) -> T:
    """Returns the dataclass `kind` of the options of its fields' names."""
    return kind(**{field.name: options[field.name] for field in fields(cast("type[DataclassInstance]", kind))})


def flags(names: Iterable[str]) -> str:
    """Returns names of parameters as the options that set them: `--seq-len and --vocab`."""
    return " and ".join(f"--{name.replace('_', '-')}" for name in names)


class Verb(cloup.Command):
    """A verb with its examples, of which the first ends the message of a usage error."""

    examples: tuple[str, ...] = ()


def verb(*examples: str) -> Callable[[Callable[..., None]], click.Command]:
    """Returns a decorator that makes a command with grouped options, and with `examples` below its help."""
    lines = "\n".join(f"  {example}" for example in examples)

    def made(function: Callable[..., None]) -> click.Command:
        """The command, which keeps its examples for the messages of usage errors."""
        command = cloup.command(cls=Verb, epilog=f"\b\nExamples:\n{lines}")(function)
        command.examples = examples
        return command

    return made


def json_option(function: F) -> F:
    """Adds `--json`, which the verb receives as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")(
        function
    )
