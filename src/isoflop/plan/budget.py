"""The compute budget of a request: the least that reaches a loss, or that of a run of known size and length."""

from __future__ import annotations

import math

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError, RefusedError
from isoflop.fit import LEVEL
from isoflop.laws.bisection import bracket
from isoflop.plan.allocation import planned_loss
from isoflop.plan.fixed import SizeLimit
from isoflop.plan.law_source import AnyLaw, LawSource
from isoflop.plan.objectives import Objective, TrainingOnly
from isoflop.units import Quantity, format_number, format_quantity, parse_quantity

_FURTHEST_FORECAST = 1e4  # times the rows' compute, either way
_FINEST = 1e-14  # of ln C, between which a loss is sought: the spacing of floats
# Between a handful of parameters on a handful of tokens, and a billion times all that was ever trained.
_LEAST_FLOPS, _MOST_FLOPS = 1e3, 1e36


def flops_for_loss(
    source: AnyLaw, loss: Quantity, objective: Objective | None = None, *, most_params: float | None = None
) -> float:
    """Least training FLOPs, in the law's convention, with which the choice of `objective` reaches `loss`.

    Where it chooses more than `most_params`, that is the size, and the FLOPs are those that the loss takes with it.

    Raises InputError unless `loss` is positive, RefusedError `out_of_reach` where no compute suffices, and as the
    objective does for a law without a loss.

    >>> from isoflop.laws import published_law
    >>> f"{flops_for_loss(published_law('besiroglu2024'), 1.973881863):.4e}"
    '5.8763e+23'
    """
    source, objective = LawSource.of(source), objective or TrainingOnly()
    loss = parse_quantity(loss, "loss")
    flops = _least_flops(source, loss, objective)
    if most_params is None or objective.fixed:
        return flops
    moved, _ = source.for_budget(flops, LEVEL)
    if float(objective.choose(moved.law, flops, source.cost)[0]) > most_params:
        return _least_flops(source, loss, SizeLimit(objective=objective, params=most_params))
    return flops


def _least_flops(source: LawSource, loss: float, objective: Objective) -> float:
    """Least training FLOPs with which the choice of `objective` reaches `loss`."""
    law, cost = source.law, source.cost

    def by_law(log_flops: float | Array) -> Array:
        flops = np.exp(np.asarray(log_flops, dtype=np.float64))
        return np.asarray(objective.loss(law, *objective.choose(law, flops, cost)))

    def by_forecast(log_flops: float | Array) -> Array:
        losses = [planned_loss(source, objective, math.exp(each)) for each in np.atleast_1d(log_flops)]
        return np.reshape(losses, np.shape(log_flops))

    loss_at = by_law
    low, high = math.log(_LEAST_FLOPS), math.log(_MOST_FLOPS)
    reach = law.provenance.domain.get("flops")
    if source.forecaster is not None and reach is not None:
        # The plan will take size and loss from the forecaster, which beyond the runs differs from the law's frontier.
        low, high = math.log(reach[0] / _FURTHEST_FORECAST), math.log(reach[1] * _FURTHEST_FORECAST)
        loss_at = by_forecast
    if (least_loss := float(np.min(loss_at(high)))) > loss:
        least = f"it goes down to {least_loss:.4f}"
        most = objective.most_params
        limit = f" with at most {format_quantity(most)} parameters" if math.isfinite(most) else ""
        raise RefusedError(
            "out_of_reach",
            f"no compute reaches a loss of {format_number(loss, 6)} under {law.provenance.name}{limit}: {least}",
        )
    if float(np.min(loss_at(low))) <= loss:
        raise InputError(
            f"loss: {format_number(loss, 6)} takes no training under {law.provenance.name}; expected a lower one"
        )
    # A law answers a grid of budgets at the cost of one, a forecaster takes a forecast for each.
    parts = 32 if source.forecaster is None else 2
    _, enough = bracket(lambda log_flops: loss_at(log_flops) > loss, low, high, tolerance=_FINEST, parts=parts)
    return math.exp(enough)


def flops_of_run(source: AnyLaw, params: Quantity, tokens: Quantity) -> float:
    """Training FLOPs of `params` parameters on `tokens` tokens, in the law's convention: 6 N D for published laws.

    Raises InputError unless both are positive.

    >>> from isoflop.laws import published_law
    >>> f"{flops_of_run(published_law('besiroglu2024'), 70e9, 1.4e12):.3g}"
    '5.88e+23'
    """
    params, tokens = parse_quantity(params, "params"), parse_quantity(tokens, "tokens")
    return float(LawSource.of(source).cost.training_flops(params, tokens))
