"""The answer on one evaluation set, from its gaps and the baseline's slope."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.best_of import shrunk
from isoflop.compare.cell_values import cell_values, log_compute, parts, places, slope_used
from isoflop.compare.conversion import Conversion, pinned_log_multiplier
from isoflop.compare.estimate import Estimate, estimate
from isoflop.compare.gaps import Gaps
from isoflop.compare.judgement import (
    Judgement,
    axis_word,
    count_words,
    gap_words,
    judge,
    multiplier_words,
    trend_of,
    trend_words,
)
from isoflop.compare.loss_gap import LossGap, loss_gap
from isoflop.compare.noise import pairs_needed
from isoflop.compare.options import CompareOptions
from isoflop.compare.reach import Reached, reached
from isoflop.compare.result import CHANGES, PinnedFloor, SetVerdict, Trend
from isoflop.compare.trend import Line, trend_line

EQUAL_LOSS_WITHIN = 0.0025
"""Of ln loss, where there is no multiplier: what 5 % of compute are worth at a usual slope, .05 per e-fold."""
ENOUGH_REACHED = 0.75
"""Share of the cells in which A has to reach B's loss for a multiplier over the cells: those that it does not reach
have the largest multipliers, and a mean without many of them says nothing of the recipes."""
NO_NOISE = "one run a side in one cell does not tell how far two seeds differ: repeat a run, or name repeats of others"


@dataclass(frozen=True, kw_only=True, eq=False)
class SetAnswer:
    """A verdict with the line that carries its multiplier to other compute."""

    verdict: SetVerdict
    line: Line | None = None
    log_compute: Array | None = None
    """Of the cells, (cells,)."""
    to_compute: float = 0.0
    """What takes ln m on the axis to ln m of compute."""


def set_verdict(
    gaps: Gaps, conversion: Conversion, spent: Array, lowest: tuple[float, float], options: CompareOptions
) -> SetAnswer:
    """The verdict on one set.

    `spent` (cells,) is ln of what A's runs spent in the cell over what B's spent; `lowest` ln of each side's
    least loss.
    """
    loss = loss_gap(gaps, conversion, options.level)
    found = reached(gaps, conversion, spent, lowest)
    if found.share < ENOUGH_REACHED:
        return SetAnswer(verdict=_unreachable(gaps, loss, conversion, found, options))
    along = log_compute(gaps)
    value = estimate(gaps, conversion, found, spent, places(gaps), options.level)
    line = trend_line(value, along) if conversion.tells_trend else None
    verdict = _of_multiplier(gaps, loss, conversion, found, value, line, spent, options)
    return SetAnswer(verdict=verdict, line=line, log_compute=along)


def _unreachable(
    gaps: Gaps, loss: LossGap, conversion: Conversion, found: Reached, options: CompareOptions
) -> SetVerdict:
    """Where A does not get to B's loss in too many cells: the verdict is that of the loss."""
    never = sum(how == "never" for how in found.how)
    why = (
        f"A does not reach the loss of B in {never} of {len(gaps.cells)} cells with any {axis_word(options.axis)} that "
        f"its runs speak for, by {conversion.source}"
    )
    verdict = loss_verdict(gaps, loss, conversion, why, options)
    return replace(verdict, cells=cell_values(gaps, loss.ended, found, None, options.level))


def loss_verdict(gaps: Gaps, loss: LossGap, conversion: Conversion, why: str, options: CompareOptions) -> SetVerdict:
    """The verdict by the gap of the losses; `why` there is no multiplier."""
    interval, judged = loss.interval, judge(loss.interval, EQUAL_LOSS_WITHIN)
    return SetVerdict(
        name=gaps.name,
        multiplier=None,
        interval=None,
        probability_above_1=loss.above_zero,
        slope=None,
        slope_interval=None,
        trend="unknown",
        reachable=False,
        verdict=judged.verdict,
        equal_within=judged.within,
        pairs_needed=needed_pairs(judged, gaps, loss),
        reason=with_need(f"{_loss_words(gaps, loss, options)}; {why}", judged, gaps, loss),
        gap=loss.ended.value,
        gap_interval=loss.ended.interval(options.level),
        gap_at_equal_length=loss.equal.value if loss.corrected else None,
        gap_at_equal_length_interval=interval if loss.corrected else None,
        constant=None if conversion.usual else False,
        slope_used=slope_used(gaps, conversion, options.level),
        paired=gaps.paired,
        parts=parts(loss.ended),
    )


def _loss_words(gaps: Gaps, loss: LossGap, options: CompareOptions) -> str:
    words = gap_words(loss.equal.value, loss.interval, options.level)
    return f"{words}{' at equal length of training' if loss.corrected else ''}, by {_counted(gaps)}"


