"""A run as its log tells it: what was set, and the losses that were measured on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from isoflop.arrays import Array
from isoflop.errors import Notice

Setting = str | float | bool | None
"""A value of a run's configuration; nested ones are flattened, `optimizer.lr`."""

Progress = Literal["steps", "tokens", "rows"]
"""What `Series.steps` counts: optimiser steps; training tokens, where a log has no steps; rows, without either."""
_WHOLE = 1e15  # beyond it a float may stand for several whole numbers


def setting_text(value: Setting) -> str:
    """A setting as people type it: whole numbers without a point, whatever a table made of them.

    >>> setting_text(3375.0), setting_text(0.0003), setting_text("muon")
    ('3375', '0.0003', 'muon')
    """
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE
    return str(int(value)) if whole and value is not None else str(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One quantity along a run, by optimiser step; steps rise strictly, for a restart has replaced what it repeats."""

    steps: Array
    """Optimiser steps done when each value was taken, or what `LoggedRun.progress` says; shape (points,), no NaN."""
    values: Array
    """Finite, infinite or NaN, as logged; shape (points,)."""

    def __len__(self) -> int:
        return len(self.steps)

    def at(self, step: float) -> float | None:
        """The value at `step` itself; None where none was taken there."""
        found = (self.steps == step).nonzero()[0]
        return float(self.values[found[0]]) if len(found) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class LoggedRun:
    """One training run, read from a log of any kind. What the log does not tell is None or empty, never a guess."""

    name: str
    """Name in its source; unique among the runs that one call of `read_logs` returns."""
    source: str
    """The file or folder, and the kind of log, for messages."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """Configuration as logged, flattened; names of recipes, data sets and groups among it."""
    params: float | None = None
    """Model parameters, in `params_convention`."""
    params_convention: str | None = None
    """One of `arch.PARAMS_CONVENTIONS`; None where the log does not tell."""
    tokens: Series | None = None
    """Training tokens seen by each step, where they are logged or follow from the tokens of a step."""
    learning_rate: Series | None = None
    """Of the hidden matrices, or the only one."""
    training: Series | None = None
    """Training loss, in `loss_unit`."""
    evaluations: Mapping[str, Series] = field(default_factory=dict)
    """{evaluation set: its loss}, in `loss_unit`; final losses are the last points of a run that ended. A loss of which
    the log does not say on what text it was measured is under `loss`."""
    loss_unit: str = "nats_per_token"
    """One of `observations.LOSS_UNITS`; perplexities and bits per token have become nats per token."""
    progress: Progress = "steps"
    """What the steps of all series count."""
    planned_steps: float | None = None
    """Length of the schedule in steps; None where unknown."""
    ended: bool | None = None
    """Whether the run came to the end of its schedule; None where the log does not tell."""
    failure: str = ""
    """Why it ended early: diverged, crashed; empty when it did not, or when unknown."""
    flops: Series | None = None
    """Training FLOPs spent by each step, where they are logged."""
    flops_convention: str | None = None
    """One of `arch.FLOPS_CONVENTIONS`; None where the log does not tell."""
    seconds: Series | None = None
    """Wall-clock seconds of training by each step, where they are logged."""
    notices: tuple[Notice, ...] = ()
    """What looked odd, and what was done about it."""
