"""The gap of loss over the cells: as the runs ended, and brought to equal lengths of training by the slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.conversion import Conversion
from isoflop.compare.estimate import combined
from isoflop.compare.gaps import Gaps
from isoflop.compare.interval import CellMean, cell_mean


@dataclass(frozen=True, kw_only=True, eq=False)
class LossGap:
    """ln L_A - ln L_B over the cells."""

    ended: CellMean
    """As the runs ended."""
    equal: CellMean
    """With A's losses at B's lengths; `ended` where these are equal."""
    interval: tuple[float, float] | None
    """Of `equal`, with the error of the slope; None where nothing tells the noise."""
    above_zero: float | None
    """Probability that `equal` is above zero."""
    corrected: bool
    """Whether lengths differ."""


def loss_gap(gaps: Gaps, conversion: Conversion, level: float) -> LossGap:
    """The gap, and what is left of it at equal lengths.

    A that trained e^x times as long has a loss lower by x times its slope: as much is added to the gap. That slope has
    an error, which is combined with the noise of the runs.
    """
    ones = np.ones(len(gaps.cells))
    noise = gaps.noise(ones, ones)
    ended = cell_mean(gaps.gap, *noise)
    if all(cell.same_length for cell in gaps.cells):
        return LossGap(
            ended=ended, equal=ended, interval=ended.interval(level), above_zero=ended.above_zero(), corrected=False
        )
    longer = np.array([(cell.a.log_length or 0.0) - (cell.b.log_length or 0.0) for cell in gaps.cells])
    middle = (gaps.log_a + gaps.log_b) / 2
    equal = cell_mean(gaps.gap + longer * _slope(conversion.per_gap(middle)), *noise)
    drawn = (gaps.gap + longer * _slope(conversion.drawn_per_gap(middle))) @ equal.weights
    drawn = drawn + (equal.value - np.median(drawn))
    interval, above = combined(equal, drawn, np.ones(len(drawn)), level)
    return LossGap(ended=ended, equal=equal, interval=interval, above_zero=above, corrected=True)


def _slope(per_gap: Array) -> Array:
    """-d ln L / d ln length; 0 under the floor, where the loss falls no further."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.isfinite(per_gap), 1 / per_gap, 0.0))
