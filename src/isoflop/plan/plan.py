"""The plan of a compute budget: size and tokens, the loss to expect, how sure both are, and the cost on devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from isoflop.arch.memory import memory_bytes
from isoflop.codec import JsonObject, to_json
from isoflop.errors import Notice
from isoflop.faces import face
from isoflop.fit import LEVEL
from isoflop.hardware import SECONDS_PER_HOUR
from isoflop.laws import Provenance
from isoflop.laws.rates import KnownRates
from isoflop.plan.allocation import Allocation, expected_waste
from isoflop.plan.alternatives import Alternative, SmallerModel, alternatives, smaller_models, wasted_share
from isoflop.plan.buildable import Buildable, build_nearest, corrected_loss, how_to_train, recipe_for
from isoflop.plan.cluster import Cluster, CostEstimate
from isoflop.plan.intervals import Interval, check_level, domain_notices, guessing_notices
from isoflop.plan.law_source import AnyLaw, FormOptimum, LawSource
from isoflop.plan.layout_search import LayoutEstimate
from isoflop.plan.limits import Limit, Question, limits_of
from isoflop.plan.objectives import Objectives
from isoflop.plan.on_cluster import estimate_on_cluster
from isoflop.plan.other_laws import LawAtBudget, other_laws
from isoflop.plan.serving import ServingLimit
from isoflop.plan.solution import solve
from isoflop.plan.solver.problem import Problem
from isoflop.plan.three_lines import plan_lines
from isoflop.recipe import TrainingRecipe
from isoflop.units import Quantity, parse_quantity

if TYPE_CHECKING:
    from isoflop.fit.size import SizeBacktest, SizeForecast


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
    """D that the objective chooses under the law; see `Buildable.budget_tokens` and `RunSpec.tokens`."""
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
    """Share of the budget expected to be lost because N is uncertain: the mean, over the draws of the best N, of what
    the planned N wastes (for small errors the curvature times the variance of ln N)."""
    wasted_share: float | None
    """Share of the FLOPs that the law's best N would save at this loss, where N or D was fixed; else None."""
    objective: Problem
    """What was asked of N and D, with the size limit where one decides."""
    law: Provenance
    extrapolation_factor: float | None
    """Budget over the largest compute that the law was fitted to; None when that is not known."""
    buildable: Buildable | None
    memory: Mapping[str, int] | None
    """Bytes of `buildable`: {train, train_state, train_activations_per_sequence, serve}."""
    cost_estimate: CostEstimate | None
    """Time, price and energy, where devices were named."""
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
    limits: tuple[Limit, ...] = ()
    """Limits of the plan other than its budget, and what each costs."""
    lifetime_flops: float | None = None
    """FLOPs of training and of the inference asked for, in the law's convention; None without inference."""
    rates: KnownRates | None = None
    """Laws of batch and rate and published models of the size, side by side; None where the recipe was measured."""
    rates_rule: str = ""
    """By which rule batch and peak rate are set; empty where no run was asked for."""
    layout_estimate: LayoutEstimate | None = None
    """How `buildable` is laid out on the cluster; None without either, or where `notices` say why."""
    size: SizeForecast | None = None
    """Where the best size of `budget_flops` lies, whatever the objective; None for a published law."""
    size_backtest: SizeBacktest | None = None
    """The best size of the runs' top budget, forecast without it; None where there is none."""

    source: LawSource | None = field(default=None, compare=False)
    """The law that it was made with, at the size forecast for this budget: what else it says can be asked of it."""

    def __repr__(self) -> str:
        return "\n  ".join(plan_lines(self))

    def _repr_html_(self) -> str:
        return str(face("answer_html")(self))

    @property
    def tokens_per_param(self) -> float:
        """D / N."""
        return self.tokens / self.params

    @property
    def expected_waste_price(self) -> float | None:
        """Price of the expected waste; None where the waste or the price is not known."""
        if self.expected_waste is None or self.cost_estimate is None or self.cost_estimate.price is None:
            return None
        return self.expected_waste * self.cost_estimate.price

    @property
    def step_seconds(self) -> float | None:
        """Seconds of one step, of which `cost_estimate.hours` are made; None without devices or a shape to build."""
        if self.cost_estimate is None or self.buildable is None:
            return None
        if self.layout_estimate is not None and self.cost_estimate.hours_source == "layout":
            return self.layout_estimate.time.seconds
        steps = self.buildable.budget_tokens / self.buildable.run.batch_tokens
        return self.cost_estimate.hours * SECONDS_PER_HOUR / steps

    def as_json(self) -> JsonObject:
        """The object that `isoflop plan --json` prints."""
        built, cost = self.buildable, self.cost_estimate
        return {
            "budget_flops": self.budget_flops,
            "flops": self.flops,
            "params": self.params,
            "tokens": self.tokens,
            "tokens_per_param": self.tokens_per_param,
            "loss": self.loss,
            "loss_interval": to_json(self.loss_interval),
            "params_interval": to_json(self.params_interval),
            "tokens_interval": to_json(self.tokens_interval),
            "level": self.level,
            "expected_waste": self.expected_waste,
            "expected_waste_price": self.expected_waste_price,
            "wasted_share": self.wasted_share,
            "objective": to_json(self.objective),
            "law": to_json(self.law),
            "extrapolation_factor": self.extrapolation_factor,
            "architecture": to_json(built),
            "run": None if built is None else {**how_to_train(built.run), "rates_rule": self.rates_rule},
            "rates": to_json(self.rates),
            "memory_bytes": to_json(self.memory),
            "serving": self._serving(),
            "limits": to_json(self.limits),
            "lifetime_flops": self.lifetime_flops,
            "hours": None if cost is None else cost.hours,
            "step_seconds": self.step_seconds,
            "price": None if cost is None else cost.price,
            "bill": to_json(cost),
            "layout": to_json(self.layout_estimate),
            "alternatives": to_json(self.alternatives),
            "forms": to_json(self.forms),
            "size": to_json(self.size),
            "size_backtest": to_json(self.size_backtest),
            "smaller_models": to_json(self.smaller_models),
            "other_laws": [{"law": other.law.name, **other.as_json()} for other in self.other_laws],
            "warnings": to_json(self.notices),
        }

    def _serving(self) -> JsonObject | None:
        if self.serving is None:
            return None
        built = self.buildable
        return self.serving.as_json(*((None, 0) if built is None else (built.architecture, built.seq_len)))


