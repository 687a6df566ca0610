"""The allocation of a budget to N and D by an objective under a law, the loss to expect, and how sure both are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit import LEVEL
from isoflop.fit.resampling import percentile_interval
from isoflop.laws import ChinchillaLaw, wasted_by_size
from isoflop.plan.intervals import Interval, loss_interval
from isoflop.plan.law_source import LawSource
from isoflop.plan.objectives import Objective


@dataclass(frozen=True, kw_only=True, eq=False)
class OptimumSpread:
    """Where the best size lies by the draws of a law."""

    params: Interval
    """Where the best N lies."""
    tokens: Interval
    """Where the best D lies."""
    log_params: Array
    """ln of the best N, (draws,)."""

    @classmethod
    def of(cls, optima: tuple[Array, Array], level: float) -> OptimumSpread:
        """The spread of (N, D) over the draws, arrays of shape (draws,)."""
        sizes, tokens = optima
        return cls(
            params=percentile_interval(sizes, level),
            tokens=percentile_interval(tokens, level),
            log_params=np.log(sizes),
        )


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """N and D that an objective chooses under a law, and how sure they are."""

    params: float
    tokens: float
    flops: float
    """Training FLOPs, in the law's convention."""
    loss: float | None
    """None where the law has no loss."""
    loss_interval: Interval | None
    """None without draws."""
    spread: OptimumSpread | None
    """None without draws, and where the objective leaves nothing to the law."""

    @classmethod
    def of(cls, source: LawSource, objective: Objective, flops: float, level: float) -> Allocation:
        """The choice of `objective` for `flops` training FLOPs. Raises RefusedError where the law cannot answer."""
        N, D = (float(value) for value in objective.choose(source.law, flops, source.cost))
        loss, interval = expected_loss(source, objective, N, D, level)
        draws = source.draws
        return cls(
            params=N,
            tokens=D,
            flops=float(source.cost.training_flops(N, D)),
            loss=loss,
            loss_interval=interval,
            spread=None
            if draws is None or objective.fixed
            else OptimumSpread.of(objective.choose(draws, flops, source.cost), level),
        )


def expected_loss(
    source: LawSource, objective: Objective, N: float, D: float, level: float
) -> tuple[float | None, Interval | None]:
    """(loss, interval) of one run at the plan's (N, D), with repeated tokens discounted where text is limited."""
    if not source.law.has_loss:
        return None, None
    if not objective.repeats_tokens:
        return source.expected_loss(N, D, level)
    loss = float(objective.loss(source.law, N, D))
    if source.forecaster is not None:
        # The forecaster knows fresh text only: the law says by which factor repeating as many tokens raises the loss.
        fresh, interval = source.expected_loss(N, D, level)
        factor = loss / float(source.law.loss(N, D))
        return fresh * factor, None if interval is None else (interval[0] * factor, interval[1] * factor)
    draws = source.draws
    return loss, None if draws is None else loss_interval(objective.loss(draws, N, D), level, source.scatter)


def planned_loss(source: LawSource, objective: Objective, flops: float) -> float:
    """Loss that a plan for `flops` expects. Raises RefusedError where the law cannot answer."""
    moved, _ = source.for_budget(flops, LEVEL)
    N, D = (float(value) for value in objective.choose(moved.law, flops, moved.cost))
    if moved.forecaster is None:
        return float(objective.loss(moved.law, N, D))
    factor = float(objective.loss(moved.law, N, D)) / float(moved.law.loss(N, D)) if objective.repeats_tokens else 1.0
    return float(moved.forecaster.point(N, D)[0]) * factor


def expected_waste(source: LawSource, chosen: Allocation) -> float | None:
    """Share of the budget expected to be lost to not knowing N better; None without draws or a Chinchilla law.

    The mean, over where the best N may lie, of what the chosen N then wastes (`laws.wasted_by_size`): near it
    (alpha + beta) / 2 Var ln N.
    """
    law = source.law
    if chosen.spread is None or not isinstance(law, ChinchillaLaw):
        return None
    off = np.log(chosen.params) - chosen.spread.log_params
    return float(np.mean(wasted_by_size(law, off, chosen.params, source.cost)))
