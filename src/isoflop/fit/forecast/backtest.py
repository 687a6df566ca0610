"""Fitted without the top budget, how well are its losses predicted? Its best size: fit/size/backtest.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit.budgets import budget_labels
from isoflop.fit.forecast.build import build_forecaster
from isoflop.fit.isoflop.fit import fit_isoflop
from isoflop.fit.parametric.fit import fit_parametric
from isoflop.fit.resampling import LEVEL
from isoflop.laws import SIX_N, ComputeCost

if TYPE_CHECKING:
    from isoflop.observations import Observations


@dataclass(frozen=True, kw_only=True)
class HeldOutRun:
    """One run of the held-out budget, and its forecast."""

    run_id: str
    params: float
    tokens: float
    actual: float
    """Loss that it reached."""
    predicted: float
    """Loss forecast for it."""
    interval: tuple[float, float]
    """Where `actual` was expected with the backtest's probability."""
    error: float
    """predicted over actual, less 1."""


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """The held-out budget against the forecast made without it."""

    held_out_budget_flops: float
    """Geometric mean of the FLOPs that its runs spent."""
    rows: tuple[HeldOutRun, ...]
    """Each of its runs."""
    loss_actual: float
    """Loss at the vertex of its parabola, or of its best run where there is no vertex."""
    loss_predicted: float
    """Least loss that the earlier fit expects at that compute."""
    interval: tuple[float, float]
    """Where `loss_actual` was expected with probability `level`."""
    error: float
    """loss_predicted over loss_actual, less 1."""
    inside: bool
    """Whether `interval` holds `loss_actual`."""
    extrapolation_factor: float
    """Held-out compute over the largest compute of the earlier fit."""
    level: float = LEVEL
    """Probability of the intervals."""


def backtest(
    observations: Observations,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = 1000,
    seed: int = 0,
) -> Backtest:
    """Hold the largest budget out, fit the rest by approach 3, forecast each held-out run and the best loss there.

    Raises RefusedError `too_few_budgets` for fewer than three budgets, and what fit_parametric refuses.
    """
    data = observations.finals().fresh()
    labels = budget_labels(data)
    numbers = np.unique(labels[labels >= 0])
    if len(numbers) < 3:
        raise RefusedError("too_few_budgets", f"a backtest needs at least three budgets, got {len(numbers)}")
    held = data.select(labels == numbers[-1])
    train = data.select((labels != numbers[-1]) & np.less(data.C, held.C.min()))
    fit = fit_parametric(train, cost=cost, draws=draws, seed=seed)
    forecaster = build_forecaster(train, fit, cost=cost, seed=seed)
    predicted = forecaster.point(held.N, held.D)
    edges = forecaster.interval(held.N, held.D, LEVEL)
    rows = tuple(
        HeldOutRun(
            run_id=held.run_id[i],
            params=float(held.N[i]),
            tokens=float(held.D[i]),
            actual=float(held.loss[i]),
            predicted=float(predicted[i]),
            interval=(float(edges[i, 0]), float(edges[i, 1])),
            error=float(predicted[i] / held.loss[i] - 1),
        )
        for i in range(len(held))
    )
    C = float(np.exp(np.log(held.C).mean()))
    best_N, best_D = fit.optimum(C)
    actual, runs = _least_loss(data, cost, C, held)
    low, high = (float(edge) for edge in forecaster.interval(best_N, best_D, LEVEL, runs=runs)[0])
    expected = float(forecaster.point(best_N, best_D)[0])
    return Backtest(
        held_out_budget_flops=C,
        rows=rows,
        loss_actual=actual,
        loss_predicted=expected,
        interval=(low, high),
        error=expected / actual - 1,
        inside=low <= actual <= high,
        extrapolation_factor=C / float(train.C.max()),
    )


def _least_loss(data: Observations, cost: ComputeCost, C: float, held: Observations) -> tuple[float, float]:
    """(best loss that the held-out budget reached, effective number of runs behind it)."""
    try:
        budgets = fit_isoflop(data, cost=cost, draws=0).budgets
        top = min(budgets, key=lambda budget: abs(np.log(budget.flops / C)))
        if top.loss is not None and top.sizes is not None:
            # A vertex is three coefficients through n points: its height is known like a mean of about n / 2 runs.
            return top.loss, top.sizes / 2
    except RefusedError:
        pass  # no vertices: the best run stands for them
    return float(held.loss.min()), 1.0
