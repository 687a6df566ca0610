"""Loss and learning rate along a run, by the share of its schedule, by which runs of one schedule agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from isoflop.arrays import Array

_WARM = 0.95
KNOTS = np.linspace(0.05, 1.0, 39)
"""Shares of a schedule at which two are compared."""
_OF_SCHEDULE = ("peak_rate", "warmup_share", "rate_shape")
TRAINING = "training"
"""`Curve.measured` of the loss of training batches."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """One loss of one run against training tokens, with the schedule that the run follows to its end."""

    name: str
    tokens: Array
    """Training tokens at each loss; they rise strictly and are above 0; shape (points,)."""
    loss: Array
    """In the unit of the run's log, finite and positive; of training batches or of an evaluation; shape (points,)."""
    schedule_tokens: Array
    """Tokens at which the learning rate is known, from the first to the last of the schedule; shape (rates,)."""
    schedule_rates: Array
    """Learning rates there, planned ones included; finite, not negative; shape (rates,), (0,) where none is known."""
    total_tokens: float
    """Tokens of the whole schedule."""
    counts: Literal["tokens", "steps"] = "tokens"
    """What `tokens`, `schedule_tokens` and `total_tokens` count: steps, where the log tells no tokens."""
    measured: str = TRAINING
    """Name of the evaluation set that `loss` is of, or TRAINING."""
    params: float | None = None
    """Parameters of the model; None where unknown."""
    final: float | None = None
    """The loss that a forecast is about, of a run that ended: of its last evaluation, or the smoothed end of `loss`."""
    final_measured: str = ""
    """Name of the evaluation set that `final` is of, or TRAINING; empty without a `final`."""
    end: float | None = None
    """The smoothed end of `loss` itself, of a run that ended: not `final` where that is of another set."""

    @property
    def share(self) -> Array:
        """Share of the schedule done at each loss; shape (points,)."""
        return self.tokens / self.total_tokens

    @cached_property
    def peak_rate(self) -> float | None:
        """The highest learning rate of the schedule; None where no rate is known."""
        return float(self.schedule_rates.max()) if len(self.schedule_rates) else None

    @property
    def tokens_per_param(self) -> float | None:
        """Of the whole schedule, steps where those are counted; None where the size is unknown."""
        return None if self.params is None else self.total_tokens / self.params

    @cached_property
    def warmup_share(self) -> float:
        """Share of the schedule at which the rate has come to nearly its highest; 0 where no rate is known."""
        peak = self.peak_rate
        if not peak:
            return 0.0
        first = int(np.argmax(self.schedule_rates >= _WARM * peak))
        return float(self.schedule_tokens[first]) / self.total_tokens

    @cached_property
    def rate_shape(self) -> Array:
        """Learning rate over the highest at KNOTS, past the last known one that one; shape (knots,)."""
        return self.rate_at(KNOTS * self.total_tokens) / (self.peak_rate or 1.0)

    def until(self, share: float) -> Curve:
        """The curve as it was when `share` of the schedule was done. Its schedule stays whole: that was planned."""
        kept = self.share <= share * (1 + 1e-9)
        cut = replace(self, tokens=self.tokens[kept], loss=self.loss[kept], final=None, end=None)
        # what was read off the schedule: a run is cut at many shares, and its schedule is compared at each
        vars(cut).update({name: vars(self)[name] for name in _OF_SCHEDULE if name in vars(self)})
        return cut

    def rate_at(self, tokens: Array) -> Array:
        """Learning rate at `tokens`, between the known ones by straight lines; NaN where none is known."""
        if not len(self.schedule_rates):
            return np.full(np.shape(tokens), np.nan)
        return np.interp(tokens, self.schedule_tokens, self.schedule_rates)
