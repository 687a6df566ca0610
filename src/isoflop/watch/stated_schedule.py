"""What the log of a run under way lacks about its schedule: as stated, or as in its finished runs, and then said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.logs.run import LoggedRun, Series
from isoflop.schedule import Schedule
from isoflop.units import format_number, format_quantity
from isoflop.watch.options import WatchOptions
from isoflop.watch.schedule import planned_rates, tokens_at

_KNOTS = 513
_SAME_RATIO, _SAME_LENGTH = 1.05, 1.02
"""Largest over smallest tokens per parameter, and steps, that count as one length."""


@dataclass(frozen=True, kw_only=True)
class StatedSchedule:
    """The shape of the learning rate of a run and of its finished runs, as a person states it."""

    shape: Schedule
    warmup_share: float = 0.01
    """Share of the schedule that the warm-up takes."""

    def __post_init__(self) -> None:
        if not 0 <= self.warmup_share < 1:
            raise InputError(f"warm-up: expected a share of the schedule from 0 to below 1, got {self.warmup_share!r}")

    def rates(self, steps: float, peak: float) -> Series:
        """The learning rate by step over a schedule of `steps`."""
        warmup = self.warmup_share * steps
        at = np.unique(np.concatenate([np.linspace(0.0, steps, _KNOTS), [warmup]]))
        factors = [self.shape.factor(float(step), tokens=steps, warmup_tokens=warmup) for step in at]
        return Series(steps=at, values=peak * np.array(factors))


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A run and the finished ones, with what their logs lacked."""

    run: LoggedRun
    like: tuple[LoggedRun, ...]
    options: WatchOptions
    notices: tuple[Notice, ...] = ()


def completed(
    run: LoggedRun,
    like: Sequence[LoggedRun],
    options: WatchOptions,
    stated: StatedSchedule | None = None,
    total_steps: float | None = None,
    forecast_tokens: float | None = None,
) -> Completed:
    """The run with the length of its schedule, and with learning rates to its end, as far as they can be had.

    `total_steps` are the steps of the whole schedule, where these are stated and not its tokens; `forecast_tokens` its
    tokens as a forecast has them. A length that nothing states is that of the finished runs where these have one:
    tokens per parameter, or steps. Rates that a log lacks are as `stated`; else those of a finished run, by shares.
    """
    if total_steps is not None:
        run = replace(run, planned_steps=total_steps)
    if forecast_tokens is not None and run.tokens is not None and _length_is_unknown(run, options):
        options = replace(options, total_tokens=forecast_tokens)
    notices: list[Notice] = []
    finished = [other for other in like if other is not run and other.ended is not False and not other.failure]
    if _length_is_unknown(run, options):
        run, options, about = _with_length(run, finished, options)
        notices += about
    if stated is not None:
        with_rates = tuple(other if _knows_rates(other) else _with_rates(other, stated) for other in like)
        return Completed(
            run=_with_rates(run, stated, options), like=with_rates, options=options, notices=tuple(notices)
        )
    if run.learning_rate is None and planned_rates(run) is None:
        run, about = _with_rates_of(run, finished, options)
        notices += about
    return Completed(run=run, like=tuple(like), options=options, notices=tuple(notices))


def _length_is_unknown(run: LoggedRun, options: WatchOptions) -> bool:
    known = options.total_tokens is not None or run.planned_steps is not None or planned_rates(run) is not None
    return not known and run.ended is not True


