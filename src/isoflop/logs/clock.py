"""Seconds of training by each step, from what a log says of time: a running count, the time of a step, or timestamps.

Time in which no new step was taken is not training: the gap before a restart, and the steps that it repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.errors import Notice
from isoflop.logs.points import Order, Points, series_of
from isoflop.logs.run import Series
from isoflop.units import format_number

_PAUSE = 3.0
"""Times the usual time of a step from which on an interval between two timestamps holds a pause: an evaluation, a
checkpoint, a queue."""
_WINDOW = 5
"""Sampled steps of which the median is the time of a step there: one that compiles or evaluates takes far longer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """Times that a log states, apart from its quantities."""

    stamps: Points
    """Seconds since some epoch at which a line was written."""
    step_seconds: Points
    """Seconds of one step."""
    sampled: bool = False
    """Whether `step_seconds` are of one step each, else the mean since the line before."""


def seconds_of(
    counted: Series | None, clock: Clock | None, steps: Array, order: Order
) -> tuple[Series | None, list[Notice]]:
    """(seconds of training by each step, notices); None where the log does not tell.

    `counted` is a running count as logged, which is taken before the time of a step, and that before timestamps.
    `steps` (lines,) are those of the log's lines.
    """
    if counted is not None:
        return _through_restarts(counted), []
    if clock is None:
        return None, []
    each, _ = series_of(clock.step_seconds, steps, order)
    if each is not None and np.all(np.isfinite(each.values)) and np.all(each.values >= 0) and each.values.max() > 0:
        return _summed(each, clock.sampled), []
    return _between_stamps(clock.stamps, steps, order)


def _through_restarts(counted: Series) -> Series:
    """The count, going on where a restarted process has begun it again."""
    values = counted.values
    fell = np.append(False, np.diff(values) < 0)
    before = np.where(fell, np.append(0.0, values[:-1]), 0.0)
    return Series(steps=counted.steps, values=values + np.cumsum(before))


def _summed(each: Series, sampled: bool) -> Series:
    """Steps times the seconds of a step since the point before; the first point speaks for all steps before it."""
    values = _medians(each.values) if sampled else each.values
    return Series(steps=each.steps, values=np.cumsum(np.diff(each.steps, prepend=0.0) * values))


def _medians(values: Array) -> Array:
    """Of each value and its neighbours, (points,); of fewer values than a window that of all."""
    if len(values) <= _WINDOW:
        return np.full(len(values), float(np.median(values)))
    around = np.lib.stride_tricks.sliding_window_view(np.pad(values, _WINDOW // 2, mode="reflect"), _WINDOW)
    return np.asarray(np.median(around, axis=1))


def _between_stamps(stamps: Points, steps: Array, order: Order) -> tuple[Series | None, list[Notice]]:
    """The time between the lines of a step and of the next one, without pauses.

    What comes before the first line is counted at the usual time of a step, as are intervals with a pause.
    """
    found, _ = series_of(stamps, steps, order)
    if found is None or len(found) < 2:
        return None, []
    spent, taken = np.diff(found.values), np.diff(found.steps)
    restarted = _restarted(found, stamps, steps, order)
    usable = ~restarted & (spent >= 0)
    if not np.all(np.isfinite(spent)) or not usable.any() or not spent[usable].any():
        return None, []
    rates = spent / taken
    # Stamps of whole seconds may stand still for most lines: the mean serves then.
    usual = float(np.median(rates[usable])) or float(spent[usable].sum() / taken[usable].sum())
    paused = ~usable | (rates > _PAUSE * usual)
    training = np.where(paused, usual * taken, spent)
    first = usual * max(0.0, float(found.steps[0]))
    series = Series(steps=found.steps, values=first + np.append(0.0, np.cumsum(training)))
    return (series if series.values[-1] > 0 else None), _about_pauses(spent, training, paused)


def _restarted(found: Series, stamps: Points, steps: Array, order: Order) -> Mask:
    """Whether lines that a restart has replaced lie between two points, (points - 1,)."""
    replaced = order.superseded[stamps.rows]
    if not replaced.any():
        return np.zeros(len(found) - 1, dtype=bool)
    kept = stamps.rows[~replaced]
    line_of = dict(zip(steps[kept].tolist(), kept.tolist(), strict=True))
    lines = np.array([line_of[step] for step in found.steps.tolist()])
    before = np.cumsum(order.superseded)
    return np.asarray(before[lines[1:]] > before[lines[:-1]])


def _about_pauses(spent: Array, training: Array, paused: Mask) -> list[Notice]:
    if not paused.any():
        return []
    lost = float(np.sum(np.maximum(spent - training, 0)))
    count = int(paused.sum())
    text = (
        f"{count} pause{'s' if count > 1 else ''} between lines of the log (evaluations, checkpoints, restarts), "
        f"{format_number(lost, 3)} s in all, {'are' if count > 1 else 'is'} no time of training"
    )
    return [Notice(code="pauses_left_out", message=text)]
