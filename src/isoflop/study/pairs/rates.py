"""Each side at its own best learning rate: three rates at the cheapest cell, more while the best is an outer one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.sweep.designs import LR_FACTORS
from isoflop.units import format_number

STEP = 2.0
"""Between two rates of the check: 1.6 times the best costs .2 to 1.3 % (`SmallRecipe.reference_lr`), so that the curve
shows above the noise, and a rate within half a step of the best costs less than the noise."""
FURTHER = 3
"""Rates tried at the most beyond the first three, while the best is an outer one: a new optimiser may be far off."""


@dataclass(frozen=True, kw_only=True)
class RateCheck:
    """The losses of one side at several learning rates."""

    losses: Mapping[float, float | None]
    """{factor on the recipe's peak rate: nats per token; None where the run diverged}, ascending; empty where the side
    was not checked."""

    @property
    def best(self) -> float:
        """The factor of the least loss, the recipe's own of equal ones; 1 where no run ended well."""
        ended = {factor: loss for factor, loss in self.losses.items() if loss is not None}
        if not ended:
            return 1.0
        return min(ended, key=lambda factor: (ended[factor], abs(math.log(factor))))

    @property
    def next_factor(self) -> float | None:
        """The next rate to try; None once the best lies between two others, or FURTHER more were tried.

        >>> RateCheck(losses={0.5: 2.1, 1.0: 2.0, 2.0: 1.9}).next_factor
        4.0
        >>> RateCheck(losses={0.5: 2.1, 1.0: 2.0, 2.0: 2.1}).next_factor is None
        True
        >>> RateCheck(losses={0.5: None, 1.0: None, 2.0: None}).next_factor
        0.25
        """
        if not self.losses or len(self.losses) >= len(LR_FACTORS) + FURTHER:
            return None
        if all(loss is None for loss in self.losses.values()):
            return min(self.losses) / STEP
        if self.best == max(self.losses):
            return self.best * STEP
        return self.best / STEP if self.best == min(self.losses) else None

    @property
    def diverged(self) -> bool:
        """Whether no rate that was tried led to a loss."""
        return bool(self.losses) and all(loss is None for loss in self.losses.values())

    @property
    def bracketed(self) -> bool:
        """Whether worse rates were tried on both sides of the best."""
        return bool(self.losses) and min(self.losses) < self.best < max(self.losses)

    def words(self) -> str:
        """The result, in words.

        >>> RateCheck(losses={0.5: 2.0, 1.0: 1.9, 2.0: 2.0}).words()
        "the recipe's rate, the best of 3"
        >>> RateCheck(losses={0.5: 2.1, 1.0: 2.0, 2.0: 1.9, 4.0: 2.0}).words()
        "2 times the recipe's rate, the best of 4"
        """
        if not self.losses:
            return "the recipe's rate, not checked"
        if self.diverged:
            return f"none: it diverged at all of {len(self.losses)} rates"
        times = "the recipe's rate" if self.best == 1 else f"{format_number(self.best)} times the recipe's rate"
        outer = "" if self.bracketed else ", which is an outer one: a better rate may lie beyond"
        return f"{times}, the best of {len(self.losses)}{outer}"