def make_plan(
    source: AnyLaw,
    flops: Quantity,
    *,
    level: float = LEVEL,
    objective: Objectives | Problem | None = None,
    recipe: TrainingRecipe | Literal["large"] | None = "large",
    cluster: Cluster | None = None,
    serving: ServingLimit | None = None,
) -> Plan:
    """The plan for `flops` training FLOPs, in the law's convention.

    `source` is a fit, a law, or the name of a published one; a law alone has C = 6 N D and no draws, so no intervals.
    `recipe` shapes the model and says how to train it (None: numbers alone; "large": `LargeRecipe` in the law's way of
    counting). `objective` is one statement or several that hold at once; `serving` bounds the size. Raises InputError
    for a budget or level out of range and for less than a batch of tokens, RefusedError where the law cannot answer,
    no such model can be served, or two limits contradict each other.

    >>> from isoflop.laws import published_law
    >>> plan = make_plan(published_law("besiroglu2024"), 5.76e23)
    >>> f"{plan.params:.4g} {plan.tokens:.4g} {plan.loss:.4f}"
    '7.225e+10 1.329e+12 1.9744'
    """
    flops = parse_quantity(flops, "flops")
    given = _checked(source, flops, level)
    recipe, problem = recipe_for(recipe, given), Problem.of(objective)
    question = Question(source=given, problem=problem, flops=flops, serving=serving, recipe=recipe)
    return _plan_of(question, cluster, level)