def _of_multiplier(
    gaps: Gaps,
    loss: LossGap,
    conversion: Conversion,
    found: Reached,
    value: Estimate,
    line: Line | None,
    spent: Array,
    options: CompareOptions,
) -> SetVerdict:
    ends = value.interval
    interval = None if ends is None else (math.exp(ends[0]), math.exp(ends[1]))
    multiplier = math.exp(value.mean.value)
    judged = judge(ends, math.log1p(options.equal_within))
    between = None if line is None else line.slope_interval(options.level)
    slope = None if line is None else line.slope
    words = [
        f"{multiplier_words(multiplier, interval, options.level, options.axis)}, by {_counted(gaps)} and "
        f"{conversion.source}",
        _loss_words(gaps, loss, options) if loss.corrected else "",
        trend_words(slope, between),
    ]
    if conversion.constant is False:
        words.append(
            "the recipes differ in more than a factor on sizes and tokens: the multiplier is that of these cells"
        )
    if found.share < 1:
        never = sum(how == "never" for how in found.how)
        words.append(f"A does not reach B's loss in {never} further cells, which the mean leaves out")
    total_sd = math.sqrt(value.mean.variance + value.slope_sd**2) if value.mean.known else None
    return SetVerdict(
        name=gaps.name,
        multiplier=multiplier,
        interval=interval,
        probability_above_1=value.above_zero,
        slope=slope,
        slope_interval=between,
        trend=trend_of(between),
        reachable=True,
        verdict=judged.verdict,
        equal_within=judged.within,
        pairs_needed=needed_pairs(judged, gaps, loss, trend_of(between)),
        reason=with_need("; ".join(word for word in words if word), judged, gaps, loss, trend_of(between)),
        gap=loss.ended.value,
        gap_interval=loss.ended.interval(options.level),
        gap_at_equal_length=loss.equal.value if loss.corrected else None,
        gap_at_equal_length_interval=loss.interval if loss.corrected else None,
        constant=conversion.constant,
        slope_used=slope_used(gaps, conversion, options.level),
        pinned=_pinned(gaps, conversion, value, spent),
        shrunk=best_of(value.mean.value, total_sd, options.variants),
        paired=gaps.paired,
        cells=cell_values(gaps, loss.ended, found, value, options.level),
        parts=parts(value.mean, value.slope_sd, value.form_sd),
    )


def _pinned(gaps: Gaps, conversion: Conversion, value: Estimate, spent: Array) -> tuple[PinnedFloor, ...]:
    """The mean over the same cells with E held at each number; None where A then does not reach one of them."""
    used = np.isfinite(value.cells)
    found = []
    for held in conversion.pinned:
        mean = float((pinned_log_multiplier(held, gaps.log_a, gaps.log_b) + spent)[used] @ value.mean.weights)
        found.append(PinnedFloor(floor=held.E, multiplier=math.exp(mean) if math.isfinite(mean) else None))
    return tuple(found)


def best_of(log_multiplier: float, sd: float | None, variants: int) -> float | None:
    """The multiplier less what choosing the best of several variants adds; None of one variant, or without an error."""
    return None if variants == 1 or sd is None else math.exp(shrunk(log_multiplier, sd, variants))


def _counted(gaps: Gaps) -> str:
    runs = [sum(len(group.runs) for group in side) for side in zip(*((c.a, c.b) for c in gaps.cells), strict=True)]
    return count_words(len(gaps.cells), runs[0], runs[1], gaps.paired)


def needed_pairs(judged: Judgement, gaps: Gaps, loss: LossGap, trend: Trend = "unknown") -> int | None:
    """Further pairs that would tell, by the noise of one run.

    None where that noise is not known, and where the multiplier changes with compute: no number of pairs makes it one.
    """
    sd = _run_sd(gaps, loss)
    if judged.verdict != "cannot_tell" or trend in CHANGES or not sd:
        return None
    return pairs_needed(sd, loss.equal.value)


def _run_sd(gaps: Gaps, loss: LossGap) -> float | None:
    """Standard deviation of ln loss of one run: of a pair's difference over the root of two, where runs are paired."""
    if gaps.paired and gaps.noise_pair.degrees:
        return math.sqrt(gaps.noise_pair.variance / 2)
    both = gaps.noise_a + gaps.noise_b
    if both.degrees:
        return math.sqrt(both.variance)
    if not loss.equal.known:
        return None
    pairs = float(np.sum(2 / (gaps.shares_a + gaps.shares_b + 2 * gaps.shares_pair)))
    return math.sqrt(loss.equal.variance * pairs / 2)


def with_need(reason: str, judged: Judgement, gaps: Gaps, loss: LossGap, trend: Trend = "unknown") -> str:
    """`reason` with the pairs that would tell, of a verdict that noise leaves open."""
    if judged.verdict != "cannot_tell":
        return reason
    if not loss.equal.known:
        return f"{reason}; {NO_NOISE}"
    needed = needed_pairs(judged, gaps, loss, trend)
    return reason if needed is None else f"{reason}; a gap of this size would need {needed:,} pairs"
