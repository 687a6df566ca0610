"""The answer on one evaluation set, from its gaps and the baseline's slope."""

from __future__ import annotations

import math

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.conversion import Conversion
from isoflop.compare.distributions import student_quantile
from isoflop.compare.estimate import Estimate, estimate
from isoflop.compare.gaps import Gaps
from isoflop.compare.interval import CellMean, cell_mean
from isoflop.compare.judgement import (
    Judgement,
    axis_word,
    count_words,
    gap_words,
    judge,
    multiplier_words,
)
from isoflop.compare.noise import pairs_needed
from isoflop.compare.options import CompareOptions
from isoflop.compare.result import Multiplier, Reach, SetVerdict, SlopeUsed

EQUAL_LOSS_WITHIN = 0.0025
"""Of ln loss, where no slope is known: what 5 % of compute are worth at a usual slope, .05 per e-fold."""
NO_NOISE = "one run a side in one cell does not tell how far two seeds differ: repeat a run, or name repeats of others"


def set_verdict(gaps: Gaps, conversion: Conversion | None, spent: Array, options: CompareOptions) -> SetVerdict:
    """The verdict on one set; `spent` (cells,) is ln of what A's runs spent in the cell over what B's spent."""
    ones = np.ones(len(gaps.cells))
    variances, degrees = gaps.noise(ones, ones)
    loss = cell_mean(gaps.gap, variances, degrees)
    found = None if conversion is None else estimate(gaps, conversion, spent, options.level)
    if conversion is None:
        return _of_loss(gaps, loss, options, "the slope of the loss cannot be told from these runs; state one")
    if found is None:
        return _unreachable(gaps, loss, conversion, options)
    return _of_multiplier(gaps, loss, conversion, found, options)


def _of_loss(gaps: Gaps, loss: CellMean, options: CompareOptions, why: str) -> SetVerdict:
    """Where the gap of loss alone can be judged."""
    interval = loss.interval(options.level)
    judged = judge(interval, EQUAL_LOSS_WITHIN)
    reason = f"{gap_words(loss.value, interval, options.level)}, by {_counted(gaps)}; no multiplier: {why}"
    return SetVerdict(
        name=gaps.name,
        multiplier=None,
        interval=None,
        probability_above_1=loss.above_zero(),
        slope=None,
        slope_interval=None,
        trend="unknown",
        reachable=True,
        verdict=judged.verdict,
        equal_within=judged.within,
        pairs_needed=_needed(judged, gaps, loss),
        reason=_with_need(reason, judged, gaps, loss),
        gap=loss.value,
        gap_interval=interval,
        slope_used=SlopeUsed(source=why, value=None),
        paired=gaps.paired,
        cells=_cells(gaps, loss, None, None, options),
        parts=_parts(loss, 0.0),
    )


def _unreachable(gaps: Gaps, loss: CellMean, conversion: Conversion, options: CompareOptions) -> SetVerdict:
    """Where A has B's loss at no compute, in half of the cells or more: the verdict is that of the loss."""
    interval = loss.interval(options.level)
    judged = judge(interval, EQUAL_LOSS_WITHIN)
    cells = _cells(gaps, loss, conversion, None, options)
    never = sum(cell.multiplier is None for cell in cells)
    reason = (
        f"{gap_words(loss.value, interval, options.level)}, by {_counted(gaps)}; A "
        f"reaches the loss of B with no {axis_word(options.axis)} in {never} of {len(cells)} cells, by "
        f"{conversion.source}"
    )
    return SetVerdict(
        name=gaps.name,
        multiplier=None,
        interval=None,
        probability_above_1=loss.above_zero(),
        slope=None,
        slope_interval=None,
        trend="unknown",
        reachable=False,
        verdict=judged.verdict,
        equal_within=judged.within,
        pairs_needed=_needed(judged, gaps, loss),
        reason=_with_need(reason, judged, gaps, loss),
        gap=loss.value,
        gap_interval=interval,
        constant=conversion.constant,
        slope_used=_slope_used(gaps, conversion, options.level),
        paired=gaps.paired,
        cells=cells,
        parts=_parts(loss, 0.0),
    )


def _of_multiplier(
    gaps: Gaps, loss: CellMean, conversion: Conversion, found: Estimate, options: CompareOptions
) -> SetVerdict:
    interval = None if found.interval is None else (math.exp(found.interval[0]), math.exp(found.interval[1]))
    multiplier = math.exp(found.mean.value)
    judged = judge(found.interval, math.log1p(options.equal_within))
    reason = (
        f"{multiplier_words(multiplier, interval, options.level, options.axis)}, by "
        f"{_counted(gaps)} and {conversion.source}"
    )
    return SetVerdict(
        name=gaps.name,
        multiplier=multiplier,
        interval=interval,
        probability_above_1=found.above_zero,
        slope=None,
        slope_interval=None,
        trend="unknown",
        reachable=True,
        verdict=judged.verdict,
        equal_within=judged.within,
        pairs_needed=_needed(judged, gaps, loss),
        reason=_with_need(reason, judged, gaps, loss),
        gap=loss.value,
        gap_interval=loss.interval(options.level),
        constant=conversion.constant,
        slope_used=_slope_used(gaps, conversion, options.level),
        paired=gaps.paired,
        cells=_cells(gaps, loss, conversion, found, options),
        parts=_parts(found.mean, found.slope_sd),
    )


