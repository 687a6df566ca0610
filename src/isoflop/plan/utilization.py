"""Model FLOPs of a whole run over what its devices could have done meanwhile."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from isoflop.errors import InputError
from isoflop.plan.run_time import WHOLE_RUN_UTILIZATION, WHOLE_RUNS
from isoflop.units import format_number, parse_quantity

GIVEN = "given"
"""Source of a utilization or a price that the user stated."""


@dataclass(frozen=True, kw_only=True)
class Utilization:
    """Model FLOPs (`palm_mfu`) over the devices' peak in the hours of a whole run: a range, since nobody knows it
    before the run."""

    json_also: ClassVar = ("expected",)
    json_without: ClassVar = ("middle",)

    low: float
    high: float
    source: str
    """The runs that reached it, the layout that it follows from, or `given`."""
    middle: float | None = None
    """What plans are made for, where that is not halfway between the ends."""

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high <= 1:
            raise InputError(
                f"--utilization: expected a share of the peak above 0 and up to 1, such as 0.4, or a range, "
                f"such as 0.35-0.45; got {format_number(self.low, 6)} to {format_number(self.high, 6)}"
            )

    @classmethod
    def parse(cls, text: str | float) -> Utilization:
        """The utilization that `0.4` or `0.35-0.45` write. Raises InputError for anything else.

        >>> Utilization.parse("0.35-0.45").expected
        0.4
        """
        # A minus after an e belongs to the number: 4e-1.
        ends = [parse_quantity(part, "--utilization") for part in re.split(r"(?<![eE])-", str(text), maxsplit=1)]
        return cls(low=ends[0], high=ends[-1], source=GIVEN)

    @classmethod
    def of_whole_runs(cls) -> Utilization:
        """What whole published runs reached (`WHOLE_RUN_UTILIZATION`), on whichever devices."""
        share = WHOLE_RUN_UTILIZATION
        return cls(low=share.low, high=share.high, source=WHOLE_RUNS, middle=share.expected)

    @property
    def expected(self) -> float:
        """What plans are made for: of a given range, halfway."""
        return (self.low + self.high) / 2 if self.middle is None else self.middle

    @property
    def is_range(self) -> bool:
        """False where one number was given."""
        return self.low < self.high

    @property
    def is_given(self) -> bool:
        """Whether the user stated it, from runs of their own; False for what whole published runs reached."""
        return self.source == GIVEN