def _with_length(
    run: LoggedRun, finished: Sequence[LoggedRun], options: WatchOptions
) -> tuple[LoggedRun, WatchOptions, list[Notice]]:
    """The run with a length as its finished runs have it; as it was where these have none in common."""
    ratios = [ends / other.params for other in finished if (ends := _last_tokens(other)) and other.params]
    if run.params and run.tokens is not None and len(ratios) == len(finished) > 0 and _alike(ratios, _SAME_RATIO):
        ratio = float(np.exp(np.mean(np.log(ratios))))
        total = ratio * run.params
        text = (
            f"the log does not tell how long the schedule is: {format_quantity(total)} tokens are assumed, "
            f"{format_number(ratio)} tokens per parameter as in the finished runs; --total-tokens states it"
        )
        return run, replace(options, total_tokens=total), [Notice(code="schedule_length_inferred", message=text)]
    lengths = [_last_step(other) for other in finished]
    sizes = {other.params for other in finished if other.params}
    if lengths and len(sizes) < 2 and run.progress == "steps" and _alike(lengths, _SAME_LENGTH):
        steps = max(lengths)
        if _last_step(run) <= steps:
            text = (
                f"the log does not tell how long the schedule is: {format_number(steps, 6)} steps are assumed, as in "
                "the finished runs; --total-steps states it"
            )
            notice = Notice(code="schedule_length_inferred", message=text)
            return replace(run, planned_steps=steps), options, [notice]
    return run, options, []


def _with_rates(run: LoggedRun, stated: StatedSchedule, options: WatchOptions | None = None) -> LoggedRun:
    """The run with the rates of `stated` to its end, under the highest rate that was logged, or 1."""
    steps = _total_steps(run, options)
    if steps is None or not steps > 0:
        return run
    peak = 1.0
    if run.learning_rate is not None and np.isfinite(run.learning_rate.values).any():
        peak = float(np.nanmax(run.learning_rate.values)) or 1.0
    return replace(run, learning_rate=stated.rates(steps, peak))


def _with_rates_of(
    run: LoggedRun, finished: Sequence[LoggedRun], options: WatchOptions
) -> tuple[LoggedRun, list[Notice]]:
    """The run with the rates of the finished run that is nearest in size, by shares of the schedule."""
    known = [other for other in finished if _knows_rates(other)]
    steps = _total_steps(run, options)
    if not known or steps is None:
        text = (
            "the log has no learning rates: its schedule is taken to be that of the finished runs; --schedule states it"
        )
        return run, [Notice(code="schedule_not_known", message=text)]
    near = min(known, key=lambda other: abs(math.log((other.params or 1.0) / (run.params or 1.0))))
    rates = _own_rates(near)
    last = max(float(rates.steps[-1]), _last_step(near))
    text = f"the log has no learning rates: those of {near.name} are assumed, by shares; --schedule states the schedule"
    series = Series(steps=rates.steps / last * steps, values=rates.values)
    return replace(run, learning_rate=series), [Notice(code="schedule_inferred", message=text)]


def _own_rates(run: LoggedRun) -> Series:
    """The learning rates of a run by step: of our own as planned, of others as logged."""
    planned = planned_rates(run)
    if planned is not None and run.tokens is not None and run.tokens.values[-1] > 0:
        each = float(run.tokens.values[-1]) / float(run.tokens.steps[-1])
        return Series(steps=planned.tokens / each, values=planned.rates)
    assert run.learning_rate is not None
    return run.learning_rate


def _knows_rates(run: LoggedRun) -> bool:
    return run.learning_rate is not None or (planned_rates(run) is not None and run.tokens is not None)


def _total_steps(run: LoggedRun, options: WatchOptions | None) -> float | None:
    """Steps of the whole schedule; of a finished run (without `options`) those to its end."""
    if options is None:
        return max(run.planned_steps or 0.0, _last_step(run))
    if options.total_tokens is not None and run.tokens is not None:
        end = np.array([_last_step(run)])
        seen = float(tokens_at(run, end)[0])
        return options.total_tokens * float(end[0]) / seen if seen > 0 else None
    return options.total_tokens if run.progress == "tokens" else run.planned_steps


def _last_tokens(run: LoggedRun) -> float | None:
    return None if run.tokens is None else float(tokens_at(run, np.array([_last_step(run)]))[0])


def _last_step(run: LoggedRun) -> float:
    series = [found for found in (run.training, *run.evaluations.values()) if found is not None]
    return max((float(found.steps[-1]) for found in series), default=0.0)


def _alike(values: Sequence[float], most: float) -> bool:
    return min(values) > 0 and max(values) <= most * min(values)
