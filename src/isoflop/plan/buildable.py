"""The run of a plan: the nearest shape that can be built, how to train it, and what that takes on a cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

from isoflop.arch import Architecture, flops_per_token
from isoflop.codec import JsonObject, to_json
from isoflop.errors import InputError, Notice
from isoflop.fit import LEVEL
from isoflop.hardware import SECONDS_PER_HOUR
from isoflop.laws import Provenance
from isoflop.plan.allocation import Allocation, expected_loss
from isoflop.plan.cluster import MODEL_FLOPS, Cluster, CostEstimate, Duration
from isoflop.plan.law_source import LawSource
from isoflop.plan.layout_search import LayoutEstimate, estimate_or_notice, find_layout
from isoflop.plan.objectives import Objective
from isoflop.recipe import TrainingRecipe
from isoflop.spec import RunSpec
from isoflop.units import format_flops, format_quantity

_LEAST_COST_APART = 0.1  # of ln FLOPs a token, below which it is within the spacing of shapes


@dataclass(frozen=True, kw_only=True)
class Buildable:
    """The nearest shape that can be built, and the run that trains it with the planned FLOPs."""

    architecture: Architecture
    params: int
    """Exact number, in the law's convention."""
    budget_tokens: float
    """Tokens that the planned FLOPs pay for at exactly this size. The law's own D, `Plan.tokens`, is for the size that
    it would choose, and `run.tokens` is a whole number of batches: the three differ in the third digit."""
    flops_per_token: float
    """Training FLOPs in the law's convention, at the run's context."""
    loss: float | None
    """Expected loss of `params` on `budget_tokens`; None without a loss surface."""
    run: RunSpec
    """How to train it, on `budget_tokens` to the nearest batch; without a corpus yet, and with seed 0."""

    @property
    def seq_len(self) -> int:
        """Context in tokens."""
        return self.run.seq_len

    def run_spec(self, corpus: str) -> RunSpec:
        """The run on the text whose digest is `corpus`."""
        return replace(self.run, corpus=corpus)

    def with_batch(self, recipe: TrainingRecipe, batch_tokens: int) -> Buildable:
        """The same with another number of tokens a step, a whole number of sequences."""
        budget = self.run.budget_flops
        run = recipe.spec(self.architecture, self.budget_tokens, budget_flops=budget, batch_tokens=batch_tokens)
        return replace(self, run=run)

    def as_json(self) -> JsonObject:
        """The fields of the architecture and the others in one object; `budget_tokens` is under `tokens`."""
        return {
            **self.architecture.as_json(),
            "params": self.params,
            "tokens": self.budget_tokens,
            "flops_per_token": self.flops_per_token,
            "loss": self.loss,
            "seq_len": self.seq_len,
        }


def build_nearest(
    source: LawSource,
    objective: Objective,
    chosen: Allocation,
    recipe: TrainingRecipe | None,
) -> tuple[Buildable | None, list[Notice]]:
    """(the shape nearest to the chosen size, with its run; notices about it) or (None, the reason that there is none).

    No shape and no reason without a recipe. Raises InputError where the tokens do not make one batch.
    """
    if recipe is None:
        return None, []
    try:
        arch = objective.largest_shape or recipe.architecture(chosen.params)
    except InputError as error:
        return None, [Notice(code="no_buildable_shape", message=str(error))]
    built = _build(arch, source, chosen.flops, recipe, objective)
    return built, [*recipe.notices(arch, built.budget_tokens), *_cost_notices(built, source)]


def _cost_notices(built: Buildable, source: LawSource) -> list[Notice]:
    """`shape_cost` where a token of the shape does not cost what the runs' cost, extended to its size, says.

    Far beyond the runs the extension errs: attention and the output head are much of a small model and little of a
    large one, and how their share falls depends on depth, context and vocabulary.
    """
    extended = float(source.cost.flops_per_token(built.params))
    if abs(math.log(built.flops_per_token / extended)) < _LEAST_COST_APART:
        return []
    tokens = built.flops_per_token * built.budget_tokens / extended
    message = (
        f"a token of the shape costs {format_flops(built.flops_per_token)} FLOPs, where the cost of the runs, extended "
        f"to its size, is {format_flops(extended)}: the budget pays for {format_quantity(built.budget_tokens)} tokens, "
        f"not for {format_quantity(tokens)}"
    )
    return [Notice(code="shape_cost", message=message)]


