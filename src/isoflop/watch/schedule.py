"""The schedule that a logged run follows to its end: planned, logged, or stated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError
from isoflop.logs.run import LoggedRun
from isoflop.schedule import KINDS, Schedule

_KNOTS = 1025
"""Points of a planned schedule: between two of them a cosine is a straight line to 1e-6 of its peak."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rates:
    """Learning rates along a schedule."""

    tokens: Array
    """Training tokens, or steps, rising strictly; shape (rates,)."""
    rates: Array
    """Learning rates there; shape (rates,), (0,) where none is known."""


NO_RATES = Rates(tokens=np.zeros(0), rates=np.zeros(0))


def planned_rates(run: LoggedRun) -> Rates | None:
    """The whole schedule of a run of our own, as its spec plans it; None for a run of others.

    Raises InputError where a spec is damaged.
    """
    kind = run.settings.get("schedule.kind")
    numbers = [_number(run, name) for name in ("tokens", "warmup_tokens", "peak_lr")]
    final = _number(run, "schedule.final_fraction")
    cooldown = _number(run, "schedule.cooldown_fraction")
    tokens, warmup, peak = numbers
    if kind not in KINDS or tokens is None or warmup is None or peak is None or final is None or cooldown is None:
        return None
    if not 0 <= warmup <= tokens or not tokens > 0:
        raise InputError(f"{run.source}: expected warmup_tokens of 0 to tokens={tokens:,.0f}, got {warmup:,.0f}")
    shape = Schedule(
        kind=next(known for known in KINDS if known == kind), final_fraction=final, cooldown_fraction=cooldown
    )
    at = np.unique(np.concatenate([np.linspace(0.0, tokens, _KNOTS), [warmup, tokens * (1 - cooldown)]]))
    factors = [shape.factor(float(token), tokens=tokens, warmup_tokens=warmup) for token in at]
    return Rates(tokens=at, rates=peak * np.array(factors))


def logged_rates(run: LoggedRun, counts: str) -> Rates:
    """The learning rates that were logged, against tokens or steps; none where the log has none."""
    rate = run.learning_rate
    if rate is None:
        return NO_RATES
    good = np.isfinite(rate.values) & (rate.values >= 0)
    steps, values = rate.steps[good], rate.values[good]
    if counts == "steps" or run.tokens is None:
        return Rates(tokens=steps, rates=values)
    at = tokens_at(run, steps)
    rising = np.flatnonzero(np.diff(np.concatenate([[-np.inf], at])) > 0)
    return Rates(tokens=at[rising], rates=values[rising])


def tokens_at(run: LoggedRun, steps: Array) -> Array:
    """Training tokens at `steps`, of a run whose log has tokens: between and beyond its points by tokens per step."""
    series = run.tokens
    assert series is not None
    inside = np.interp(steps, series.steps, series.values)
    last_step, last = float(series.steps[-1]), float(series.values[-1])
    first_step, first = float(series.steps[0]), float(series.values[0])
    each = (last - first) / (last_step - first_step) if last_step > first_step else last / max(last_step, 1.0)
    above = steps > last_step
    below = steps < first_step
    return np.where(
        above,
        last + (steps - last_step) * each,
        np.where(below, first * steps / first_step if first_step > 0 else first, inside),
    )


def _number(run: LoggedRun, name: str) -> float | None:
    value = run.settings.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
