"""The learning rate as a pure function of the token. Drawn and tested without PyTorch.

>>> cosine = Schedule(kind="cosine", final_fraction=0.1)
>>> [round(cosine.factor(t, tokens=1000, warmup_tokens=100), 3) for t in (0, 50, 100, 550, 1000)]
[0.0, 0.5, 1.0, 0.55, 0.1]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from isoflop.errors import InputError

Kind = Literal["cosine", "wsd", "constant"]
KINDS: tuple[Kind, ...] = ("cosine", "wsd", "constant")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Linear warm-up, then one of three shapes. Ends at the run's own token count, always."""

    kind: Kind = "cosine"
    """`cosine` (Hoffmann et al. 2022, App. B), `constant`, or `wsd`: constant, then 1 - sqrt (Hagele et al. 2024)."""
    final_fraction: float = 0.1
    """Learning rate at the last token over the peak: 0.1 in Hoffmann et al. 2022; 0 is a full decay."""
    cooldown_fraction: float = 0.2
    """Share of the tokens that the cooldown of `wsd` takes (Hagele et al. 2024)."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"schedule: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        if not 0 <= self.final_fraction <= 1 or not 0 < self.cooldown_fraction <= 1:
            raise InputError("schedule: expected final_fraction in [0, 1] and cooldown_fraction in (0, 1]")

    def factor(self, token: float, *, tokens: float, warmup_tokens: float) -> float:
        """Learning rate over peak at `token` of a run of `tokens` tokens."""
        if token < warmup_tokens:
            return token / warmup_tokens
        if self.kind == "constant":
            return 1.0
        if self.kind == "cosine":
            progress = min(1.0, (token - warmup_tokens) / max(tokens - warmup_tokens, 1))
            return self.final_fraction + (1 - self.final_fraction) * 0.5 * (1 + math.cos(math.pi * progress))
        start = self.steady_until(tokens=tokens, warmup_tokens=warmup_tokens)
        if token <= start:
            return 1.0
        progress = (token - start) / (max(tokens, token) - start)
        return 1 - (1 - self.final_fraction) * math.sqrt(progress)

    def steady_until(self, *, tokens: float, warmup_tokens: float) -> float:
        """The token up to which the factor is that of every longer run with the same warm-up.

        >>> Schedule(kind="wsd", cooldown_fraction=0.2).steady_until(tokens=1000, warmup_tokens=100)
        800.0
        """
        if self.kind == "constant":
            return tokens
        if self.kind == "cosine":
            return warmup_tokens
        # After the warm-up at the earliest: a cooldown already under way would begin with a jump.
        return max(tokens * (1 - self.cooldown_fraction), warmup_tokens)
