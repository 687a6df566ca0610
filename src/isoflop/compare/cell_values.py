"""The cells of a verdict, the slope that it used and what its interval is made of."""

from __future__ import annotations

import math

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.cells import Cell
from isoflop.compare.conversion import Conversion
from isoflop.compare.estimate import Estimate
from isoflop.compare.gaps import Gaps
from isoflop.compare.interval import CellMean
from isoflop.compare.reach import Reached
from isoflop.compare.result import Multiplier, SlopeUsed
from isoflop.distributions import student_quantile


def cell_values(
    gaps: Gaps, loss: CellMean, reached: Reached | None, found: Estimate | None, level: float
) -> tuple[Multiplier, ...]:
    """Each cell with intervals of the noise of its runs."""
    ones = np.ones(len(gaps.cells))
    variances, degrees = gaps.noise(ones, ones)
    if not degrees and loss.known:
        variances, degrees = ones * loss.variance * len(ones), loss.degrees
    wide = student_quantile((1 + level) / 2, degrees) if degrees else None
    halves = [None if wide is None else wide * math.sqrt(variance) for variance in variances]
    values = None if reached is None else reached.log_multiplier
    return tuple(
        Multiplier(
            params=_exp(cell.b.log_params),
            tokens=_exp(cell.b.log_length),
            flops=cell_flops(cell),
            loss_a=math.exp(gaps.log_a[k]),
            loss_b=math.exp(gaps.log_b[k]),
            runs_a=len(cell.a.runs),
            runs_b=len(cell.b.runs),
            gap_interval=_around(float(gaps.gap[k]), halves[k]),
            multiplier=None if values is None or math.isnan(values[k]) else math.exp(values[k]),
            interval=None if found is None else _multiplied(found, k, wide),
            reach="measured" if reached is None else reached.how[k],
        )
        for k, cell in enumerate(gaps.cells)
    )


def cell_flops(cell: Cell) -> float | None:
    """Mean training FLOPs of B's runs; None where a size or a length is not known."""
    spent = [run.compute for run in cell.b.runs if run.compute is not None]
    return float(np.mean(spent)) if spent else None


def log_compute(gaps: Gaps) -> Array:
    """ln of what each cell's runs of B spent, (cells,): FLOPs, or their length where those are not known."""
    return np.array(
        [
            math.log(flops) if (flops := cell_flops(cell)) is not None else cell.b.log_length or 0.0
            for cell in gaps.cells
        ]
    )


def places(gaps: Gaps) -> Array:
    """(ln N, ln D) of each cell's runs of B, (cells, 2); 0 where they are not known."""
    return np.array([[cell.b.log_params or 0.0, cell.b.log_length or 0.0] for cell in gaps.cells])


def slope_used(gaps: Gaps, conversion: Conversion, level: float) -> SlopeUsed:
    """-d ln L / d ln axis of A, mean over the cells, with its interval by the draws."""
    middle = (gaps.log_a + gaps.log_b) / 2
    slopes = 1 / conversion.drawn_per_gap(middle)
    best = 1 / conversion.per_gap(middle)
    known = np.isfinite(best)
    if not known.any():
        return SlopeUsed(source=conversion.source, value=None, usual=conversion.usual)
    drawn = np.where(np.isfinite(slopes), slopes, best)[:, known].mean(axis=1)
    value = float(best[known].mean())
    if np.ptp(drawn) == 0:
        return SlopeUsed(source=conversion.source, value=value, usual=conversion.usual)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    interval = float(low), float(high)
    return SlopeUsed(source=conversion.source, value=value, interval=interval, usual=conversion.usual)


def parts(mean: CellMean, slope_sd: float = 0.0, form_sd: float = 0.0) -> dict[str, float]:
    """Standard deviations by source; `cells` is what the spread of the cells adds to the noise of their runs.

    Without repeats the spread of the cells holds the noise too.
    """
    found = {"slope": slope_sd, "form": form_sd}
    if mean.known and math.isnan(mean.noise_variance):
        found |= {"cells": math.sqrt(mean.variance)}
    elif mean.known:
        beyond = math.sqrt(max(0.0, mean.variance - mean.noise_variance))
        found |= {"noise": math.sqrt(min(mean.noise_variance, mean.variance)), "cells": beyond}
    return {name: found[name] for name in ("noise", "slope", "cells", "form") if found.get(name)}


def _multiplied(found: Estimate, k: int, wide: float | None) -> tuple[float, float] | None:
    value = float(found.cells[k])
    if wide is None or math.isnan(value):
        return None
    half = wide * math.sqrt(found.variances[k])
    return math.exp(value - half), math.exp(value + half)


def _around(value: float, half: float | None) -> tuple[float, float] | None:
    return None if half is None else (value - half, value + half)


def _exp(log: float | None) -> float | None:
    return None if log is None else math.exp(log)
