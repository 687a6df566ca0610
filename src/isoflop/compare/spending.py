"""What the runs of a cell spent: tokens, FLOPs, time or money, on the axis of the question."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.gaps import Gaps
from isoflop.compare.options import CompareOptions
from isoflop.compare.sides import FinalRun
from isoflop.errors import RefusedError


def log_spent(gaps: Gaps, options: CompareOptions) -> Array:
    """ln of what A spent over what B spent in each cell, (cells,).

    Tokens (or steps), FLOPs, seconds, or seconds times the price of the machine. Where a throughput ratio is stated,
    time is tokens over throughput. Raises RefusedError `no_times` where neither seconds nor a ratio is known.
    """
    if options.axis in ("time", "money"):
        return _log_time(gaps, options) - (math.log(options.price_ratio) if options.axis == "money" else 0.0)
    of_run: Callable[[FinalRun], float | None] = _length if options.axis == "data" else _compute
    return np.array([_difference(cell.a.runs, cell.b.runs, of_run) for cell in gaps.cells])


def _log_time(gaps: Gaps, options: CompareOptions) -> Array:
    if options.throughput_ratio is not None:
        lengths = np.array([_difference(cell.a.runs, cell.b.runs, _length) for cell in gaps.cells])
        return np.asarray(lengths + math.log(options.throughput_ratio))
    if any(run.seconds is None for cell in gaps.cells for run in (*cell.a.runs, *cell.b.runs)):
        raise RefusedError(
            "no_times",
            "the seconds of the runs are not known: state the ratio of throughputs, tokens per second of B over A's",
        )
    return np.array([_difference(cell.a.runs, cell.b.runs, _seconds) for cell in gaps.cells])


def _difference(a: Sequence[FinalRun], b: Sequence[FinalRun], of_run: Callable[[FinalRun], float | None]) -> float:
    """ln of the geometric mean of A less that of B; 0 where a side does not tell."""
    values = [[value for run in runs if (value := of_run(run)) is not None] for runs in (a, b)]
    if not all(values):
        return 0.0
    return float(np.log(values[0]).mean() - np.log(values[1]).mean())


def _length(run: FinalRun) -> float | None:
    return run.length


def _compute(run: FinalRun) -> float | None:
    # Where N is not known, it is taken to be the same on both sides.
    return run.length if run.compute is None else run.compute


def _seconds(run: FinalRun) -> float | None:
    return run.seconds
