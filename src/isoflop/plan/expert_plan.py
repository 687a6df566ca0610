"""The plan of a mixture of experts: size and tokens of a budget, and what a dense model of equal loss would cost.

All FLOPs are those of matrix products at the plan's context, `matmul`: attention, router, head and the experts that a
token uses. That is the M of the law's C = M D.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from isoflop.arch import Architecture, flops_per_token, memory_bytes
from isoflop.arch.expert_shapes import expert_shape
from isoflop.codec import JsonObject, to_json
from isoflop.errors import InputError, Notice
from isoflop.large_recipe import LargeRecipe
from isoflop.laws.experts import (
    DENSE_ALLOCATION,
    EXPERT_ALLOCATION,
    LEVERAGE,
    SPARSITY_REPORT,
    ExpertMixture,
    LeverageLaw,
)
from isoflop.plan.cluster import MODEL_FLOPS, Cluster, CostEstimate
from isoflop.plan.layout_search import LayoutEstimate, estimate_or_notice, find_layout
from isoflop.plan.on_cluster import duration_of_steps
from isoflop.spec import RunSpec
from isoflop.units import format_flops, format_number

CONVENTION = "matmul"
# Rounds of filling days with the run that they pay for: hours are nearly linear in FLOPs.
_ROUNDS = 10
_CLOSE = 0.005


@dataclass(frozen=True, kw_only=True)
class DenseEqual:
    """The dense model with the loss of the mixture."""

    flops: float
    """Its training FLOPs: the mixture's times `factor`."""
    factor: float
    """By the law of leverage."""
    factor_range: tuple[float, float]
    """See `leverage_range`."""
    tokens: float
    """Its tokens, by the allocation of dense models of the same paper."""
    flops_per_token: float
    """Training FLOPs of its tokens."""


@dataclass(frozen=True, kw_only=True)
class SparsityGain:
    """What the sparsity of the plan saves over one of 8 at equal loss: by an independent report and by the law."""

    sparsity: float
    times_fewer: float
    """FLOPs at sparsity 8 over those at this one, as measured."""
    times_fewer_by_law: float
    """The same by the law of leverage, at the budget and with the report's experts."""
    paper: str


@dataclass(frozen=True, kw_only=True)
class ExpertPlan:
    """A mixture of experts for a budget."""

    flops: float
    """Training FLOPs of the budget."""
    tokens: float
    """D by the law's allocation."""
    mixture: ExpertMixture
    """The experts, with the granularity of the shape."""
    leverage: float
    """FLOPs of a dense model with the same loss over the budget."""
    dense: DenseEqual
    sparsity_gain: SparsityGain | None
    """None outside the report's sparsities, 8 to 48."""
    architecture: Architecture
    run: RunSpec
    """How to train the shape on the tokens that the budget pays for, without a corpus yet."""
    memory: dict[str, int]
    """As `arch.memory_bytes`: of all experts, whichever a token uses."""
    layout_estimate: LayoutEstimate | None = None
    cost_estimate: CostEstimate | None = None
    notices: tuple[Notice, ...] = ()
    law: LeverageLaw = LEVERAGE

    @property
    def active_params(self) -> int:
        """Parameters that a token uses, embedding and head among them."""
        return self.architecture.active_params().total

    @property
    def total_params(self) -> int:
        """Parameters that are stored."""
        return self.architecture.params().total

    @property
    def flops_per_token(self) -> float:
        """Training FLOPs of a token of the shape."""
        return flops_per_token(self.architecture, self.run.seq_len, CONVENTION)

    def as_json(self) -> JsonObject:
        """A JSON object; what the law does not say is null."""
        cost = self.cost_estimate
        shape = self.architecture.as_json()
        return {
            "params": {"active": self.active_params, "total": self.total_params},
            "active_params": self.active_params,
            "total_params": self.total_params,
            "params_convention": "total",
            "tokens": self.tokens,
            "tokens_per_param": self.tokens / self.active_params,
            "flops": self.flops,
            "flops_convention": CONVENTION,
            "flops_per_token": self.flops_per_token,
            "activation_ratio": self.mixture.activation_ratio,
            "sparsity": self.mixture.sparsity,
            "granularity": self.mixture.granularity,
            "best_granularity": self.law.best_granularity,
            "experts": {name: getattr(self.mixture, name) for name in ("experts", "active", "shared")},
            "leverage": self.leverage,
            "dense": to_json(self.dense),
            "sparsity_gain": None if self.sparsity_gain is None else to_json(self.sparsity_gain),
            "loss": None,
            "loss_interval": None,
            "params_interval": None,
            "expected_waste": None,
            "architecture": {**shape, "seq_len": self.run.seq_len, "tokens": self.run.tokens},
            "memory_bytes": to_json(self.memory),
            "layout": None if self.layout_estimate is None else self.layout_estimate.as_json(),
            "bill": None if cost is None else to_json(cost),
            "hours": None if cost is None else cost.hours,
            "price": None if cost is None else cost.price,
            "law": {"name": self.law.name, "paper": self.law.paper, "flops_domain": list(self.law.flops_domain)},
            "warnings": [to_json(notice) for notice in self.notices],
        }