def _counted(gaps: Gaps) -> str:
    runs = [sum(len(group.runs) for group in side) for side in zip(*((c.a, c.b) for c in gaps.cells), strict=True)]
    return count_words(len(gaps.cells), runs[0], runs[1], gaps.paired)


def _needed(judged: Judgement, gaps: Gaps, loss: CellMean) -> int | None:
    """Further pairs that would tell, by the noise of one run; None where that noise is not known."""
    sd = _run_sd(gaps, loss)
    if judged.verdict != "cannot_tell" or sd is None or sd == 0:
        return None
    return pairs_needed(sd, loss.value)


def _run_sd(gaps: Gaps, loss: CellMean) -> float | None:
    """Standard deviation of ln loss of one run: of a pair's difference over the root of two, where runs are paired."""
    if gaps.paired and gaps.noise_pair.degrees:
        return math.sqrt(gaps.noise_pair.variance / 2)
    both = gaps.noise_a + gaps.noise_b
    if both.degrees:
        return math.sqrt(both.variance)
    if not loss.known:
        return None
    pairs = float(np.sum(2 / (gaps.shares_a + gaps.shares_b + 2 * gaps.shares_pair)))
    return math.sqrt(loss.variance * pairs / 2)


def _with_need(reason: str, judged: Judgement, gaps: Gaps, loss: CellMean) -> str:
    if judged.verdict != "cannot_tell":
        return reason
    if not loss.known:
        return f"{reason}; {NO_NOISE}"
    needed = _needed(judged, gaps, loss)
    return reason if needed is None else f"{reason}; a gap of this size would need {needed:,} pairs"


def _parts(mean: CellMean, slope_sd: float) -> dict[str, float]:
    """Standard deviations by source; what the spread of cells adds to the noise is `cells`."""
    if not mean.known:
        return {"slope": slope_sd} if slope_sd else {}
    if math.isnan(mean.noise_variance):
        return {"cells": math.sqrt(mean.variance), "slope": slope_sd}
    beyond = max(0.0, mean.variance - mean.noise_variance)
    return {"noise": math.sqrt(mean.noise_variance), "cells": math.sqrt(beyond), "slope": slope_sd}


def _slope_used(gaps: Gaps, conversion: Conversion, level: float) -> SlopeUsed:
    middle = (gaps.log_a + gaps.log_b) / 2
    with np.errstate(invalid="ignore"):
        slopes = 1 / conversion.drawn_per_gap(middle).mean(axis=1)
        value = 1 / float(np.nanmean(conversion.per_gap(middle)))
    known = slopes[np.isfinite(slopes)]
    if len(known) < 2 or np.ptp(known) == 0:
        return SlopeUsed(source=conversion.source, value=value)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return SlopeUsed(source=conversion.source, value=value, interval=(float(low), float(high)))


def _cells(
    gaps: Gaps, loss: CellMean, conversion: Conversion | None, found: Estimate | None, options: CompareOptions
) -> tuple[Multiplier, ...]:
    """Each cell with its own interval, of the noise of its runs."""
    ones = np.ones(len(gaps.cells))
    variances, degrees = gaps.noise(ones, ones)
    if not degrees:
        variances, degrees = variances * loss.variance * float(np.sum(1 / variances)), loss.degrees
    wide = student_quantile((1 + options.level) / 2, degrees) if degrees else math.nan
    logs = None if conversion is None else conversion.log_multiplier(gaps.log_a, gaps.log_b)
    return tuple(
        _cell(gaps, k, wide * math.sqrt(variances[k]) if degrees else None, logs, found, wide)
        for k in range(len(gaps.cells))
    )


def _cell(
    gaps: Gaps, k: int, half: float | None, logs: Array | None, found: Estimate | None, wide: float
) -> Multiplier:
    cell, gap = gaps.cells[k], float(gaps.gap[k])
    value = None if logs is None else float(logs[k] if found is None else found.cells[k])
    reach: Reach = "never" if value is not None and math.isnan(value) else "measured"
    interval = None
    if found is not None and value is not None and math.isfinite(value) and half is not None:
        width = wide * math.sqrt(found.variances[k])
        interval = (math.exp(value - width), math.exp(value + width))
    spent = [run.compute for run in cell.b.runs if run.compute is not None]
    return Multiplier(
        params=None if cell.b.log_params is None else math.exp(cell.b.log_params),
        tokens=None if cell.b.log_length is None else math.exp(cell.b.log_length),
        flops=float(np.mean(spent)) if spent else None,
        loss_a=math.exp(gaps.log_a[k]),
        loss_b=math.exp(gaps.log_b[k]),
        runs_a=len(cell.a.runs),
        runs_b=len(cell.b.runs),
        gap_interval=None if half is None else (gap - half, gap + half),
        multiplier=None if value is None or math.isnan(value) else math.exp(value),
        interval=interval,
        reach=reach,
    )
