"""Loss and learning rate along a run, by the share of its schedule, on which runs of one schedule are alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """One loss of one run against training tokens, with the schedule that the run follows to its end."""

    name: str
    tokens: Array
    """Training tokens at each loss; they rise strictly; shape (points,)."""
    loss: Array
    """In the unit of the run's log, finite and positive; of training batches or of an evaluation; shape (points,)."""
    schedule_tokens: Array
    """Tokens at which the learning rate is known, from the first to the last of the schedule; shape (rates,)."""
    schedule_rates: Array
    """Learning rates there, planned ones included; finite, not negative; shape (rates,)."""
    total_tokens: float
    """Tokens of the whole schedule."""
    params: float | None = None
    """Parameters of the model; None where unknown."""
    final: float | None = None
    """The loss that a forecast is about, of a run that ended: of its last evaluation, or the smoothed end of `loss`."""

    @property
    def share(self) -> Array:
        """Share of the schedule done at each loss; shape (points,)."""
        return self.tokens / self.total_tokens

    def until(self, share: float) -> Curve:
        """The curve as it was when `share` of the schedule was done. Its schedule stays whole: that was planned."""
        kept = self.share <= share * (1 + 1e-9)
        return replace(self, tokens=self.tokens[kept], loss=self.loss[kept], final=None)

    def rate_at(self, tokens: Array) -> Array:
        """Learning rate at `tokens`, between the known ones by straight lines; shape of `tokens`."""
        return np.interp(tokens, self.schedule_tokens, self.schedule_rates)
