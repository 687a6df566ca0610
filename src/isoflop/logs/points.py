"""From the lines of a log, in the order they were written, to points whose steps rise: restarts, copies, late lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels, Mask
from isoflop.logs.run import Series

_BACKWARDS = 0.9  # share of the steps of a log that fall, from which its newest line stands first


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """The values of one quantity, in the order of the log."""

    rows: Labels
    """Line of the log of each value, rising; (points,)."""
    values: Array
    """(points,)."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class Order:
    """What the steps of a log say about the order of its lines."""

    backwards: bool
    """Whether the newest line stands first."""
    restarts: int
    """How often the step went back and the run went on from there."""
    superseded: Mask
    """True for lines that a restart has replaced; (lines,)."""


def order_of(steps: Array, leading: Labels) -> Order:
    """The order of the lines of a log with `steps`, (lines,), NaN where a line has none.

    `leading` are the lines of the quantity that is logged most often: a step that goes back there is a restart, which
    replaces every line with that step or a later one before it. Elsewhere it is a line that was written late.
    """
    superseded = np.zeros(len(steps), dtype=bool)
    lines = leading[np.isfinite(steps[leading])]
    along = steps[lines]
    change = np.diff(along)
    if len(change) > 1 and np.mean(change < 0) > _BACKWARDS:
        return Order(backwards=True, restarts=0, superseded=superseded)
    highest = np.maximum.accumulate(along) if len(along) else along
    back = np.flatnonzero(along[1:] < highest[:-1]) + 1
    # after a rewind the lines up to the old height also lie below it: a restart begins where the step itself falls
    starts = back[change[back - 1] < 0]
    if len(starts):
        # the lowest step that a restart after each line goes back to: from there on the line is replaced
        back_to = np.full(len(steps) + 1, np.inf)
        for start in starts.tolist():
            first = _first_line_after(steps, int(lines[start - 1]), int(lines[start]))
            back_to[first] = min(back_to[first], along[start])
        superseded = steps >= np.minimum.accumulate(back_to[::-1])[::-1][1:]
    return Order(backwards=False, restarts=len(starts), superseded=superseded)


def _first_line_after(steps: Array, last: int, restarted: int) -> int:
    """The line with which a restart begins, of those after the `last` before it and up to `restarted`, the first of the
    leading quantity after it: a trainer may evaluate at the checkpoint's step before it trains.
    """
    between = steps[last + 1 : restarted]
    evaluated = np.flatnonzero((between >= steps[restarted]) & (between < steps[last]))
    return last + 1 + int(evaluated[0]) if len(evaluated) else restarted


def series_of(points: Points, steps: Array, order: Order) -> tuple[Series | None, int]:
    """(the points by rising steps, how many copies of a step were left out); None where no point remains.

    Of several points at one step the one that was written last stays.
    """
    rows, values = points.rows, points.values
    keep = np.isfinite(steps[rows]) & ~order.superseded[rows]
    rows, values = rows[keep], values[keep]
    if order.backwards:
        rows, values = rows[::-1], values[::-1]
    along = steps[rows]
    if len(along) > 1 and np.any(np.diff(along) <= 0):
        by_step = np.argsort(along, kind="stable")
        along, values = along[by_step], values[by_step]
        last = np.append(np.diff(along) > 0, True)
        copies = int(len(along) - last.sum())
        along, values = along[last], values[last]
    else:
        copies = 0
    return (Series(steps=along, values=values) if len(along) else None), copies
