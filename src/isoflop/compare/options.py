"""What a comparison is asked for, and what it may use besides the runs of its two sides."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.compare.result import Axis
from isoflop.compare.sides import Side
from isoflop.errors import InputError
from isoflop.laws import ChinchillaLaw

LEVEL = 0.9
"""Level of the intervals of a comparison."""
EQUAL_WITHIN = 0.05
"""Two recipes whose multiplier lies within 5 % of 1 are called equal. A gain of that size is what two seeds of one
recipe differ by in a single cell of small runs."""


@dataclass(frozen=True, kw_only=True)
class StatedSlope:
    """The baseline's slope as somebody states it, for runs that cannot show it."""

    per_log: float
    """-d ln L / d ln axis: share of the loss that falls per e-fold of tokens, FLOPs, time or money; above zero."""
    source: str
    """Where it is from, for the answer's words."""
    sd: float = 0.0
    """Standard error of `per_log`."""

    def __post_init__(self) -> None:
        if not 1e-3 <= self.per_log < 10:  # a fiftieth of what language models show; below, multipliers overflow
            raise InputError(
                "slope: expected the fall of ln loss per e-fold, a number above 0 (from .001 to 10), got "
                f"{self.per_log!r}"
            )
        if not 0 <= self.sd < float("inf"):
            raise InputError(f"slope: expected a standard error of 0 or above, got {self.sd!r}")

    @classmethod
    def per_step(cls, nats: float, at_steps: float, at_loss: float, source: str, sd: float = 0.0) -> StatedSlope:
        """The slope of `nats` of loss for each step, at the end of schedules of `at_steps` steps that end at `at_loss`.

        -d ln L / d ln steps = nats * steps / L. `sd` is the standard error of `nats`.

        >>> round(StatedSlope.per_step(0.0048 / 100, 3300, 3.278, "its authors").per_log, 4)
        0.0483
        """
        scale = at_steps / at_loss
        return cls(per_log=nats * scale, source=source, sd=sd * scale)


@dataclass(frozen=True, kw_only=True, eq=False)
class LawSlope:
    """The baseline's slope by a law of other runs: at each cell, as a share of the law's own loss there."""

    law: ChinchillaLaw
    source: str
    draws: ChinchillaLaw | None = None
    """Its draws, for the error of the slope."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The question."""

    axis: Axis = "compute"
    level: float = LEVEL
    """Of every interval, two-sided; also the level at which two recipes are called different."""
    at: float | None = None
    """Training FLOPs of a planned run; savings are given there."""
    noise_from: tuple[Side, ...] = ()
    """Recipes whose repeated runs add to the estimate of noise."""
    slope: StatedSlope | LawSlope | None = None
    """Used instead of the slope that the runs themselves show, and where they show none."""
    throughput_ratio: float | None = None
    """Tokens per second of B over those of A on the same machine; where None, from the runs' seconds."""
    price_ratio: float = 1.0
    """Price of an hour of B's machine over that of A's, on the axis `money`."""
    dollars_per_flop: float | None = None
    """Price of A's compute, for the money saved."""
    dollars_per_flop_range: tuple[float, float] | None = None
    """Where it lies for 90 % of whole published runs, or at the two ends of a stated utilization."""
    equal_within: float = EQUAL_WITHIN
    variants: int = 1
    """Variants among which B was the best; its gain is also given without what the choice adds."""
    draws: int = 400
    """Resamples of the runs for the error of the slope."""
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.axis not in ("data", "compute", "time", "money"):
            problems.append(f"axis: expected data, compute, time or money, got {self.axis!r}")
        if not 0.5 <= self.level < 1:
            problems.append(f"level: expected a number from .5 to below 1, got {self.level!r}")
        problems += [
            f"{name}: expected a finite number above zero, got {value!r}"
            for name, value in (
                ("at", self.at),
                ("throughput_ratio", self.throughput_ratio),
                ("price_ratio", self.price_ratio),
                ("dollars_per_flop", self.dollars_per_flop),
                ("equal_within", self.equal_within),
            )
            if value is not None and not 0 < value < float("inf")
        ]
        if self.variants < 1 or self.draws < 50:
            problems.append("variants: expected 1 or more; draws: 50 or more")
        if problems:
            raise InputError.gathered("compare", problems)