def _build(
    arch: Architecture, source: LawSource, flops: float, recipe: TrainingRecipe, objective: Objective
) -> Buildable:
    conventions = source.law.provenance
    params = arch.params().by_convention(conventions.params_convention)
    per_token = _flops_per_token(arch, recipe.seq_len, params, conventions)
    tokens = flops / per_token
    return Buildable(
        architecture=arch,
        params=params,
        budget_tokens=tokens,
        flops_per_token=per_token,
        loss=expected_loss(source, objective, params, tokens, LEVEL)[0],
        run=recipe.spec(arch, tokens, budget_flops=flops),
    )


def _flops_per_token(arch: Architecture, seq_len: int, params: int, law: Provenance) -> float:
    """Training FLOPs of a token in the law's convention, where 6 N is 6 times what the law calls N."""
    return 6.0 * params if law.flops_convention == "six_n" else flops_per_token(arch, seq_len, law.flops_convention)


def flops_over_law(arch: Architecture, seq_len: int, law: Provenance, convention: str) -> float:
    """Training FLOPs of a shape by `convention`, over those in the law's own: what attention adds to 6 N."""
    counted = arch.params().by_convention(law.params_convention)
    return flops_per_token(arch, seq_len, convention) / _flops_per_token(arch, seq_len, counted, law)


@dataclass(frozen=True, kw_only=True)
class OnCluster:
    """The part of a plan that its devices decide."""

    buildable: Buildable | None
    """The shape, with a batch that divides over the devices where a layout was found."""
    layout_estimate: LayoutEstimate | None = None
    cost_estimate: CostEstimate | None = None
    notices: tuple[Notice, ...] = ()


def estimate_on_cluster(
    cluster: Cluster | None,
    buildable: Buildable | None,
    recipe: TrainingRecipe | None,
    chosen: Allocation,
    law: Provenance,
) -> OnCluster:
    """The layout of the shape on the cluster, and the cost of the run in it.

    Costed are the shape's FLOPs as utilizations count them; without a shape the law's own.
    """
    if cluster is None:
        return OnCluster(buildable=buildable)
    if buildable is None or recipe is None:
        cost = cluster.estimate_cost(chosen.flops, law.flops_convention)
        return OnCluster(buildable=buildable, cost_estimate=cost, notices=cost.notices)
    arch, seq_len = buildable.architecture, buildable.seq_len
    batch, slack = buildable.run.batch_tokens // seq_len, recipe.batch_slack
    layout, notices = estimate_or_notice(
        partial(find_layout, arch, seq_len, cluster.hardware, cluster.count, batch=batch, batch_slack=slack)
    )
    predicted = None
    if layout is not None:
        buildable = buildable.with_batch(recipe, layout.batch_sequences * seq_len)
        predicted = _duration(layout, buildable.run.steps)
    flops = chosen.flops * flops_over_law(arch, seq_len, law, MODEL_FLOPS)
    cost = cluster.estimate_cost(flops, predicted=predicted)
    notices = (*notices, *cost.notices)
    return OnCluster(buildable=buildable, layout_estimate=layout, cost_estimate=cost, notices=notices)


def _duration(layout: LayoutEstimate, steps: int) -> Duration:
    """Hours of `steps` steps at their predicted time, and over the range in which published steps lay."""
    fast, slow = layout.time.seconds_range
    hours = steps / SECONDS_PER_HOUR
    return Duration(hours=hours * layout.time.seconds, hours_range=(hours * fast, hours * slow))


def how_to_train(spec: RunSpec) -> JsonObject:
    """The numbers of a run that a user sets: batch, rate, schedule and optimizer, as a JSON object."""
    return {
        "batch_tokens": spec.batch_tokens,
        "peak_lr": spec.peak_lr,
        "steps": spec.steps,
        "tokens": spec.tokens,
        "seq_len": spec.seq_len,
        "warmup_tokens": spec.warmup_tokens,
        "schedule": spec.schedule.kind,
        "final_fraction": spec.schedule.final_fraction,
        "optimizer": to_json(spec.optimizer),
        "z_loss": spec.z_loss,
    }
