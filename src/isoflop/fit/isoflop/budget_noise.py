"""The noise of the losses at each budget: one level for all, as far as the budgets do not show that it differs.

In public sweeps the runs of the smallest budgets scatter ten times as much about their profiles as those of the
largest. One pooled level then says that the vertices of the largest budgets are known ten times worse than they are.
A budget's own four to ten runs say little about their noise either, so that each budget's variance is shrunk to a line
in ln C: an empirical Bayes estimate as of gene-wise variances (Smyth 2004, Statistical Applications in Genetics and
Molecular Biology 3:3), its two constants integrated over instead of fixed at their best values, since five budgets
leave them open.
"""

from __future__ import annotations

import math

import numpy as np

from isoflop.arrays import Array

_POWERS = np.linspace(-1.0, 1.0, 41)
"""Powers of the compute by which the noise may change."""
_POWER_SD = 0.3
"""Standard deviation of the power's prior: 0 to -.4 in 16 public sets, ten times less noise at 2,000 times the
compute."""
_FREEDOMS = (math.inf, 40.0, 16.0, 8.0, 4.0, 2.0)
"""Degrees of freedom that the line stands for: infinite where every budget lies on it."""
_EQUAL = 0.5
"""Prior probability that all budgets share one noise: half, so that the runs decide."""
_LEVELS = np.linspace(-4.0, 4.0, 81)  # of ln noise about the pooled one
_LEAST = 1e-12  # of a mean square of relative residuals: curves without noise


def budget_noises(squares: Array, free: Array, log_flops: Array) -> Array:
    """Relative standard deviation of a loss at each budget, (budgets,).

    `squares` are the sums of squares of relative residuals about each budget's profile, `free` their degrees of
    freedom, `log_flops` ln C of the budgets.
    """
    pooled = float(squares.sum() / free.sum())
    if pooled <= _LEAST or len(squares) < 3:
        return np.full(len(squares), math.sqrt(max(pooled, 0.0)))
    variances = np.maximum(squares / free, _LEAST)
    t = log_flops - np.average(log_flops, weights=free)
    # ln of the line's variance: (powers, levels, budgets).
    line = np.log(pooled) + 2 * (_LEVELS[None, :, None] + _POWERS[:, None, None] * t)
    prior = np.exp(-0.5 * (_POWERS / _POWER_SD) ** 2)
    prior = (1 - _EQUAL) * prior / prior.sum() / len(_FREEDOMS)
    logs, found = [], []
    for freedom in _FREEDOMS:
        weight = prior + np.where((_POWERS == 0) & math.isinf(freedom), _EQUAL, 0.0)
        logs.append(np.log(weight)[:, None] + _log_likelihood(variances, free, line, freedom).sum(axis=2))
        found.append(_shrunk(variances, free, line, freedom))
    odds = np.exp(np.array(logs) - np.max(logs))
    odds /= odds.sum()
    return np.asarray(np.exp(0.5 * np.einsum("fpl,fplb->b", odds, np.array(found))))


def _log_likelihood(variances: Array, free: Array, line: Array, freedom: float) -> Array:
    """ln density of sample variances about a line: F, or chi-squared where no budget departs from it."""
    ratio = variances / np.exp(line)
    if math.isinf(freedom):
        return np.asarray(-0.5 * free * (line + ratio + math.log(2)))
    constants = [math.lgamma((each + freedom) / 2) - math.lgamma(freedom / 2) for each in free.tolist()]
    return np.asarray(
        constants - 0.5 * free * (math.log(freedom) + line) - 0.5 * (free + freedom) * np.log1p(free * ratio / freedom)
    )


def _shrunk(variances: Array, free: Array, line: Array, freedom: float) -> Array:
    """ln of each budget's variance between its own and the line's, by their degrees of freedom."""
    if math.isinf(freedom):
        return line
    return np.asarray(np.log((free * variances + freedom * np.exp(line)) / (free + freedom)))
