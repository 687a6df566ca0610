"""Models that could be trained instead, and what they waste: the law's best where another size was requested, half or
twice the size, or half the size for the same loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.laws import ComputeCost, Law
from isoflop.laws.bisection import bracket
from isoflop.plan.solver.problem import Problem

# Where the search for FLOPs or tokens gives up: factors away from the plan's own.
_FEWEST, _MOST = 1e-4, 1e4


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another model than the planned one."""

    kind: str
    """`best` for these FLOPs, `same_flops`, or `same_loss` with as many tokens as that takes."""
    params: float
    """N, in the law's convention."""
    tokens: float
    flops: float
    """Training FLOPs, in the law's convention."""
    loss: float
    wasted_share: float
    """Share of those FLOPs that a run with the best N for them would save at this loss, 0 to 1."""


def alternatives(
    law: Law, params: float, tokens: float, cost: ComputeCost, problem: Problem, *, expected_loss: float
) -> tuple[Alternative, ...]:
    """Half and double `params` at the plan's FLOPs, and half of them at its loss where tokens can make up for that.

    Where `problem` fixed a number, the law's own optimum for these FLOPs comes first. None reads more than the
    problem's `most_tokens`. The losses are `expected_loss`,
    the plan's own, and the law's difference. Empty for a law without a loss surface.
    """
    if not law.has_loss:
        return ()
    flops = float(cost.training_flops(params, tokens))
    planned = float(problem.loss(law, params, tokens))
    candidates = [(size, float(cost.tokens(flops, size)), "same_flops") for size in (params / 2, 2 * params)]
    if problem.fixed:
        N, D = problem.best(law, flops, cost)
        candidates.insert(0, (float(N), float(D), "best"))
    enough = tokens_for_loss(law, params / 2, planned, tokens, problem)
    if math.isfinite(enough):
        candidates.append((params / 2, enough, "same_loss"))
    others = []
    for size, trained, kind in candidates:
        if trained > problem.most_tokens:
            continue
        loss, spent = float(problem.loss(law, size, trained)), float(cost.training_flops(size, trained))
        others.append(
            Alternative(
                kind=kind,
                params=size,
                tokens=trained,
                flops=spent,
                loss=expected_loss + (loss - planned),
                wasted_share=wasted_share(law, loss, spent, cost, problem),
            )
        )
    return tuple(others)


@dataclass(frozen=True, kw_only=True)
class SmallerModel:
    """A model that many times smaller than the planned one, with the tokens that make up for it."""

    times_smaller: float
    params: float
    """N, in the law's convention."""
    tokens: float
    flops: float
    """Training FLOPs, in the law's convention."""


# Where the curve of smaller models is drawn: up to half by quarters, then whole numbers; past 10 no law was tested.
_TIMES_SMALLER = (1.25, 1.5, 1.75, 2, 3, 4, 5, 6, 7, 8, 9, 10)


def smaller_models(
    law: Law, params: float, tokens: float, cost: ComputeCost, problem: Problem
) -> tuple[SmallerModel, ...]:
    """What the plan's loss costs with smaller models, as far as tokens can make up for size.

    At the optimum of a Chinchilla law a model m times smaller takes [1 - (beta/alpha)(m^alpha - 1)]^(-1/beta) times the
    tokens, from L(N/m, d D) = L(N, D) and alpha A N^-alpha = beta B D^-beta. Empty for a law without a loss surface.
    """
    if not law.has_loss:
        return ()
    planned = float(problem.loss(law, params, tokens))
    found = []
    for times in _TIMES_SMALLER:
        enough = tokens_for_loss(law, params / times, planned, tokens, problem)
        if math.isinf(enough) or enough > problem.most_tokens:
            break
        spent = float(cost.training_flops(params / times, enough))
        found.append(SmallerModel(times_smaller=times, params=params / times, tokens=enough, flops=spent))
    return tuple(found)


def wasted_share(law: Law, loss: float, flops: float, cost: ComputeCost, problem: Problem) -> float:
    """Share of `flops` that is not needed for `loss`: 1 less the least FLOPs that reach it, over `flops`.

    For C = 6 N D this is `laws.wasted_compute` of the size's factor, computed through the frontier so that it holds for
    any cost and for repeated tokens.
    """

    def too_little(log_flops: np.ndarray) -> np.ndarray:
        return np.asarray(problem.least_loss(law, np.exp(log_flops), cost) > loss)

    # In 32 parts, as a frontier of many budgets costs what one does. Of an optimal run all are too little, by rounding.
    _, least = bracket(too_little, math.log(flops * _FEWEST), math.log(flops), tolerance=1e-14, parts=32)
    return max(0.0, 1 - math.exp(least) / flops)


def tokens_for_loss(law: Law, params: float, loss: float, near: float, problem: Problem) -> float:
    """Tokens with which `params` parameters reach `loss`, sought within 10^4 of `near`; infinity when none suffice."""
    low, high = math.log(near * _FEWEST), math.log(near * _MOST)
    if float(problem.loss(law, params, math.exp(high))) > loss:
        return math.inf
    _, enough = bracket(
        lambda log_tokens: problem.loss(law, params, math.exp(log_tokens)) > loss, low, high, tolerance=1e-16
    )
    return math.exp(enough)