def _plan_of(question: Question, cluster: Cluster | None, level: float) -> Plan:
    flops, recipe = question.flops, question.recipe
    source, size = question.source.for_budget(flops, level)  # its law moved to the forecast size
    law = source.law
    solution = solve(source, question.problem, flops, question.serving, recipe)
    source, built_by = solution.source, solution.recipe
    problem, chosen = solution.problem, Allocation.of(source, solution, flops, level)
    built, unbuilt = build_nearest(source, problem, chosen, built_by)
    loss, interval = corrected_loss(built, source, problem, built_by, level) or (chosen.loss, chosen.loss_interval)
    on_cluster = estimate_on_cluster(cluster, built, built_by, chosen, law.provenance)
    outside = _notices(source, problem, chosen, flops, recipe)
    return Plan(
        budget_flops=flops,
        flops=chosen.flops,
        params=chosen.params,
        tokens=chosen.tokens,
        loss=loss,
        loss_interval=interval,
        params_interval=None if chosen.spread is None else chosen.spread.params,
        tokens_interval=None if chosen.spread is None else chosen.spread.tokens,
        level=level,
        expected_waste=expected_waste(source, chosen),
        wasted_share=_wasted_share(source, problem, chosen),
        objective=problem,
        law=law.provenance,
        extrapolation_factor=law.provenance.extrapolation_factor(flops),
        buildable=(built := on_cluster.buildable),  # its batch divides over the devices now
        memory=None if built is None else memory_bytes(built.architecture, built.seq_len),
        cost_estimate=on_cluster.cost_estimate,
        alternatives=_alternatives(source, problem, chosen),
        smaller_models=smaller_models(law, chosen.params, chosen.tokens, source.cost, problem),
        other_laws=other_laws(source, flops),
        notices=(*outside, *solution.notices, *source.notices, *unbuilt, *on_cluster.notices),
        forms=source.optima_by_form(flops),
        serving=question.serving,
        limits=limits_of(question),
        lifetime_flops=solution.spend if question.problem.inference_tokens else None,
        rates=None if recipe is None or built is None else recipe.known_rates(built.architecture, built.budget_tokens),
        rates_rule="" if recipe is None else recipe.rates_rule,
        layout_estimate=on_cluster.layout_estimate,
        size=size,
        size_backtest=source.size_backtest,
        source=source,
    )


def _notices(
    source: LawSource, problem: Problem, chosen: Allocation, flops: float, recipe: TrainingRecipe | None
) -> list[Notice]:
    """Where the plan leaves the law's domain, the objective's own notices, and a loss that no law holds at."""
    has_draws = source.draws is not None
    return [
        *domain_notices(source.law, params=chosen.params, tokens=chosen.tokens, flops=flops, has_draws=has_draws),
        *problem.notices(chosen.params, chosen.tokens, flops, source.cost),
        *guessing_notices(source.law, chosen.loss, None if recipe is None else recipe.vocab_size),
    ]


def _checked(source: AnyLaw, flops: float, level: float) -> LawSource:
    """The source, a law alone as one. Raises InputError or RefusedError for what it cannot be asked."""
    check_level(level)
    source = LawSource.of(source)
    source.check_reach(flops)
    return source


def _wasted_share(source: LawSource, problem: Problem, chosen: Allocation) -> float | None:
    if chosen.loss is None or not problem.fixed:
        return None
    loss = float(problem.loss(source.law, chosen.params, chosen.tokens))
    return wasted_share(source.law, loss, chosen.flops, source.cost, problem)


def _alternatives(source: LawSource, problem: Problem, chosen: Allocation) -> tuple[Alternative, ...]:
    if chosen.loss is None:
        return ()
    return alternatives(source.law, chosen.params, chosen.tokens, source.cost, problem, expected_loss=chosen.loss)
