"""A planned run on the devices that train it: its layout, and the hours, price and energy that it takes there.

This is the one prediction of time and money. `estimate_on_cluster` makes the bill of a plan, and `ClusterClock` answers
the same for many budgets, so that a budget of money or days is filled by what its plan is then billed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from isoflop.arch import Architecture
from isoflop.errors import InputError, Notice
from isoflop.hardware import SECONDS_PER_HOUR
from isoflop.laws import Provenance
from isoflop.plan.allocation import Allocation
from isoflop.plan.buildable import Buildable, flops_over_law, shape_and_tokens
from isoflop.plan.cluster import MODEL_FLOPS, Cluster, CostEstimate, Duration
from isoflop.plan.law_source import LawSource
from isoflop.plan.layout_search import LayoutEstimate, estimate_or_notice, find_layout
from isoflop.plan.run_time import RUN_OVER_STEPS
from isoflop.plan.serving import ServingLimit
from isoflop.plan.solution import Solution, solve
from isoflop.plan.solver.problem import Problem
from isoflop.recipe import TrainingRecipe


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
    layout, notices = _layout(cluster, recipe, arch, buildable.run.batch_tokens)
    predicted = None
    if layout is not None:
        buildable = buildable.with_batch(recipe, layout.batch_sequences * seq_len)
        predicted = duration_of_steps(layout, buildable.run.steps)
    flops = chosen.flops * flops_over_law(arch, recipe, law, MODEL_FLOPS)
    cost = cluster.estimate_cost(flops, predicted=predicted)
    notices = (*notices, *cost.notices)
    return OnCluster(buildable=buildable, layout_estimate=layout, cost_estimate=cost, notices=notices)


def duration_of_steps(layout: LayoutEstimate, steps: int) -> Duration:
    """Hours of a run of `steps` steps: their predicted time, times what whole published runs took beyond it.

    Here alone the time of steps becomes that of a run, with its restarts, evaluation and waiting for input.
    """
    hours, times = steps / SECONDS_PER_HOUR * layout.time.seconds, RUN_OVER_STEPS
    return Duration(hours=hours * times.expected, hours_range=(hours * times.low, hours * times.high))


def _layout(
    cluster: Cluster, recipe: TrainingRecipe, arch: Architecture, batch_tokens: int
) -> tuple[LayoutEstimate | None, tuple[Notice, ...]]:
    """(the fastest layout of a shape on the devices, no notice) or (None, the reason that there is none)."""
    batch, slack, seq_len = batch_tokens // recipe.seq_len, recipe.batch_slack, recipe.seq_len
    return estimate_or_notice(
        partial(find_layout, arch, seq_len, cluster.hardware, cluster.count, batch=batch, batch_slack=slack)
    )


@dataclass(frozen=True, kw_only=True)
class TimedRun:
    """The run of a budget, as far as its time goes."""

    hours: float
    """Of the whole budget: where a plan spends less, as with limited text, its hours times budget over FLOPs."""
    architecture: Architecture | None = None
    layout: LayoutEstimate | None = None
    """None where the utilization says the hours."""

    def change(self, beyond: TimedRun) -> str:
        """What differs first in the run of a slightly larger budget, in words."""
        if self.architecture != beyond.architecture:
            return "the next larger shape"
        before, after = self.layout, beyond.layout
        if before is None or after is None:
            return "the next larger batch, in another layout,"
        if before.batch_sequences != after.batch_sequences:
            return "the next larger batch"
        return "one step more"


@dataclass(kw_only=True)
class ClusterClock:
    """The time that plans take on a cluster, for many budgets: that of their bills, without the rest of the plan."""

    source: LawSource
    cluster: Cluster
    recipe: TrainingRecipe | None
    problem: Problem
    serving: ServingLimit | None
    level: float
    _layouts: dict[tuple[Architecture, int], LayoutEstimate | None] = field(default_factory=dict)

    def run(self, flops: float) -> TimedRun:
        """The run planned for `flops` training FLOPs, in the law's convention.

        Raises RefusedError where there is no such plan.
        """
        moved, _ = self.source.for_budget(flops, self.level)
        chosen = solve(moved, self.problem, flops, self.serving, self.recipe)
        timed = self._timed(moved.law.provenance, chosen)
        return replace(timed, hours=timed.hours * max(1.0, flops / chosen.flops))

    def taken(self, flops: float) -> float:
        """Hours that the plan of `flops` itself takes. Raises RefusedError where there is no such plan."""
        moved, _ = self.source.for_budget(flops, self.level)
        chosen = solve(moved, self.problem, flops, self.serving, self.recipe)
        return self._timed(moved.law.provenance, chosen).hours

    def _timed(self, law: Provenance, chosen: Solution) -> TimedRun:
        """The run of a solution on the shape built for its size, as `estimate_on_cluster` has it."""
        recipe, cluster, spent = chosen.recipe, self.cluster, chosen.flops
        if recipe is None:
            return TimedRun(hours=cluster.duration(spent).hours)
        try:
            arch, tokens = shape_and_tokens(law, chosen.problem, chosen.params, spent, recipe)
        except InputError:
            return TimedRun(hours=cluster.duration(spent).hours)
        layout = None if cluster.utilization.is_given else self._layout_of(recipe, arch, tokens)
        if layout is None:
            model_flops = spent * flops_over_law(arch, recipe, law, MODEL_FLOPS)
            return TimedRun(hours=cluster.duration(model_flops).hours, architecture=arch)
        steps = max(1, round(tokens / (layout.batch_sequences * recipe.seq_len)))
        return TimedRun(hours=duration_of_steps(layout, steps).hours, architecture=arch, layout=layout)

    def _layout_of(self, recipe: TrainingRecipe, arch: Architecture, tokens: float) -> LayoutEstimate | None:
        """The layout of the run on `tokens`; each shape and batch is laid out once."""
        batch_tokens = recipe.batch_tokens(arch, tokens)
        cell = arch, batch_tokens
        if cell not in self._layouts:
            self._layouts[cell], _ = _layout(self.cluster, recipe, arch, batch_tokens)
        return self._layouts[cell]
