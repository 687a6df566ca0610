"""How much compute a wish takes: the least that reaches a loss, what a run of known size and length costs, or what
devices do in their days and for their money.
"""

from __future__ import annotations

import math

import numpy as np

from isoflop.arch import Architecture
from isoflop.errors import InputError, RefusedError
from isoflop.laws import SIX_N, Law
from isoflop.laws.bisection import bracket
from isoflop.plan.allocation import planned_loss
from isoflop.plan.buildable import flops_over_law
from isoflop.plan.cluster import MODEL_FLOPS, Fleet
from isoflop.plan.fixed import SizeLimit
from isoflop.plan.intervals import DEFAULT_LEVEL
from isoflop.plan.law_source import LawSource
from isoflop.plan.objectives import Objective, TrainingOnly, check_positive
from isoflop.plan.serving import ServingLimit
from isoflop.recipe import TrainingRecipe

_FINEST = 4e-12  # of ln C, between which a loss is sought
_FURTHEST_FORECAST = 1e4  # times the rows' compute, either way
# Between a handful of parameters on a handful of tokens, and a billion times all that was ever trained.
_LEAST_FLOPS, _MOST_FLOPS = 1e3, 1e36
# Model FLOPs over the law's, or the reverse, at the most: attention at 10^6 tokens is 130 times 6 N of 1B parameters.
_MOST_OVER = 1e4


def flops_for_loss(
    source: LawSource | Law, loss: float, objective: Objective | None = None, *, most_params: float | None = None
) -> float:
    """Least training FLOPs, in the law's convention, with which what `objective` chooses reaches `loss`.

    Where it chooses more than `most_params`, that is the size, and the FLOPs are those that the loss takes with it.

    Raises InputError for a loss that is none, RefusedError `out_of_reach` where no compute suffices, and as the
    objective does for a law without a loss.

    >>> from isoflop.laws import published_law
    >>> f"{flops_for_loss(published_law('besiroglu2024'), 1.973881863):.4e}"
    '5.8763e+23'
    """
    origin = source if isinstance(source, LawSource) else LawSource(law=source)
    law, cost, aim = origin.law, origin.cost, objective or TrainingOnly()
    if not (math.isfinite(loss) and loss > 0):
        raise InputError(f"loss: expected a positive number in the law's unit, got {loss!r}")

    def by_law(log_flops: float | np.ndarray) -> np.ndarray:
        flops = np.exp(np.asarray(log_flops, dtype=np.float64))
        return np.asarray(aim.loss(law, *aim.choose(law, flops, cost)))

    def by_forecast(log_flops: float | np.ndarray) -> np.ndarray:
        losses = [planned_loss(origin, aim, math.exp(each)) for each in np.atleast_1d(log_flops)]
        return np.reshape(losses, np.shape(log_flops))

    reached = by_law
    low, high = math.log(_LEAST_FLOPS), math.log(_MOST_FLOPS)
    reach = law.provenance.domain.get("flops")
    if origin.forecaster is not None and reach is not None:
        # As the plan will choose and forecast it: beyond its runs the law's own frontier says another loss.
        low, high = math.log(reach[0] / _FURTHEST_FORECAST), math.log(reach[1] * _FURTHEST_FORECAST)
        reached = by_forecast
    if (least_loss := float(np.min(reached(high)))) > loss:
        least = f"it goes down to {least_loss:.4f}"
        limit = f" with at most {aim.params:.3g} parameters" if isinstance(aim, SizeLimit) else ""
        raise RefusedError(
            "out_of_reach", f"no compute reaches a loss of {loss:g} under {law.provenance.name}{limit}: {least}"
        )
    if float(np.min(reached(low))) <= loss:
        raise InputError(f"loss: {loss:g} takes no training under {law.provenance.name}; expected a lower one")
    # A grid of budgets costs a law what one does, and a forecaster a forecast each.
    parts = 32 if origin.forecaster is None else 2
    _, enough = bracket(lambda log_flops: reached(log_flops) > loss, low, high, tolerance=_FINEST, parts=parts)
    flops = math.exp(enough)
    moved, _ = origin.at(flops, DEFAULT_LEVEL)
    if most_params is not None and not aim.fixed and float(aim.choose(moved.law, flops, cost)[0]) > most_params:
        return flops_for_loss(origin, loss, SizeLimit(objective=aim, params=most_params))
    return flops


def flops_of_run(source: LawSource | Law, params: float, tokens: float) -> float:
    """Training FLOPs of `params` parameters on `tokens` tokens, in the law's convention: 6 N D for published laws.

    Raises InputError for numbers that are none.

    >>> from isoflop.laws import published_law
    >>> f"{flops_of_run(published_law('besiroglu2024'), 70e9, 1.4e12):.3g}"
    '5.88e+23'
    """
    check_positive("params", params)
    check_positive("tokens", tokens)
    cost = source.cost if isinstance(source, LawSource) else SIX_N
    return float(cost.flops_per_token(params)) * tokens


def flops_on_fleet(
    source: LawSource | Law,
    fleet: Fleet,
    recipe: TrainingRecipe,
    *,
    objective: Objective | None = None,
    serving: ServingLimit | None = None,
) -> float:
    """Most training FLOPs, in the law's convention, that the days and the money of `fleet` pay for.

    A fleet does model FLOPs, attention included, and a law counts 6 N D or as its runs were counted. What one is over
    the other depends on the shape that `recipe` builds for the budget, so the budget is sought: by bisection, to 1e-12.
    Sizes of shapes are steps, so the bill may end a step below what the fleet does, and is never above it. Where no
    shape can be built the two are taken to be one. Raises InputError for a fleet without days and money.
    """
    origin = source if isinstance(source, LawSource) else LawSource(law=source)
    done, aim, law = fleet.flops(), objective or TrainingOnly(), origin.law.provenance
    largest: list[Architecture] = []

    def over_law(flops: float) -> float:
        try:
            moved, _ = origin.at(flops, DEFAULT_LEVEL)
            arch = recipe.architecture(float(aim.choose(moved.law, flops, origin.cost)[0]))
        except InputError:
            return 1.0
        if serving is not None and not serving.fits(arch, recipe.seq_len):
            largest[:] = largest or [serving.largest(recipe)]
            arch = largest[0]
        return flops_over_law(arch, recipe.seq_len, law, MODEL_FLOPS)

    low, high = done / _MOST_OVER, done * _MOST_OVER
    while high / low > 1 + 1e-12:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if middle * over_law(middle) <= done else (low, middle)
    return low
