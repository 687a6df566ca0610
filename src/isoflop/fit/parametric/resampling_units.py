"""What is drawn whole when a table is resampled: runs where they are named, else rows or sizes, as the residuals show.

Rows of one run share an error. Drawn one by one, their 90 % intervals cover alpha in 21 % to 53 % of tables; drawn by
run or by size in 81 % to 98 % from five runs on, and just so where rows are independent (bench/fit/cells.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Array, Labels, robust_sd
from isoflop.errors import Notice
from isoflop.fit.budgets import budget_labels, is_isoflop_design
from isoflop.fit.parametric.multistart import best_grid_start
from isoflop.fit.parametric.newton import minimise
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.fit.resampling import numbered_runs, run_strata, run_weights
from isoflop.fit.result import ResamplingUnit
from isoflop.observations.exclusions import combined
from isoflop.observations.parsing import labels_of
from isoflop.observations.repeats import normal_of_f
from isoflop.units import format_number

if TYPE_CHECKING:
    from isoflop.observations import Observations

FEW_RUNS = 8
"""With fewer, runs drawn whole give rough intervals: nominal 90 % covered .81 to .98 of five to seven, .71 of four."""
_FEWEST = 4  # of three runs three constants take all of the error that their rows share: nothing is left to draw from
_COVERED = ("70 to 85 %", "80 to 98 %")
_STARTED_FROM = 4000  # rows of a large table that give the law's start
_POINTS = 3  # token counts from which a size may be the curve of one run
_DELTA = 1e-3  # Huber's, Hoffmann et al. 2022, section 3.3
_OUTLIER = 3.0  # residuals count up to so many robust standard deviations: one bad row is no error of its size
# Normal quantiles beyond which an error is shared: of few sizes, that cost wide intervals, one table in 700 by chance.
_LOUD, _LOUD_OF_FEW = 1.645, 3.0
_OF_SIZE, _OF_TOKENS = 3, 2  # constants of the law that the error of sizes, and that of rows within them, is less by


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """Which rows are drawn together."""

    unit: Labels
    """Number of each row's unit, (rows,)."""
    kind: ResamplingUnit
    """`run`: as named; `size`: the rows of one N; `row`: each by itself."""
    notices: tuple[Notice, ...] = ()
    """The decision with its reason; empty where there was none to make."""

    @property
    def count(self) -> int:
        """Number of units."""
        return int(self.unit.max()) + 1


def resampling_units(data: Observations) -> Units:
    """The units of `data`: runs where they are named, else sizes where rows of one N may be of one run, else rows.

    Rows of one N at many token counts may be checkpoints of one run, or runs of their own. They are taken as one run
    where the residuals of the law share an error within sizes. Where they do not, eight sizes or more are still drawn
    whole, unless rows of one N and D show that there were several runs.
    """
    rows = np.arange(len(data))
    run = data.tree_number  # branches of one trunk share its steps, and so their errors
    runs = int(run.max()) + 1
    if runs < len(data):
        if runs >= _FEWEST:
            return Units(unit=run, kind="run", notices=few_runs(runs, "runs", _COVERED))
        text = (
            f"{len(data)} rows of {runs} runs: too few to draw runs, so rows are drawn; the intervals leave out what "
            "the rows of a run share, and are too narrow"
        )
        return Units(unit=rows, kind="row", notices=(Notice(code="few_runs", message=text),))
    if data.has_runs or not _may_be_curves(data):
        return Units(unit=rows, kind="row")
    size = labels_of(data.N)
    return _by_evidence(size, _shared_error(data, size), _several_runs(data))


def _by_evidence(size: Labels, loud: float, several: bool) -> Units:
    sizes = int(size.max()) + 1
    needed = _LOUD if sizes >= FEW_RUNS else _LOUD_OF_FEW
    shared = loud > needed
    seen = f"({loud:+.1f} standard errors, {format_number(needed, 6)} are needed)"
    start = f"no column names runs, and sizes have many token counts each: the rows of one of the {sizes} sizes may be "
    start += "checkpoints of one run. "
    if sizes >= _FEWEST and (shared or (sizes >= FEW_RUNS and not several)):
        why = "their residuals share an error" if shared else "their residuals do not show it, nor rule it out"
        text = f"{start}{why} {seen}: sizes are drawn whole; a column of run ids (--column run_id=...) decides"
        notices = (Notice(code="drawn_by_size", message=text), *few_runs(sizes, "sizes", _COVERED))
        return Units(unit=size, kind="size", notices=notices)
    if shared:
        why = "Their residuals share an error, but so few sizes cannot be drawn"
    elif several:
        why = "Rows of one N and D are of several runs, and the residuals share no error"
    else:
        why = "Their residuals do not show it, and so few sizes cannot be drawn without need"
    text = f"{start}{why} {seen}: rows are drawn, and if they are checkpoints the intervals are too narrow"
    return Units(unit=np.arange(len(size)), kind="row", notices=(Notice(code="drawn_by_row", message=text),))


