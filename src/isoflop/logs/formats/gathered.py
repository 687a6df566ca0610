"""What a format gathers of a run, step by step, on its way to `build.logged_run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from isoflop.logs.build import LoggedLines
from isoflop.logs.clock import Clock
from isoflop.logs.points import Points
from isoflop.logs.run import Setting

STEP = "step"
"""The name under which a line's step is given, where the format itself has it."""


@dataclass(kw_only=True)
class Gathered:
    """Numbers by name, in the order in which the log has them."""

    lines: int = 0
    rows: dict[str, list[int]] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    stamps: dict[int, float] = field(default_factory=dict)
    """{line: seconds since some epoch}."""
    step_seconds: dict[int, float] = field(default_factory=dict)
    """{line: seconds of a step}."""
    sampled: bool = False
    """Whether these are of one step each; else the mean since the line before."""

    def add(self, step: float | None, numbers: Mapping[str, float], stamp: float | None = None) -> None:
        """Adds a line of the log: `numbers` by name, logged at `step`, or at what one of them says, at a time."""
        if stamp is not None:
            self.stamps[self.lines] = stamp
        for name, value in numbers.items():
            self._add(name, value)
        if step is not None:
            self._add(STEP, step)
        self.lines += 1

    def _add(self, name: str, value: float) -> None:
        rows = self.rows.setdefault(name, [])
        if rows and rows[-1] == self.lines:  # the line's own "step", which the one of the format replaces
            self.values[name][-1] = value
            return
        rows.append(self.lines)
        self.values.setdefault(name, []).append(value)

    def logged(self, settings: Mapping[str, Setting] | None = None) -> LoggedLines:
        """Returns all of it with the run's configuration."""
        numbers = {
            name: Points(rows=np.array(rows, dtype=np.int64), values=np.array(self.values[name], dtype=np.float64))
            for name, rows in self.rows.items()
        }
        clock = Clock(stamps=_points(self.stamps), step_seconds=_points(self.step_seconds), sampled=self.sampled)
        return LoggedLines(lines=self.lines, numbers=numbers, settings=settings or {}, clock=clock)


def _points(values: Mapping[int, float]) -> Points:
    return Points(rows=np.array(list(values), dtype=np.int64), values=np.array(list(values.values()), dtype=np.float64))
