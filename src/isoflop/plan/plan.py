"""What to train with a compute budget: how large, on how many tokens, with what loss, how sure, at what cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isoflop.arch import Architecture, flops_per_token
from isoflop.arch.memory import memory_bytes
from isoflop.arch.shapes import nearest_shape
from isoflop.errors import InputError, Notice
from isoflop.fit.resample import percentile_interval
from isoflop.laws import ChinchillaLaw, ComputeCost, Law, Provenance
from isoflop.plan.alternatives import Alternative, alternatives
from isoflop.plan.fleet import Bill, Fleet
from isoflop.plan.limits import DEFAULT_LEVEL, Interval, check_level, domain_notices, loss_interval
from isoflop.plan.objectives import LimitedData, Objective, TrainingOnly
from isoflop.plan.source import LawSource

ShapeRule = Callable[[float], Architecture]
"""Wished parameters, in the law's convention -> the shape to build. Raises InputError where there is none."""

DEFAULT_SEQ_LEN = 2_048
"""Context of Hoffmann et al. 2022, for the memory and FLOPs of a shape when nothing else was said."""


@dataclass(frozen=True, kw_only=True)
class Buildable:
    """The nearest shape that can be built, and the tokens that the planned FLOPs pay for with it."""

    architecture: Architecture
    params: int
    """Exact, in the law's convention."""
    tokens: float
    flops_per_token: float
    """In the law's convention, at `seq_len`."""
    loss: float | None
    """Expected at these exact numbers; None without a loss surface."""
    seq_len: int
    """Context in tokens."""

    def as_json(self) -> dict[str, Any]:
        """The architecture's fields, with these beside them."""
        return {
            **self.architecture.as_json(),
            "params": self.params,
            "tokens": self.tokens,
            "flops_per_token": self.flops_per_token,
            "loss": self.loss,
            "seq_len": self.seq_len,
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An answer, with its uncertainty and its price. Numbers that are not known are None; `notices` say why."""

    budget_flops: float
    """Training FLOPs asked for, in the law's convention."""
    flops: float
    """Training FLOPs of the plan: the budget, or more where inference demand pays for it."""
    params: float
    """N that the objective chooses, in the law's convention."""
    tokens: float
    """D that the objective chooses."""
    loss: float | None
    """Expected final loss, in the law's unit."""
    loss_interval: Interval | None
    """Of one run at this (N, D): by the source's forecaster, or over its draws and the scatter of single runs."""
    params_interval: Interval | None
    """Where the best N lies."""
    tokens_interval: Interval | None
    """Where the best D lies."""
    level: float
    """Nominal probability of the intervals."""
    expected_waste: float | None
    """Share of the budget expected to be lost to not knowing N better: curvature times the variance of ln N."""
    objective: Objective
    law: Provenance
    extrapolation_factor: float | None
    """Budget over the largest compute that the law was fitted to; None when that is not known."""
    buildable: Buildable | None
    memory: dict[str, int] | None
    """Bytes of `buildable`: {train, train_state, train_activations_per_sequence, serve}."""
    bill: Bill | None
    """Hours and price, where devices were named."""
    alternatives: tuple[Alternative, ...]
    """Half and double the size for the same FLOPs, half the size for the same loss; none without a loss surface."""
    notices: tuple[Notice, ...]

    @property
    def tokens_per_param(self) -> float:
        """D / N."""
        return self.tokens / self.params

    def as_json(self) -> dict[str, Any]:
        """The object that `isoflop plan --json` prints."""
        return {
            "budget_flops": self.budget_flops,
            "flops": self.flops,
            "params": self.params,
            "tokens": self.tokens,
            "tokens_per_param": self.tokens_per_param,
            "loss": self.loss,
            "loss_interval": _as_list(self.loss_interval),
            "params_interval": _as_list(self.params_interval),
            "tokens_interval": _as_list(self.tokens_interval),
            "level": self.level,
            "expected_waste": self.expected_waste,
            "objective": self.objective.as_json(),
            "law": self.law.as_json(),
            "extrapolation_factor": self.extrapolation_factor,
            "architecture": None if self.buildable is None else self.buildable.as_json(),
            "memory_bytes": self.memory,
            "hours": None if self.bill is None else self.bill.hours,
            "price": None if self.bill is None else self.bill.price,
            "bill": None if self.bill is None else self.bill.as_json(),
            "alternatives": [alternative.as_json() for alternative in self.alternatives],
            "warnings": [notice.as_json() for notice in self.notices],
        }


def make_plan(
    source: LawSource | Law,
    flops: float,
    *,
    level: float = DEFAULT_LEVEL,
    objective: Objective | None = None,
    shape_rule: ShapeRule | Literal["nearest"] | None = "nearest",
    seq_len: int = DEFAULT_SEQ_LEN,
    fleet: Fleet | None = None,
) -> Plan:
    """The plan for `flops` training FLOPs, in the law's convention.

    A law alone stands for `LawSource(law=law)`: C = 6 N D and no draws, so no intervals. `shape_rule` turns a size
    into a shape (None: no shape); `seq_len` is the context for its memory and FLOPs. Raises InputError for a budget or
    level that is none, RefusedError where the law cannot answer.

    >>> from isoflop.laws import published_law
    >>> plan = make_plan(published_law("besiroglu2024"), 5.76e23)
    >>> f"{plan.params:.4g} {plan.tokens:.4g} {plan.loss:.4f}"
    '7.225e+10 1.329e+12 1.9744'
    """
    origin = _checked(source, flops, level)
    law, draws, cost = origin.law, origin.draws, origin.cost
    aim = objective or TrainingOnly()
    N, D = (float(value) for value in aim.choose(law, flops, cost))
    spent = float(cost.flops_per_token(N)) * D
    spread = None if draws is None else _Spread.of(aim.choose(draws, flops, cost), level)
    loss, interval = _expected_loss(origin, aim, N, D, level)
    notices = domain_notices(law, params=N, tokens=D, flops=flops, has_draws=draws is not None)
    notices += [*aim.notices(N, D, flops, cost), *origin.notices]
    buildable = None
    if shape_rule is not None:
        try:
            arch = _nearest(N, law) if shape_rule == "nearest" else shape_rule(N)
        except InputError as error:
            notices.append(Notice(code="no_buildable_shape", message=str(error)))
        else:
            buildable = _build(arch, origin, spent, seq_len, aim)
    bill = None if fleet is None else fleet.bill(spent)
    if bill is not None:
        notices += bill.notices
    return Plan(
        budget_flops=flops,
        flops=spent,
        params=N,
        tokens=D,
        loss=loss,
        loss_interval=interval,
        params_interval=None if spread is None else spread.params,
        tokens_interval=None if spread is None else spread.tokens,
        level=level,
        expected_waste=None if spread is None else _expected_waste(law, N, spread.variance_ln_params, cost),
        objective=aim,
        law=law.provenance,
        extrapolation_factor=law.provenance.extrapolation_factor(flops),
        buildable=buildable,
        memory=None if buildable is None else memory_bytes(buildable.architecture, seq_len),
        bill=bill,
        alternatives=() if loss is None else alternatives(law, N, D, cost, aim, expected_loss=loss),
        notices=tuple(notices),
    )


def _checked(source: LawSource | Law, flops: float, level: float) -> LawSource:
    if not (np.isfinite(flops) and flops > 0):
        raise InputError(f"flops: expected a positive number of FLOPs, got {flops!r}")
    check_level(level)
    origin = source if isinstance(source, LawSource) else LawSource(law=source)
    origin.check_reach(flops)
    return origin


def _expected_loss(
    source: LawSource, objective: Objective, N: float, D: float, level: float
) -> tuple[float | None, Interval | None]:
    """(loss, interval) of one run at the plan's (N, D), with repeated tokens discounted where text is limited."""
    if not source.law.has_loss:
        return None, None
    if not isinstance(objective, LimitedData):
        return source.expected_loss(N, D, level)
    loss = float(objective.loss(source.law, N, D))
    draws = source.draws
    return loss, None if draws is None else loss_interval(objective.loss(draws, N, D), level, source.scatter)


@dataclass(frozen=True, kw_only=True)
class _Spread:
    """What a law's draws say about the best size."""

    params: Interval
    tokens: Interval
    variance_ln_params: float

    @classmethod
    def of(cls, optima: tuple[Any, Any], level: float) -> _Spread:
        sizes, tokens = optima
        return cls(
            params=percentile_interval(sizes, level),
            tokens=percentile_interval(tokens, level),
            variance_ln_params=float(np.var(np.log(sizes))),
        )


def _expected_waste(law: Law, N: float, variance_ln_params: float, cost: ComputeCost) -> float | None:
    """k (alpha + k beta) / 2 Var ln N for a cost ~ N^k: for 6 N the (alpha + beta)/2 Var of economy.expected_waste."""
    if not isinstance(law, ChinchillaLaw):
        return None
    k = float(cost.exponent(N))
    return k * (float(law.alpha) + k * float(law.beta)) / 2 * variance_ln_params


def _nearest(params: float, law: Law) -> Architecture:
    return nearest_shape(params, convention=law.provenance.params_convention)


def _build(arch: Architecture, source: LawSource, flops: float, seq_len: int, objective: Objective) -> Buildable:
    conventions = source.law.provenance
    params = arch.params().by_convention(conventions.params_convention)
    per_token = flops_per_token(arch, seq_len, conventions.flops_convention)
    tokens = flops / per_token
    return Buildable(
        architecture=arch,
        params=params,
        tokens=tokens,
        flops_per_token=per_token,
        loss=_expected_loss(source, objective, params, tokens, DEFAULT_LEVEL)[0],
        seq_len=seq_len,
    )


def _as_list(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
