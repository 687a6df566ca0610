"""What ending a run now, or training on, would give: for schedules that stay at their peak until a decay at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from isoflop.plan.cluster import Cluster
from isoflop.units import format_number
from isoflop.watch.combination import Combined, combine
from isoflop.watch.curve import Curve
from isoflop.watch.errors import PastErrors, past_errors
from isoflop.watch.law_method import ANNEALING, MULTI_POWER
from isoflop.watch.method import estimate_by
from isoflop.watch.ratio import EARLIEST

MULTIPLES = (1.5, 2.0)
"""Lengths of the whole run over the planned one."""
_AT_PEAK = 0.98
"""Rate over peak from which a run still is on the part of its schedule that can be made longer."""
_DECAY = 0.2
"""Share of a run that its decay takes where no decay is planned (Hagele et al. 2024)."""
_KNOTS = 65
_LAWS = (ANNEALING, MULTI_POWER)
FLOPS_CONVENTION = "six_n"
"""Of every number of FLOPs here: 6 N D."""


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """One way to end a run."""

    name: str
    """`decay_now`, `as_planned`, or such as `1.5x`."""
    total_tokens: float
    """Tokens (steps, where the log counts those) at its end."""
    predicted_final: float
    """In the unit of the run's losses."""
    interval: tuple[float, float]
    flops: float | None
    """6 N D of what is still to be trained; None where the size is unknown, or steps are counted."""
    price: float | None
    """Of these on the devices; None where none are given, or no price is known."""
    price_range: tuple[float, float] | None = None
    """Of the price, for 90 % of whole published runs, or at the two ends of a stated utilization."""
    hours: float | None = None
    """Wall-clock hours of these on all devices; None where none are given."""
    hours_range: tuple[float, float] | None = None
    """Of the hours, as of the price."""


def what_if(
    run: Curve,
    like: Sequence[Curve],
    *,
    level: float,
    decay: float | None = None,
    multiples: Sequence[float] = MULTIPLES,
    cluster: Cluster | None = None,
) -> tuple[WhatIf, ...]:
    """Ends of `run` by the laws of its finished runs `like`: a decay from now on, as planned, multiples of its length.

    `decay` is the length of the decay in the unit of the run's tokens; without one, as long as planned, or a fifth of
    the run. Intervals are those of the laws' errors on finished runs at the present share. Empty where the rate already
    falls, or the laws say nothing. Raises ValueError for a decay or a multiple that is not above zero.
    """
    if (decay is not None and not decay > 0) or not all(multiple > 0 for multiple in multiples):
        raise ValueError("expected a decay and multiples above zero")
    now = float(run.tokens[-1]) if len(run.tokens) else 0.0
    peak = run.peak_rate
    if run.final is not None or now < EARLIEST * run.total_tokens or not peak:
        return ()
    if float(run.rate_at(np.array([now]))[0]) < _AT_PEAK * peak:
        return ()
    length = decay or _planned_decay(run)
    ways = {"decay_now": _ended(run, now, length or _DECAY / (1 - _DECAY) * now), "as_planned": run}
    for multiple in multiples:
        total = multiple * run.total_tokens
        start = total - (length or _DECAY * total)
        if start > now:
            ways[f"{format_number(multiple)}x"] = _ended(run, start, total - start)
    past = {method.name: past_errors(method, run, like, float(run.share[-1])) for method in _LAWS}
    found = ((name, way, _combined(way, like, past, level)) for name, way in ways.items())
    return tuple(_way(name, run, way, end, cluster) for name, way, end in found if end is not None)


def _combined(way: Curve, like: Sequence[Curve], past: Mapping[str, PastErrors], level: float) -> Combined | None:
    estimates = {law.name: found for law in _LAWS if (found := estimate_by(law, way, like)) is not None}
    return combine(estimates, past, level) if estimates else None


def _way(name: str, run: Curve, way: Curve, end: Combined, cluster: Cluster | None) -> WhatIf:
    left = way.total_tokens - float(run.tokens[-1])
    flops = None if run.params is None or run.counts == "steps" else 6 * run.params * left
    cost = None if flops is None or cluster is None else cluster.estimate_cost(flops, FLOPS_CONVENTION)
    return WhatIf(
        name=name,
        total_tokens=way.total_tokens,
        predicted_final=end.predicted_final,
        interval=end.interval,
        flops=flops,
        price=None if cost is None else cost.price,
        price_range=None if cost is None else cost.price_range,
        hours=None if cost is None else cost.hours,
        hours_range=None if cost is None else cost.hours_range,
    )


def _planned_decay(run: Curve) -> float | None:
    """How long the rate falls at the end of the schedule; None where it does not."""
    below = np.flatnonzero(run.schedule_rates < _AT_PEAK * float(run.schedule_rates.max()))
    after = below[below > int(np.argmax(run.schedule_rates))]
    return run.total_tokens - float(run.schedule_tokens[after[0] - 1]) if len(after) else None


def _ended(run: Curve, start: float, length: float) -> Curve:
    """The run at its peak until `start`, then with 1 - sqrt down to where its schedule ends, or to zero."""
    peak = run.peak_rate or 0.0
    planned = float(run.schedule_rates[-1]) / peak
    last = planned if planned < _AT_PEAK else 0.0
    progress = np.linspace(0, 1, _KNOTS)[1:] ** 2
    kept = (run.schedule_tokens < start) & (run.schedule_tokens <= float(run.tokens[-1]))
    tokens = np.concatenate([run.schedule_tokens[kept], [start], start + length * progress])
    falling = peak * (1 - (1 - last) * np.sqrt(progress))
    rates = np.concatenate([run.schedule_rates[kept], [peak], falling])
    return replace(run, schedule_tokens=tokens, schedule_rates=rates, total_tokens=start + length)
