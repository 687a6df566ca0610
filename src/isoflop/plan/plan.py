"""What to train with a compute budget: how large, on how many tokens, with what loss, how sure, at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isoflop.arch.memory import memory_bytes
from isoflop.errors import InputError, Notice
from isoflop.fit.size import SizeBacktest, SizeForecast
from isoflop.hardware import SECONDS_PER_HOUR
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import Law, Provenance
from isoflop.laws.rates import KnownRates
from isoflop.plan.allocation import Choice, expected_waste
from isoflop.plan.alternatives import Alternative, SmallerModel, alternatives, smaller_models, wasted_share
from isoflop.plan.buildable import Buildable, build_nearest, flops_over_law, how_to_train
from isoflop.plan.cluster import MODEL_FLOPS, Bill, Fleet
from isoflop.plan.intervals import DEFAULT_LEVEL, Interval, check_level, domain_notices, guessing_notices
from isoflop.plan.law_source import FormOptimum, LawSource
from isoflop.plan.layout_search import Placement
from isoflop.plan.objectives import Objective, TrainingOnly
from isoflop.plan.other_laws import LawAtBudget, other_laws
from isoflop.plan.placement import place
from isoflop.plan.serving import ServingLimit
from isoflop.recipe import TrainingRecipe


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
    serving: ServingLimit | None = None
    """What may be served, where that was limited."""
    rates: KnownRates | None = None
    """Laws of batch and rate and published models of the size, side by side; None where the recipe was measured."""
    rates_rule: str = ""
    """By which rule batch and peak rate are set; empty where no run was asked for."""
    placement: Placement | None = None
    """How `buildable` is laid out on the fleet; None without either, or where `notices` say why."""
    size: SizeForecast | None = None
    """Where the best size of `budget_flops` lies, whatever the objective; None for a published law."""
    size_backtest: SizeBacktest | None = None
    """The best size of the runs' top budget, forecast without it; None where there is none."""

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

    @property
    def step_seconds(self) -> float | None:
        """Seconds of one step at the bill's expected utilization; None without devices or a shape to build."""
        if self.bill is None or self.buildable is None:
            return None
        return self.bill.hours * SECONDS_PER_HOUR * self.buildable.run.batch_tokens / self.buildable.tokens

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
            "run": self.buildable and {**how_to_train(self.buildable.run), "rates_rule": self.rates_rule},
            "rates": None if self.rates is None else self.rates.as_json(),
            "memory_bytes": self.memory,
            "serving": self._serving(),
            "hours": None if self.bill is None else self.bill.hours,
            "step_seconds": self.step_seconds,
            "price": None if self.bill is None else self.bill.price,
            "bill": None if self.bill is None else self.bill.as_json(),
            "layout": None if self.placement is None else self.placement.as_json(),
            "alternatives": [alternative.as_json() for alternative in self.alternatives],
            "forms": [form.as_json() for form in self.forms],
            "size": None if self.size is None else self.size.as_json(),
            "size_backtest": None if self.size_backtest is None else self.size_backtest.as_json(),
            "smaller_models": [model.as_json() for model in self.smaller_models],
            "other_laws": [{"law": other.law.name, **other.as_json()} for other in self.other_laws],
            "warnings": [notice.as_json() for notice in self.notices],
        }

    def _serving(self) -> dict[str, Any] | None:
        if self.serving is None:
            return None
        built = self.buildable
        return self.serving.as_json(*((None, 0) if built is None else (built.architecture, built.seq_len)))


