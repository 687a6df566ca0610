"""The options of `isoflop ledger` that write a forecast or its outcome down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cloup
from cloup import option_group

from isoflop.errors import InputError, quoted
from isoflop.ledger import WrittenForecast, add_forecast, add_outcome, unix_time
from isoflop.units import parse_quantity

F = TypeVar("F", bound=Callable[..., object])
_LEVEL = 0.9


@dataclass(frozen=True, kw_only=True)
class ToWrite:
    """What is to be written down; all None where nothing is."""

    add: str | None
    predicted: str | None
    interval: tuple[str, str] | None
    level: float | None
    made_from: str | None
    quantity: str | None
    unit: str | None
    study: str | None
    flops: str | None
    data_flops: str | None
    began: str | None
    outcome: tuple[str, str] | None
    source: str | None
    when: str | None

    @property
    def asked(self) -> bool:
        """Whether something is to be written down."""
        return any(value is not None for value in vars(self).values())

    def check(self) -> None:
        """Raises InputError where an option of two values took the next option for its second."""
        for name, pair in (("--interval", self.interval), ("--outcome", self.outcome)):
            if pair is not None and any(part.startswith("--") for part in pair):
                wanted = "LOW HIGH" if name == "--interval" else "NAME NUMBER"
                raise InputError(f"{name}: expected {wanted}, two words, got {quoted(pair[0])} and {quoted(pair[1])}")

    def write(self, folder: Path) -> Path:
        """Writes the forecast or the outcome to a file in `folder`, and returns its path.

        Raises InputError for values that cannot be used, and for a file that holds another forecast or outcome.
        """
        when = time.time() if self.when is None else unix_time(self.when, "--when")
        if self.outcome is not None:
            self._refuse_beside("outcome", "source", "when")
            name, text = self.outcome
            actual = parse_quantity(text, "--outcome", positive=False)
            return add_outcome(folder, name, actual, when=when, source=self.source or "")
        if self.add is None or self.predicted is None or self.made_from is None:
            raise InputError(
                "ledger: a forecast is written down by --add NAME --predicted NUMBER --from WORDS, and its outcome by "
                "--outcome NAME NUMBER"
            )
        if self.source is not None:
            raise InputError("--source: where an outcome stands; give it with --outcome")
        return add_forecast(folder, self._forecast(self.add, self.predicted, self.made_from, when))

    def _forecast(self, name: str, predicted: str, made_from: str, when: float) -> WrittenForecast:
        interval = None
        if self.interval is not None:
            interval = (_number(self.interval[0], "--interval"), _number(self.interval[1], "--interval"))
        elif self.level is not None:
            raise InputError("--level: the level of an interval; give it with --interval LOW HIGH")
        return WrittenForecast(
            name=name,
            predicted=_number(predicted, "--predicted"),
            sealed=when,
            made_from=made_from,
            quantity=self.quantity or "loss",
            unit=self.unit or "",
            interval=interval,
            level=None if interval is None else self.level or _LEVEL,
            study=self.study or "",
            flops=None if self.flops is None else parse_quantity(self.flops, "--flops"),
            data_flops=None if self.data_flops is None else parse_quantity(self.data_flops, "--data-flops"),
            began=None if self.began is None else unix_time(self.began, "--began"),
        )

    def _refuse_beside(self, *allowed: str) -> None:
        """Raises InputError where other options than those `allowed` are given."""
        others = [name for name, value in vars(self).items() if value is not None and name not in allowed]
        if others:
            names = ", ".join(f"--{name.replace('_', '-').replace('made-from', 'from')}" for name in others)
            raise InputError(f"--outcome: written down alone; leave {names} out")


def _number(text: str, what: str) -> float:
    return parse_quantity(text, what, positive=False)


def writing_options(function: F) -> F:
    """Adds the options that write a forecast or an outcome down."""
    return option_group(
        "Write down",
        cloup.option("--add", metavar="NAME", help="Write a forecast down under this name."),
        cloup.option("--predicted", metavar="NUMBER", help="The number that is predicted, such as 2.01 or 70B."),
        cloup.option("--interval", metavar="LOW HIGH", nargs=2, help="Where it is expected."),
        cloup.option("--level", type=float, help="Probability of that interval (0.9)."),
        cloup.option("--from", "made_from", metavar="WORDS", help="What it is made from: runs, a law, a table."),
        cloup.option("--quantity", metavar="WORD", help="What the number is (loss): params, tokens, another word."),
        cloup.option("--unit", metavar="WORDS", help="Its unit or convention."),
        cloup.option("--study", metavar="NAME", help="Forecasts of one study are not independent (that of --from)."),
        cloup.option("--flops", metavar="FLOPS", help="Training FLOPs of the run that it is of."),
        cloup.option("--data-flops", metavar="FLOPS", help="FLOPs of the largest run that it is made from."),
        cloup.option("--began", metavar="DATE", help="When that run began, if it has."),
        cloup.option("--outcome", metavar="NAME NUMBER", nargs=2, help="Write down what came of the forecast NAME."),
        cloup.option("--source", metavar="WORDS", help="Where the outcome stands."),
        cloup.option("--when", metavar="DATE", help="When it was predicted, or when the outcome came (now)."),
    )(function)
