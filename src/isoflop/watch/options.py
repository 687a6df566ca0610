"""What a caller may state about a run under way that its log does not tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isoflop.errors import InputError

if TYPE_CHECKING:
    from isoflop.plan.cluster import Cluster

LEVEL = 0.9
"""Nominal probability of every interval where none is stated."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Everything that may be stated; None where nothing was."""

    level: float = LEVEL
    """Nominal probability of the intervals."""
    loss: str | None = None
    """The evaluation set along the run, or `training`."""
    total_tokens: float | None = None
    """Tokens (steps, where the log counts those) of the schedule of the run under way."""
    as_of: float | None = None
    """Share of the schedule at which the answer is given, as if the log ended there."""
    cluster: Cluster | None = None
    """Devices by which what is still to be trained is priced; None: it is not."""

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.level < 1:
            problems.append(f"level: expected a probability between 0 and 1, got {self.level!r}")
        if self.total_tokens is not None and not self.total_tokens > 0:
            problems.append(f"tokens of the schedule: expected a positive number, got {self.total_tokens!r}")
        if self.as_of is not None and not 0 < self.as_of <= 1:
            problems.append(f"as of: expected a share of the schedule above 0 and at most 1, got {self.as_of!r}")
        if problems:
            raise InputError("; ".join(problems))
