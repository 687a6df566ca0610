"""Numbers as papers print them, read from `printed.toml`: their digits show how far they were rounded."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TypedDict, cast

from isoflop.units import format_flops, split_quantity

_NUMBER = re.compile(r"([\d.]+(?:e\d+)?)(.*)")


@dataclass(frozen=True, kw_only=True)
class Printed:
    """One printed number.

    >>> ratio = Printed(text="32.5 %")
    >>> ratio.value, ratio.rounds_to(0.3254), ratio.rounds_to(0.3256), ratio.like(0.32465)
    (0.325, True, False, '32.46 %')
    """

    text: str
    """As printed: `1.92e19`, `8.0B`, `0.50`, `32.5 %`."""

    @property
    def value(self) -> float:
        """The number, a percentage as a share of one."""
        number, factor = self._parts()
        return number * factor

    @property
    def half(self) -> float:
        """Half a unit of the last digit: the largest error of rounding."""
        return 0.5 * float(Decimal(1).scaleb(self._exponent())) * self._parts()[1]

    def rounds_to(self, other: float) -> bool:
        """Whether `other`, rounded to as many digits, is the printed number."""
        # A thousandth more, for numbers on the edge in binary: 1.025 is stored as a little less.
        return abs(other - self.value) <= 1.001 * self.half

    def like(self, other: float) -> str:
        """`other` in the same unit with one digit more."""
        number, unit = self._split()
        if "e" in number:
            return format_flops(other, len(number.split("e")[0].replace(".", "")) + 1)
        _, factor = self._parts()
        decimals = max(0, 1 - self._exponent())
        return f"{other / factor:,.{decimals}f}{unit}"

    def _split(self) -> tuple[str, str]:
        match = _NUMBER.fullmatch(self.text)
        assert match, self.text
        return match[1], match[2]

    def _parts(self) -> tuple[float, float]:
        if self.text.endswith("%"):
            return float(self.text.removesuffix("%")), 0.01
        return split_quantity(self.text)

    def _exponent(self) -> int:
        """Power of ten of the last digit, before the suffix."""
        return int(Decimal(self._split()[0]).as_tuple().exponent)


@dataclass(frozen=True, kw_only=True)
class PrintedTable:
    """A table of a paper, as text."""

    source: str
    """Paper and place."""
    rows: tuple[dict[str, str], ...]
    """{column: entry}, in the paper's order."""


@cache
def printed_table(name: str) -> PrintedTable:
    """The table called `name` in `printed.toml`."""
    table = _tables()[name]
    rows = tuple(dict(zip(table["columns"], row, strict=True)) for row in table["rows"])
    return PrintedTable(source=table["source"], rows=rows)


class _Stored(TypedDict):
    """A table of `printed.toml`."""

    source: str
    columns: list[str]
    rows: list[list[str]]


@cache
def _tables() -> dict[str, _Stored]:
    text = resources.files("isoflop.paper").joinpath("printed.toml").read_text(encoding="utf-8")
    return cast(dict[str, _Stored], tomllib.loads(text))