def few_runs(count: int, what: str, covered: tuple[str, str] | None = None) -> tuple[Notice, ...]:
    """`few_runs` below eight runs or sizes; `covered` is the measured coverage of 90 %, of four and of more."""
    if count >= FEW_RUNS:
        return ()
    text = f"the intervals come from {count} {what} drawn whole, and {FEW_RUNS} are needed for them to be reliable"
    if covered is not None:
        text += f": read 90 % as {covered[count > _FEWEST]}"
    return (Notice(code="few_runs", message=text),)


def _may_be_curves(data: Observations) -> bool:
    """Whether half of the rows are of sizes with three token counts or more, and no budgets say where they come from.

    A full grid of sizes and token counts is no design of budgets, though its diagonals share their compute.
    """
    if np.isfinite(data.budget).any():
        return False
    size, tokens = labels_of(data.N), labels_of(data.D)
    cell = combined([size, tokens])
    _, first = np.unique(cell, return_index=True)
    counts = np.bincount(size[first])
    if np.sum(counts[size] >= _POINTS) < 0.5 * len(data):
        return False
    grid = len(first) == len(counts) * (int(tokens.max()) + 1)
    return grid or not is_isoflop_design(budget_labels(data))


def _several_runs(data: Observations) -> bool:
    """Whether there are rows of one N and D: a run has one loss at a token count."""
    cell = combined([labels_of(data.N), labels_of(data.D)])
    return bool(np.bincount(cell).max() > 1)


def _shared_error(data: Observations, size: Labels) -> float:
    """How far the residuals of the law agree within sizes beyond chance, as a standard normal deviate: one-way F.

    0 where there are too few sizes or rows to tell.
    """
    objective = HuberObjective.of(data.N, data.D, data.loss, _DELTA)
    ones = np.ones((1, len(data)))
    order = np.lexsort((objective.z, objective.y, objective.x))
    some = order[np.linspace(0, len(order) - 1, min(len(order), _STARTED_FROM)).astype(np.int64)]
    start = best_grid_start(objective.rows(some), np.ones((1, len(some))))
    theta = minimise(objective, start, ones).theta
    residuals = objective.residuals(theta[0])
    spread = robust_sd(residuals)
    if spread > 0:
        residuals = np.clip(residuals, -_OUTLIER * spread, _OUTLIER * spread)
    rows = np.bincount(size)
    above, below = len(rows) - _OF_SIZE, len(size) - len(rows) - _OF_TOKENS
    if above < 1 or below < 1:
        return 0.0
    means = np.bincount(size, residuals) / rows
    between = float(rows @ (means - residuals.mean()) ** 2) / above
    within = float(np.sum((residuals - means[size]) ** 2)) / below
    return normal_of_f(between / max(within, 1e-30), above, below)


def runs_and_strata(data: Observations, strata: Labels) -> tuple[Labels, Labels, Units]:
    """(run of each row, stratum of each run, the units); sizes that stand for runs have one stratum."""
    units = resampling_units(data)
    run = numbered_runs(data, units.unit)
    return run, run_strata(data, run, np.zeros_like(strata) if units.kind == "size" else strata), units


def resample_weights(data: Observations, strata: Labels, draws: int, rng: np.random.Generator) -> Array:
    """How often each row counts in each draw, (draws, rows): runs drawn with replacement within their stratum.

    Runs are those of `resampling_units`. A run's rows share its weight, and its stratum is that of its first row by N,
    D and loss. Strata with one run are joined into one, where a run can be absent.
    """
    run, stratum, _ = runs_and_strata(data, strata)
    return run_weights(stratum, draws, rng)[:, run]
