"""Another way to the multiplier: each run of B solved by the law of A alone, at equal tokens per parameter.

It uses every run of B, also those that A has no partner for, and takes nothing from B for A's law. Where the recipes
have floors or exponents of their own it is nearly free of bias, where they share them it is less sharp than cells are
(bench/compare/inversion.md).
"""

from __future__ import annotations

import math

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.options import CompareOptions
from isoflop.compare.result import OwnLaw
from isoflop.compare.shared_law import FLOORS, OWN, SharedLaw, SharedRows, fit_shared, with_draws
from isoflop.compare.slope import FinalRows, shared_law

_FARTHEST = math.log(1e6)
"""ln m up to which a compute is looked for; A does not reach what lies beyond."""
_STEPS = 40


def by_own_law(rows: FinalRows, options: CompareOptions) -> OwnLaw | None:
    """The median over B's runs of the compute that A's law needs for their loss over what they spent.

    Its interval is that of refits of the law to resampled runs, each with a resample of B's runs. None on an axis that
    is not compute, and where the runs do not identify a law.
    """
    if options.axis != "compute" or shared_law(rows) is None:
        return None
    law = _separate(rows)
    if law is None:
        return None
    law = with_draws(law, options.draws, options.seed)
    of_b = rows.is_a < 0.5
    N, D, target = rows.N[of_b], rows.D[of_b], np.log(rows.loss[of_b])
    values = solved(law, law.theta[None], N, D, target)[0]
    middle = float(np.median(values))
    again = solved(law, law.draws, N, D, target)
    chosen = np.random.default_rng(options.seed).integers(0, len(N), again.shape)
    medians = np.median(np.take_along_axis(again, chosen, axis=1), axis=1)
    low, high = np.quantile(medians, [(1 - options.level) / 2, (1 + options.level) / 2])
    reached = middle < _FARTHEST
    return OwnLaw(
        multiplier=math.exp(middle) if reached else None,
        interval=(math.exp(low), math.exp(high)) if reached and high < _FARTHEST else None,
        runs=len(values),
        runs_not_reached=int(np.sum(values >= _FARTHEST)),
    )


def solved(law: SharedLaw, theta: Array, N: Array, D: Array, target: Array) -> Array:
    """ln m of each run, (batch, runs), by bisection: A's ln loss at N m^1/2 and D m^1/2 is `target`."""
    low, high = np.full((len(theta), len(N)), -_FARTHEST), np.full((len(theta), len(N)), _FARTHEST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        above = law.log_loss(N * np.exp(middle / 2), D * np.exp(middle / 2), theta, is_a=True) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(high >= _FARTHEST, _FARTHEST, (low + high) / 2)


def _separate(rows: FinalRows) -> SharedLaw | None:
    """A law of each recipe's own; its part of A is fitted to A's runs alone."""
    of = SharedRows.of(rows.N, rows.D, rows.loss, rows.is_a)
    common = fit_shared(of)
    floors = None if common is None else fit_shared(of, FLOORS, common)
    return None if floors is None else fit_shared(of, OWN, floors)