def make_plan(
    source: LawSource | Law,
    flops: float,
    *,
    level: float = DEFAULT_LEVEL,
    objective: Objective | None = None,
    recipe: TrainingRecipe | Literal["large"] | None = "large",
    fleet: Fleet | None = None,
    serving: ServingLimit | None = None,
) -> Plan:
    """The plan for `flops` training FLOPs, in the law's convention.

    A law alone stands for `LawSource(law=law)`: C = 6 N D and no draws, so no intervals. `recipe` shapes the model and
    says how to train it (None: numbers alone; "large": `LargeRecipe` in the law's own way of counting). `serving`
    bounds the size by what may be served. Raises InputError for a budget or level that is none and for less than a
    batch of tokens, RefusedError where the law cannot answer or no such model can be served.

    >>> from isoflop.laws import published_law
    >>> plan = make_plan(published_law("besiroglu2024"), 5.76e23)
    >>> f"{plan.params:.4g} {plan.tokens:.4g} {plan.loss:.4f}"
    '7.225e+10 1.329e+12 1.9744'
    """
    origin, size = _checked(source, flops, level).at(flops, level)
    law, how = origin.law, _resolved(recipe, origin)
    aim, chosen, limited = _chosen(origin, objective or TrainingOnly(), flops, level, serving, how)
    buildable, unbuilt = build_nearest(origin, aim, chosen, how)
    bill = _bill(fleet, buildable, chosen, law.provenance)
    buildable, placement, unplaced = _placed(buildable, how, fleet)
    vocab_size = None if how is None else how.vocab_size
    outside = (*_notices(origin, aim, chosen, flops), *guessing_notices(law, chosen.loss, vocab_size))
    notices = (*outside, *limited, *origin.notices, *unbuilt, *unplaced)
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
        memory=None if buildable is None else memory_bytes(buildable.architecture, buildable.seq_len),
        bill=bill,
        alternatives=_alternatives(origin, aim, chosen),
        smaller_models=smaller_models(law, chosen.params, chosen.tokens, origin.cost, aim),
        other_laws=other_laws(origin, flops),
        notices=(*notices, *(() if bill is None else bill.notices)),
        forms=origin.said_by_forms(flops),
        serving=serving,
        rates=None if how is None or buildable is None else how.known_rates(buildable.architecture, buildable.tokens),
        rates_rule="" if how is None else how.rates_rule,
        placement=placement,
        size=size,
        size_backtest=origin.size_backtest,
    )


def _notices(source: LawSource, aim: Objective, chosen: Choice, flops: float) -> list[Notice]:
    """Where the plan leaves the law's domain, and what its objective has to say of it."""
    drawn = source.draws is not None
    found = domain_notices(source.law, params=chosen.params, tokens=chosen.tokens, flops=flops, has_draws=drawn)
    return [*found, *aim.notices(chosen.params, chosen.tokens, flops, source.cost)]


def _resolved(recipe: TrainingRecipe | Literal["large"] | None, source: LawSource) -> TrainingRecipe | None:
    if recipe == "large":
        return LargeRecipe(params_convention=source.law.provenance.params_convention)
    return recipe


def _chosen(
    source: LawSource,
    aim: Objective,
    flops: float,
    level: float,
    serving: ServingLimit | None,
    recipe: TrainingRecipe | None,
) -> tuple[Objective, Choice, list[Notice]]:
    """(the objective, or the limit of what can be served in its place; what it chooses; why)."""
    chosen = Choice.of(source, aim, flops, level)
    if serving is None:
        return aim, chosen, []
    if recipe is None:
        raise InputError("serving: a limit of what is served needs a recipe that gives shapes")
    limited, said = serving.limited(aim, chosen.params, recipe, source.law.provenance.params_convention)
    return limited, chosen if limited is aim else Choice.of(source, limited, flops, level), said


def _placed(
    buildable: Buildable | None, recipe: TrainingRecipe | None, fleet: Fleet | None
) -> tuple[Buildable | None, Placement | None, tuple[Notice, ...]]:
    """(the shape, with a batch that divides over the fleet; its layout there; why there is none)."""
    if buildable is None or recipe is None or fleet is None:
        return buildable, None, ()
    run = buildable.run
    found, notices = place(
        run.architecture,
        run.seq_len,
        fleet.hardware,
        fleet.count,
        batch=run.batch_tokens // run.seq_len,
        slack=recipe.batch_slack,
    )
    if found is None:
        return buildable, None, notices
    return buildable.with_batch(recipe, found.batch_sequences * run.seq_len), found, notices


def _bill(fleet: Fleet | None, buildable: Buildable | None, chosen: Choice, law: Provenance) -> Bill | None:
    """The bill of the shape's FLOPs as utilization counts them; of the law's where there is no shape."""
    if fleet is None:
        return None
    if buildable is None:
        return fleet.bill(chosen.flops, law.flops_convention)
    over = flops_over_law(buildable.architecture, buildable.seq_len, law, MODEL_FLOPS)
    return fleet.bill(chosen.flops * over)


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
