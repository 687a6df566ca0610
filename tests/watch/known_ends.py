"""Finished runs as if they were under way: each held against others, and its forecast against what it ended with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.logs import LoggedRun
from isoflop.watch import METHODS, Curve, Method, WatchOptions
from isoflop.watch.curves import read_curves
from isoflop.watch.final_loss import forecast_end

LADDER_SIZES = {"190M-*": 190_354_176, "370M-*": 371_262_464, "760M-*": 758_220_288, "1B-*": 1_279_395_840}
"""Parameters of the published ladder as its source counts them."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One forecast of a final loss against what came."""

    run: str
    error: float
    """ln(predicted / final)."""
    half: float
    """Half the width of the interval, in ln(loss)."""
    ratio_weight: float
    """Of the ratio method in the forecast; 0 where it says nothing."""

    @property
    def held(self) -> bool:
        """Whether the interval holds the final loss."""
        return abs(self.error) <= self.half


def finished_curves(runs: Sequence[LoggedRun], loss: str | None = None) -> list[Curve]:
    """The curves of the runs that came to their end, of one loss."""
    ended = [run for run in runs if run.ended is not False and not run.failure]
    found = read_curves(ended[0], ended[1:], WatchOptions(loss=loss, as_of=1.0))
    return [found.run, *found.like]


def smaller(run: Curve, curves: Iterable[Curve]) -> list[Curve]:
    """The finished runs that are smaller than one."""
    return [other for other in curves if other.params and run.params and other.params < 0.97 * run.params]


def all_others(run: Curve, curves: Iterable[Curve]) -> list[Curve]:
    """All finished runs but one."""
    return [other for other in curves if other is not run]


def outcomes(
    curves: Sequence[Curve],
    share: float,
    *,
    like: Callable[[Curve, Sequence[Curve]], list[Curve]] = smaller,
    methods: Sequence[Method] = METHODS,
    level: float = 0.9,
    of: Sequence[Curve] | None = None,
) -> list[Outcome]:
    """What became of the forecasts at `share` of those runs (all, or `of`) about which the methods say anything."""
    found = []
    for run in curves if of is None else of:
        answer = forecast_end(run.until(share), like(run, curves), methods, level)
        if answer is not None and run.final is not None:
            low, high = np.log(answer.interval)
            error = float(np.log(answer.predicted_final / run.final))
            found.append(
                Outcome(
                    run=run.name, error=error, half=float(high - low) / 2, ratio_weight=answer.weights.get("ratio", 0.0)
                )
            )
    return found
