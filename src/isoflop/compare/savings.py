"""What B would save at a planned run, by the multiplier there."""

from __future__ import annotations

import math

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.options import CompareOptions
from isoflop.compare.result import Savings
from isoflop.compare.trend import Line


def savings(line: Line, log_compute: Array, to_compute: float, options: CompareOptions, name: str) -> Savings | None:
    """The savings at `options.at` FLOPs; None without a planned run.

    `log_compute` (cells,) is what was compared; `to_compute` takes ln m on the axis to ln m of compute. A needs m times
    B's compute for B's loss, so that a planned run of C FLOPs of A is one of C / m FLOPs of B.
    """
    if options.at is None:
        return None
    at = math.log(options.at)
    value = line.at(at) + to_compute
    ends = line.interval_at(at, options.level)
    share = -math.expm1(-value)
    interval = None if ends is None else (-math.expm1(-ends[0] - to_compute), -math.expm1(-ends[1] - to_compute))
    flops = share * options.at
    return Savings(
        flops=flops,
        share=share,
        interval=interval,
        money=None if options.dollars_per_flop is None else flops * options.dollars_per_flop,
        money_range=_ends(flops, options.dollars_per_flop_range),
        set_name=name,
        multiplier=math.exp(value),
        extrapolated_by=max(1.0, options.at / math.exp(float(np.max(log_compute)))),
    )


def _ends(flops: float, price: tuple[float, float] | None) -> tuple[float, float] | None:
    """Money of `flops` at both ends of their price, the lower first: those of what is lost are below zero."""
    if price is None:
        return None
    low, high = sorted(flops * each for each in price)
    return low, high
