"""Where the loss of a run is expected on its way: a band by the share of its schedule, sealed before the run starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ExpectedCourse:
    """The loss that is expected at each share of the schedule, and between which losses it lies with `level`."""

    json_if_set: ClassVar = ("peak_rate",)
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    shares: tuple[float, ...]
    """Shares of the schedule, rising, above 0 and at most 1."""
    loss: tuple[float, ...]
    """Expected loss at each share, in the unit of the forecast, measured as `measured` says."""
    low: tuple[float, ...]
    """Lower end of the band at each share."""
    high: tuple[float, ...]
    level: float
    """Nominal probability that the loss at one share lies between `low` and `high`."""
    course_sd: tuple[float, ...]
    """Standard deviation of ln(loss at the share / loss of a run that ends as it will), without the forecast's own."""
    degrees: float
    """Degrees of freedom of `course_sd`."""
    measured: str
    """Name of the evaluation set along the way; `training` for the loss of training batches."""
    made_from: tuple[str, ...]
    """Names of the finished runs whose courses it follows."""
    peak_rate: float | None = None
    """Highest learning rate that is planned; None where it is not known."""

    def __post_init__(self) -> None:
        columns = (self.loss, self.low, self.high, self.course_sd)
        problems = []
        if not self.shares or any(len(column) != len(self.shares) for column in columns):
            problems.append("expected as many losses as shares, and at least one")
        elif not (np.all(np.diff(self.shares) > 0) and self.shares[0] > 0 and self.shares[-1] <= 1):
            problems.append("shares: expected numbers above 0 and at most 1 that rise")
        elif not np.all(np.isfinite(columns)) or not (
            min(self.low) > 0 and np.all(np.less_equal(self.low, self.loss) & np.less_equal(self.loss, self.high))
        ):
            problems.append("low, loss, high: expected positive numbers in this order at each share")
        if not 0 < self.level < 1:
            problems.append(f"level: expected a probability between 0 and 1, got {self.level}")
        if problems:
            raise InputError.gathered("expected course", problems)

    def at(self, share: float) -> tuple[float, float, float]:
        """(low, expected, high) at `share`, on straight lines in ln(loss) between the shares that it has."""
        return (self._along(self.low, share), self._along(self.loss, share), self._along(self.high, share))

    def _along(self, losses: tuple[float, ...], share: float) -> float:
        logs: Array = np.log(np.asarray(losses, dtype=np.float64))
        return float(np.exp(np.interp(share, self.shares, logs)))
