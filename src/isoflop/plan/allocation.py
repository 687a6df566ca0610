"""The N and D of a plan, the loss to expect, and how sure both are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.resampling import percentile_interval
from isoflop.laws import ChinchillaLaw, wasted_by_size
from isoflop.plan.intervals import Interval, loss_interval
from isoflop.plan.law_source import LawSource
from isoflop.plan.solution import Solution
from isoflop.plan.solver.problem import Problem


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
    """N and D of a solution, and how sure they are."""

    params: float
    tokens: float
    flops: float
    """Training FLOPs, in the law's convention."""
    loss: float | None
    """None where the law has no loss."""
    loss_interval: Interval | None
    """None without draws."""
    spread: OptimumSpread | None
    """None without draws, and where the problem leaves nothing to the law."""

    @classmethod
    def of(cls, source: LawSource, solution: Solution, flops: float, level: float) -> Allocation:
        """The `solution` for `flops` training FLOPs. Raises RefusedError where the draws of the law cannot answer."""
        problem, N, D = solution.problem, solution.params, solution.tokens
        loss, interval = expected_loss(source, problem, N, D, level)
        draws = source.draws
        return cls(
            params=N,
            tokens=D,
            flops=solution.flops,
            loss=loss,
            loss_interval=interval,
            spread=None
            if draws is None or problem.fixed
            else OptimumSpread.of(problem.choose(draws, flops, source.cost), level),
        )


def expected_loss(
    source: LawSource, problem: Problem, N: float, D: float, level: float
) -> tuple[float | None, Interval | None]:
    """(loss, interval) of one run at the plan's (N, D), with repeated tokens discounted where text is limited."""
    if not source.law.has_loss:
        return None, None
    losses, edges = expected_losses(source, problem, np.array([N]), np.array([D]), level)
    return float(losses[0]), None if edges is None else (float(edges[0, 0]), float(edges[0, 1]))


def expected_losses(
    source: LawSource, problem: Problem, N: Array, D: Array, level: float
) -> tuple[Array, Array | None]:
    """(losses, (points, 2) edges of their intervals) of runs of N on D, each (points,); as `expected_loss`."""
    if not problem.repeats_tokens:
        return source.expected_losses(N, D, level)
    losses = problem.loss(source.law, N, D)
    if source.forecaster is not None:
        # The forecaster knows fresh text only: the law says by which factor repeating as many tokens raises the loss.
        fresh, edges = source.expected_losses(N, D, level)
        factor = losses / source.law.loss(N, D)
        return fresh * factor, None if edges is None else edges * factor[:, None]
    if (draws := source.draws) is None:
        return losses, None
    drawn = (problem.loss(draws, size, tokens) for size, tokens in zip(N, D, strict=True))
    return losses, np.array([loss_interval(each, level, source.scatter) for each in drawn])


def point_loss(source: LawSource, problem: Problem, N: float, D: float) -> float:
    """Loss of a plan at (N, D), as `expected_loss` without the interval, of a `source` moved to the budget."""
    if source.forecaster is None:
        return float(problem.loss(source.law, N, D))
    factor = float(problem.loss(source.law, N, D)) / float(source.law.loss(N, D)) if problem.repeats_tokens else 1.0
    return float(source.forecaster.point(N, D)[0]) * factor


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
