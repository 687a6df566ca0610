"""What a sweep may spend, and where it may look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from isoflop.errors import InputError
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.size.bend import FORM_ERROR

BATCH = 4
"""Runs a decision (methods: "refit after each batch of 4"); as many as workers train at once is a good other choice."""
RATIOS = (3.0, 500.0)
"""Tokens per parameter between which laws of these forms hold: those of public sweeps, less the five rows of Hoffmann
et al. 2022, Figure 4 with the least, which move their fit by a third."""

WIDTH = 4.0
"""Factor in N about the best size within which runs are chosen: wide enough that the variance falls (methods of isoFLOP
sweeps: +-2/4/8x give .172/.088/.061 of ln N_opt), and no wider, since a wrong form shows as a lean there."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds of one decision."""

    tolerance: float = 0.01
    """Expected waste of the planned run, as a share of its FLOPs, at which the sweep is done."""
    largest_run: float = math.inf
    """FLOPs of the largest run of the sweep, counted as `Candidate.law_flops`."""
    flops: float = math.inf
    """FLOPs that the whole sweep may spend, what it spent already included."""
    seconds: float = math.inf
    """Time of one worker that is left: candidates' seconds are summed."""
    batch: int = BATCH
    """Runs chosen at once, at the most."""
    workers: int = 1
    """Runs that are trained at the same time. Where time is what runs out, more than `batch` runs are chosen as long as
    they end while the longest of the batch is still running."""
    tokens_per_param: tuple[float, float] = RATIOS
    """Lowest and highest D / N, in the convention of the fits."""
    width: float = WIDTH
    """Factor by which N may lie above or below the best size of its compute, as the rows so far put it."""
    must_pay: bool = True
    """Whether the sweep ends where the next batch costs more FLOPs than it saves, above the tolerance or not."""
    measure: Literal["flops", "seconds"] = "flops"
    """What a run costs when runs are compared: FLOPs, or its time where that is what runs out."""
    bend: Bend | None = None
    """Prior of the frontier's bend; None: that of public sets at this compute (fit/size/bend.py)."""
    form_error: float = FORM_ERROR
    """Error of form in ln N_opt for a factor e beyond the rows, as the size forecast states it."""

    def __post_init__(self) -> None:
        if not (self.tolerance > 0 and min(self.batch, self.workers) >= 1 and self.largest_run > 0 and self.width > 1):
            raise InputError(
                "limits: expected tolerance, largest run, batch and workers above zero, and a width above 1"
            )
        if not 0 < self.tokens_per_param[0] < self.tokens_per_param[1]:
            raise InputError(
                f"limits: expected two ascending ratios of tokens to parameters, got {self.tokens_per_param}"
            )
