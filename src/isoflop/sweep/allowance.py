"""What an adaptive sweep may cost at one moment of a study, and the planned run that it leaves room for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from isoflop.laws.bisection import bracket

SWEEP_SHARE = 0.3
"""Most of a study's FLOPs that its sweep takes; the others are those of the planned run and of the larger one. A sweep
should cost little against what it decides; on one machine the final runs are still small."""
FINAL_RATIO = 16.0
"""FLOPs of the planned run over those of the largest run of the sweep, at least."""
SWEEP_TIME = 0.5
"""Share of the time for training that the sweep may take: small runs reach a smaller part of a core's speed, so that
SWEEP_SHARE of the FLOPs take a larger share of the time. In three default studies the sweep took 22
to 29 % of the FLOPs (docs/measured.md)."""
TIME_MARGIN = 1.25
"""By how much the machine may slow down between a decision and the end of the sweep while FINAL_RATIO still holds for
the planned run that then fits into the time."""
ROUNDING = 0.998
"""Final runs are rounded to whole batches, by less than a thousandth: what was stated is not exceeded."""
ROOM = 0.985
"""Of SWEEP_SHARE: what rounding takes from the final runs would otherwise lift the sweep above it."""
LOWEST, HIGHEST = 1e6, 1e24
"""FLOPs between which a planned run is looked for."""


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """The bounds of the next batch. FLOPs are of the `matmul` convention."""

    target_flops: float
    """Of the planned run, if the sweep ended as it is meant to."""
    sweep_flops: float
    """Of the whole sweep, learning-rate check included."""
    largest_run: float
    """Of the largest run of the sweep."""
    worker_seconds: float = math.inf
    """Time that is left for the sweep, of one worker where runs are fastest."""

    def within(self, most_flops: float) -> Allowance:
        """The same with a planned run of at most `most_flops`, and a sweep that is in proportion to it."""
        if self.target_flops <= most_flops:
            return self
        return replace(
            self,
            target_flops=most_flops,
            sweep_flops=min(self.sweep_flops, most_of_sweep(most_flops)),
            largest_run=self.largest_run * most_flops / self.target_flops,
        )


def most_of_sweep(target_flops: float) -> float:
    """FLOPs of the sweep that are SWEEP_SHARE of its own, those of the planned run and those of the larger one."""
    return ROOM * 2 * SWEEP_SHARE / (1 - SWEEP_SHARE) * target_flops


def for_target(target_flops: float) -> Allowance:
    """The planned run is stated."""
    return Allowance(
        target_flops=target_flops,
        sweep_flops=most_of_sweep(target_flops),
        largest_run=target_flops / FINAL_RATIO,
    )


def of_total(flops: float, spent: float) -> Allowance:
    """The FLOPs of the whole study are stated: the final runs share what the sweep, `spent` so far, leaves."""
    most = ROOM * SWEEP_SHARE * flops
    return Allowance(
        target_flops=final_of_total(flops, spent),
        sweep_flops=most,
        largest_run=final_of_total(flops, most) / FINAL_RATIO,
    )


def final_of_total(flops: float, spent: float) -> float:
    """FLOPs of each final run of a study of `flops` whose sweep took `spent`."""
    return ROUNDING * (flops - spent) / 2


def of_time(
    final_seconds: Callable[[float], float], *, left: float, sweep_left: float, at_once: Callable[[float], float]
) -> Allowance:
    """The time of the whole study is stated: `left` seconds for training, `sweep_left` of them for the sweep.

    `final_seconds` is how long both final runs of some FLOPs take at the machine's present pace, `at_once` how many
    runs of some FLOPs are trained in the time of one.
    """
    target = affordable(final_seconds, left - sweep_left)
    return Allowance(
        target_flops=target,
        sweep_flops=most_of_sweep(target),
        largest_run=target / FINAL_RATIO / TIME_MARGIN,
        worker_seconds=max(0.0, sweep_left) * at_once(target / FINAL_RATIO / TIME_MARGIN),
    )


def affordable(final_seconds: Callable[[float], float], seconds: float) -> float:
    """FLOPs of the largest final runs that take at most `seconds`; LOWEST where none does."""
    low, high = math.log(LOWEST), math.log(HIGHEST)
    place = bracket(lambda log: final_seconds(math.exp(float(log))) <= seconds, low, high, tolerance=1e-3)[0]
    return math.exp(float(place))


def readable(tokens: Callable[[float], float], most_tokens: float) -> float:
    """FLOPs of the largest planned run of at most `most_tokens`; `tokens` are those of one of some FLOPs."""
    if math.isinf(most_tokens):
        return math.inf
    low, high = math.log(LOWEST), math.log(HIGHEST)
    place = bracket(lambda log: tokens(math.exp(float(log))) <= most_tokens, low, high, tolerance=1e-3)[0]
    return math.exp(float(place))


def rounded_down(flops: float) -> float:
    """`flops` to three digits, for people: never more.

    >>> rounded_down(1.2399e12)
    1230000000000.0
    """
    step = 10.0 ** (math.floor(math.log10(flops)) - 2)
    return float(f"{math.floor(flops / step * (1 + 1e-12)) * step:.3g}")
