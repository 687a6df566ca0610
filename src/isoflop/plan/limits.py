"""How sure an answer is: intervals from draws, and where the question leaves what the law was fitted to."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.laws import Law

Interval = tuple[float, float]
"""(low, high)."""

DEFAULT_LEVEL = 0.9
"""Nominal probability of the intervals of plans and predictions."""


def check_level(level: float) -> None:
    """Raises InputError unless `level` is a probability between 0 and 1."""
    if not 0 < level < 1:
        raise InputError(f"level: expected a probability between 0 and 1, got {level!r}")


def percentiles(values: Any, level: float) -> Interval:
    """The central share `level` of the draws.

    >>> percentiles([0.0, 1.0, 2.0, 3.0, 4.0], 0.5)
    (1.0, 3.0)
    """
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def domain_notices(law: Law, *, params: float, tokens: float, flops: float, has_draws: bool) -> list[Notice]:
    """`extrapolation` where a number leaves the law's domain, `no_draws` where there can be no intervals."""
    source = law.provenance
    notices, outside = [], []
    for name, value in (("flops", flops), ("params", params), ("tokens", tokens)):
        low, high = source.domain.get(name, (value, value))
        if not low <= value <= high:
            factor, side = (value / high, "above the largest") if value > high else (low / value, "below the smallest")
            outside.append(f"{name} of {value:.3g} are {factor:.3g} times {side}")
    if outside:
        message = f"outside what {source.name} was fitted to: {'; '.join(outside)}"
        notices.append(Notice(code="extrapolation", message=message))
    if not has_draws:
        message = f"{source.name} comes without draws of its constants: no intervals and no expected waste"
        notices.append(Notice(code="no_draws", message=message))
    return notices
