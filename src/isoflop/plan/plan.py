"""What to train with a compute budget: how large, on how many tokens, with what loss, how sure, at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isoflop.arch.memory import memory_bytes
from isoflop.errors import InputError, Notice
from isoflop.laws import Law, Provenance
from isoflop.plan.alternatives import Alternative, SmallerModel, alternatives, smaller_models, wasted_share
from isoflop.plan.buildable import DEFAULT_SEQ_LEN, Buildable, ShapeRule, build_nearest
from isoflop.plan.choice import Choice, expected_waste
from isoflop.plan.comparison import LawAtBudget, other_laws
from isoflop.plan.fleet import Bill, Fleet
from isoflop.plan.layout import Placement
from isoflop.plan.limits import DEFAULT_LEVEL, Interval, check_level, domain_notices
from isoflop.plan.objectives import Objective, TrainingOnly
from isoflop.plan.placement import place
from isoflop.plan.source import FormOptimum, LawSource


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
    wasted_share: float | None
    """Share of the FLOPs that the law's best N would save at this loss, where N or D was fixed; else None."""
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
    """What else could be trained (`plan.alternatives`); none without a loss surface."""
    smaller_models: tuple[SmallerModel, ...]
    """What the same loss costs with smaller models; none without a loss surface."""
    other_laws: tuple[LawAtBudget, ...]
    """What the published laws say at this budget; none where a token does not cost 6 N."""
    notices: tuple[Notice, ...]
    forms: tuple[FormOptimum, ...] = ()
    """What other forms fitted to the same runs hold for the optimum of `budget_flops`, whatever the objective."""
    placement: Placement | None = None
    """How `buildable` is laid out on the fleet; None without either, or where `notices` say why."""

    @property
    def tokens_per_param(self) -> float:
        """D / N."""
        return self.tokens / self.params

    @property
    def expected_waste_price(self) -> float | None:
        """The expected waste in money; None where the waste or the price is not known."""
        if self.expected_waste is None or self.bill is None or self.bill.price is None:
            return None
        return self.expected_waste * self.bill.price

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
            "expected_waste_price": self.expected_waste_price,
            "wasted_share": self.wasted_share,
            "objective": self.objective.as_json(),
            "law": self.law.as_json(),
            "extrapolation_factor": self.extrapolation_factor,
            "architecture": None if self.buildable is None else self.buildable.as_json(),
            "memory_bytes": self.memory,
            "hours": None if self.bill is None else self.bill.hours,
            "price": None if self.bill is None else self.bill.price,
            "bill": None if self.bill is None else self.bill.as_json(),
            "layout": None if self.placement is None else self.placement.as_json(),
            "alternatives": [alternative.as_json() for alternative in self.alternatives],
            "forms": [form.as_json() for form in self.forms],
            "smaller_models": [model.as_json() for model in self.smaller_models],
            "other_laws": [{"law": other.law.name, **other.as_json()} for other in self.other_laws],
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
    batch_tokens: float | None = None,
) -> Plan:
    """The plan for `flops` training FLOPs, in the law's convention.

    A law alone stands for `LawSource(law=law)`: C = 6 N D and no draws, so no intervals. `shape_rule` turns a size
    into a shape (None: no shape); `seq_len` is the context for its memory and FLOPs, `batch_tokens` are those of a step
    on the fleet (None: by the Step Law). Raises InputError for a budget or
    level that is none, RefusedError where the law cannot answer.

    >>> from isoflop.laws import published_law
    >>> plan = make_plan(published_law("besiroglu2024"), 5.76e23)
    >>> f"{plan.params:.4g} {plan.tokens:.4g} {plan.loss:.4f}"
    '7.225e+10 1.329e+12 1.9744'
    """
    origin = _checked(source, flops, level)
    law, aim = origin.law, objective or TrainingOnly()
    chosen = Choice.of(origin, aim, flops, level)
    buildable, unbuilt = build_nearest(origin, aim, chosen, shape_rule, seq_len)
    bill = None if fleet is None else fleet.bill(chosen.flops)
    placement, unplaced = _placement(buildable, fleet, batch_tokens)
    notices = domain_notices(
        law, params=chosen.params, tokens=chosen.tokens, flops=flops, has_draws=origin.draws is not None
    )
    notices += [*aim.notices(chosen.params, chosen.tokens, flops, origin.cost), *origin.notices, *unbuilt, *unplaced]
    return Plan(
        budget_flops=flops,
        flops=chosen.flops,
        params=chosen.params,
        tokens=chosen.tokens,
        loss=chosen.loss,
        loss_interval=chosen.loss_interval,
        params_interval=None if chosen.spread is None else chosen.spread.params,
        tokens_interval=None if chosen.spread is None else chosen.spread.tokens,
        level=level,
        expected_waste=expected_waste(origin, chosen),
        wasted_share=_wasted_share(origin, aim, chosen),
        objective=aim,
        law=law.provenance,
        extrapolation_factor=law.provenance.extrapolation_factor(flops),
        buildable=buildable,
        memory=None if buildable is None else memory_bytes(buildable.architecture, seq_len),
        bill=bill,
        alternatives=_alternatives(origin, aim, chosen),
        smaller_models=smaller_models(law, chosen.params, chosen.tokens, origin.cost, aim),
        other_laws=other_laws(origin, flops),
        notices=(*notices, *(() if bill is None else bill.notices)),
        forms=origin.said_by_forms(flops),
        placement=placement,
    )


def _placement(
    buildable: Buildable | None, fleet: Fleet | None, batch_tokens: float | None
) -> tuple[Placement | None, tuple[Notice, ...]]:
    if buildable is None or fleet is None:
        return None, ()
    arch, seq_len = buildable.architecture, buildable.seq_len
    return place(arch, seq_len, fleet.hardware, fleet.count, tokens=buildable.tokens, batch_tokens=batch_tokens)


def _checked(source: LawSource | Law, flops: float, level: float) -> LawSource:
    if not (np.isfinite(flops) and flops > 0):
        raise InputError(f"flops: expected a positive number of FLOPs, got {flops!r}")
    check_level(level)
    origin = source if isinstance(source, LawSource) else LawSource(law=source)
    origin.check_reach(flops)
    return origin


def _wasted_share(source: LawSource, objective: Objective, chosen: Choice) -> float | None:
    if chosen.loss is None or not objective.fixed:
        return None
    loss = float(objective.loss(source.law, chosen.params, chosen.tokens))
    return wasted_share(source.law, loss, chosen.flops, source.cost, objective)


def _alternatives(source: LawSource, objective: Objective, chosen: Choice) -> tuple[Alternative, ...]:
    if chosen.loss is None:
        return ()
    return alternatives(source.law, chosen.params, chosen.tokens, source.cost, objective, expected_loss=chosen.loss)


def _as_list(interval: Interval | None) -> list[float] | None:
    return None if interval is None else list(interval)