def plan_experts(
    flops: float, mixture: ExpertMixture, recipe: LargeRecipe, cluster: Cluster | None = None
) -> ExpertPlan:
    """The plan of `flops` training FLOPs for these experts, on the devices where there are any.

    Raises InputError where no shape costs as much a token as the allocation says.
    """
    target = EXPERT_ALLOCATION.flops_per_token(flops)
    family, vocab, context = recipe.family, recipe.vocab_size, recipe.seq_len
    arch = expert_shape(target, mixture, family=family, vocab_size=vocab, seq_len=context, without=recipe.without)
    built = replace(mixture, granularity=2 * arch.d_model / arch.d_ff)
    paid = flops / flops_per_token(arch, context, CONVENTION)
    run = recipe.spec(arch, paid, budget_flops=flops)
    layout, cost = None, None
    on_devices: tuple[Notice, ...] = ()
    if cluster is not None:
        run, layout, cost, on_devices = _on_cluster(cluster, recipe, arch, paid, run)
    leverage = LEVERAGE.leverage(built.activation_ratio, built.granularity, flops)
    return ExpertPlan(
        flops=flops,
        tokens=EXPERT_ALLOCATION.tokens(flops),
        mixture=built,
        leverage=leverage,
        dense=DenseEqual(
            flops=leverage * flops,
            factor=leverage,
            factor_range=leverage_range(built, flops),
            tokens=DENSE_ALLOCATION.tokens(leverage * flops),
            flops_per_token=DENSE_ALLOCATION.flops_per_token(leverage * flops),
        ),
        sparsity_gain=_sparsity_gain(built, flops),
        architecture=arch,
        run=run,
        memory=memory_bytes(arch, context),
        layout_estimate=layout,
        cost_estimate=cost,
        notices=(*_domain_notices(flops), *recipe.notices(arch, paid), *on_devices),
    )


def leverage_range(mixture: ExpertMixture, flops: float) -> tuple[float, float]:
    """Between which factors a dense model's cost lies, of what is known to disagree; no probability is claimed.

    The law gives more to sparsity than the independent report measured, by a factor q from sparsity 8 to 48 at this
    budget: the range is the leverage over and times q. Beyond the law's runs its growth with compute is a guess, so
    that the low end there has the leverage of its largest run.
    """
    ratio, granularity = mixture.activation_ratio, mixture.granularity
    low_flops, high_flops = LEVERAGE.flops_domain
    expected = LEVERAGE.leverage(ratio, granularity, flops)
    at_domain = LEVERAGE.leverage(ratio, granularity, min(max(flops, low_flops), high_flops))
    apart = _law_over_report(flops)
    return min(expected, at_domain) / apart, max(expected, at_domain) * apart


def _law_over_report(flops: float) -> float:
    measured = SPARSITY_REPORT.saving(SPARSITY_REPORT.sparsest) or 1.0
    by_law = SPARSITY_REPORT.saving_by(LEVERAGE, SPARSITY_REPORT.sparsest, flops)
    return max(by_law / measured, measured / by_law)


def _sparsity_gain(mixture: ExpertMixture, flops: float) -> SparsityGain | None:
    measured = SPARSITY_REPORT.saving(mixture.sparsity)
    if measured is None:
        return None
    return SparsityGain(
        sparsity=mixture.sparsity,
        times_fewer=measured,
        times_fewer_by_law=SPARSITY_REPORT.saving_by(LEVERAGE, mixture.sparsity, flops),
        paper=SPARSITY_REPORT.paper,
    )


def _domain_notices(flops: float) -> list[Notice]:
    low, high = LEVERAGE.flops_domain
    if low <= flops <= high:
        return []
    factor, side = (flops / high, "above the largest") if flops > high else (low / flops, "below the smallest")
    message = (
        f"extrapolated: {format_flops(flops)} FLOPs are {format_number(factor)} times {side} of the runs behind "
        f"{LEVERAGE.name}, {format_flops(low)} to {format_flops(high)} FLOPs"
    )
    return [Notice(code="extrapolation", message=message)]


def _on_cluster(
    cluster: Cluster, recipe: LargeRecipe, arch: Architecture, tokens: float, run: RunSpec
) -> tuple[RunSpec, LayoutEstimate | None, CostEstimate, tuple[Notice, ...]]:
    """(the run, its batch divided over the devices; its layout; its cost; notices)."""
    batch, slack, context = run.sequences, recipe.batch_slack, recipe.seq_len
    layout, notices = estimate_or_notice(
        lambda: find_layout(arch, context, cluster.hardware, cluster.count, batch=batch, batch_slack=slack)
    )
    predicted = None
    if layout is not None:
        run = recipe.spec(arch, tokens, budget_flops=run.budget_flops, batch_tokens=layout.batch_sequences * context)
        predicted = duration_of_steps(layout, run.steps)
    cost = cluster.estimate_cost(run.tokens * flops_per_token(arch, context, MODEL_FLOPS), predicted=predicted)
    return run, layout, cost, (*notices, *cost.notices)


def expert_budget(mixture: ExpertMixture, recipe: LargeRecipe, cluster: Cluster) -> float:
    """The most training FLOPs that were found to keep within the days or the price of the cluster.

    Raises InputError where neither is stated, or the run of no budget takes that long.
    """
    limit = cluster.limit_hours()
    flops = cluster.hardware.peak_flops[cluster.hardware.training_format] * cluster.count * limit * 3600
    flops *= cluster.utilization.expected
    within, beyond = 0.0, math.inf
    for _ in range(_ROUNDS):
        cost = plan_experts(flops, mixture, recipe, cluster).cost_estimate
        assert cost is not None, "a plan on a cluster has a cost"
        if cost.hours <= limit:
            within = max(within, flops)
            if cost.hours > limit * (1 - _CLOSE):
                break
        else:
            beyond = min(beyond, flops)
        # hours jump where the shape or the layout changes: between two known ends it is halved
        flops = (
            math.sqrt(within * beyond)
            if within and beyond < math.inf
            else flops * limit / cost.hours * (1 - _CLOSE / 2)
        )
    if not within:
        raise InputError(f"plan: no budget was found whose run takes {format_number(limit)} hours; state FLOPs instead")
    return within
