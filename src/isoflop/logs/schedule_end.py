"""Whether a run came to the end of its schedule, as its log tells: planned length, learning rate, losses."""

from __future__ import annotations

import numpy as np

from isoflop.errors import Notice
from isoflop.logs.losses import Losses
from isoflop.logs.run import Series
from isoflop.units import format_number

_REACHED = 0.99
"""Share of the planned steps: many loggers write every hundredth step, or count the last one as N - 1."""
_LOW = 0.15
"""Share of the highest rate at or below which schedules end: 0 or a tenth of it, rarely more."""
_STILL_FALLING = 0.01
"""Fall of the rate over the last 5 % of the steps, as a share of the highest: .004 at the end of a cosine to 30 % of
it, .08 half-way down one."""
_LAST_PART = 0.05
_FEWEST = 8
"""Points of the rate from which a last fall is distinguished from one step of a rate that falls in steps."""


def came_to_end(
    losses: Losses,
    rate: Series | None,
    last: float | None,
    planned: float | None,
    ended: bool | None,
    failure: str,
) -> tuple[bool | None, str, list[Notice]]:
    """(whether the run ended its schedule, why it failed, notices); None where nothing tells.

    `last` is the last step with a loss. What a format knows (`ended`, `failure`) is believed, but for a loss that is
    not finite at the end.
    """
    series = [item for item in (losses.training, *losses.evaluations.values()) if item is not None]
    broken = [item for item in series if not np.isfinite(item.values[-1])]
    if broken:
        at = max(float(item.steps[-1]) for item in broken)
        return False, failure or f"diverged: the loss is not finite at step {format_number(at, 6)}", []
    if failure:
        return False, failure, []
    if ended is not None or last is None:
        return ended, "", []
    if planned is not None:
        if last >= _REACHED * planned:
            return True, "", []
        text = (
            f"the log ends at step {format_number(last, 6)} of {format_number(planned, 6)} planned: its last losses "
            "lie before the end of its schedule"
        )
        return False, "", [Notice(code="unfinished_schedule", message=text)]
    return _by_rate(rate)


def _by_rate(rate: Series | None) -> tuple[bool | None, str, list[Notice]]:
    """What the learning rate tells: a schedule that ends low has ended, and one whose rate still falls has not."""
    if rate is None or len(rate) < 2 or not np.isfinite(rate.values).all():
        return None, "", []
    highest = float(rate.values.max())
    share = float(rate.values[-1]) / highest if highest > 0 else 1.0
    if share <= _LOW:
        return True, "", []
    if len(rate) < _FEWEST:
        return None, "", []
    span = rate.steps[-1] - rate.steps[0]
    before = float(np.interp(rate.steps[-1] - _LAST_PART * span, rate.steps, rate.values))
    if highest > 0 and before / highest - share > _STILL_FALLING:
        text = (
            f"the log ends while the learning rate falls, at {share:.0%} of its highest: the schedule continues, and "
            "the last losses lie above those of its end"
        )
        return False, "", [Notice(code="unfinished_schedule", message=text)]
    return None, "", []
