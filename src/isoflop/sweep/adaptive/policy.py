"""The next batch of an adaptive sweep: a pure function of what was seen, of what could be run, and of the limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isoflop.distributions import student_quantile
from isoflop.sweep.adaptive.candidate import Candidate
from isoflop.sweep.adaptive.decision import LEVEL, ChosenRun, Decision, StopReason
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.limits import Limits
from isoflop.sweep.adaptive.mixture import Mixture, mixture
from isoflop.sweep.adaptive.rules import frontier_mask
from isoflop.sweep.adaptive.search import Batch, Search

FEWEST_TO_STOP = 8
"""Rows below which the tolerance counts as not reached: the largest form has seven constants."""


def next_batch(evidence: Evidence, candidates: Sequence[Candidate], *, target_flops: float, limits: Limits) -> Decision:
    """The runs to do next for a planned run of `target_flops`, or why there are none.

    Deterministic: no random numbers. Raises RefusedError `too_few_rows` before the `first_runs` are done, `no_optimum`
    where no form has a best size at the target.
    """
    mix = mixture(evidence, target_flops=target_flops, limits=limits)
    before = mix.waste(mix.size_variance())
    if before <= limits.tolerance and len(evidence) >= FEWEST_TO_STOP:
        return _decision(mix, evidence, (), "tolerance reached", target_flops)
    usable, why = _usable(evidence, candidates, limits)
    if not usable:
        return _decision(mix, evidence, (), why, target_flops)
    search = Search.of(mix, evidence, usable, limits, target_flops)
    batch = search.best()
    if not batch.runs:
        return _decision(mix, evidence, (), "no candidate left", target_flops)
    if limits.must_pay and not search.pays(batch):
        batch, dearer = search.most_net(), batch
        if not search.pays(batch):
            return _decision(mix, evidence, (), "next batch costs more than it saves", target_flops, dearer)
    return _decision(mix, evidence, batch.runs, None, target_flops, batch)


def _usable(evidence: Evidence, candidates: Sequence[Candidate], limits: Limits) -> tuple[list[Candidate], StopReason]:
    """(candidates that every limit allows, why there are none)."""
    low, high = limits.tokens_per_param
    fitting = [c for c in candidates if c.law_flops <= limits.largest_run and low <= c.tokens / c.params <= high]
    left = limits.flops - evidence.total_flops
    affordable = [c for c in fitting if c.flops <= left]
    in_time = [c for c in affordable if c.seconds <= limits.seconds]
    if in_time or not fitting:
        return in_time, "no candidate left"
    return [], "budget spent" if not affordable else "time"


def _decision(
    mix: Mixture,
    evidence: Evidence,
    runs: tuple[ChosenRun, ...],
    stop: StopReason | None,
    target_flops: float,
    batch: Batch | None = None,
) -> Decision:
    variance = mix.size_variance()
    before, se = mix.waste(variance), float(np.sqrt(variance))
    half = student_quantile((1 + LEVEL) / 2, max(mix.dof, 3.0)) * se
    near = frontier_mask(mix, np.log(evidence.params), np.log(evidence.flops))
    near_flops, total = float(evidence.spent[near].sum()), evidence.total_flops
    for run in runs:
        chosen = run.candidate
        at = frontier_mask(mix, np.log([chosen.params]), np.log([chosen.law_flops]))
        near_flops, total = near_flops + chosen.flops * float(at[0]), total + chosen.flops
    return Decision(
        runs=runs,
        stop=stop,
        waste_before=before,
        waste_after=before if batch is None else batch.waste,
        params=float(np.exp(mix.log_params)),
        params_interval=(float(np.exp(mix.log_params - half)), float(np.exp(mix.log_params + half))),
        log_params_se=se,
        log_loss_se=float(np.sqrt(mix.loss_variance)),
        noise_share=mix.within / variance,
        noise=mix.noise,
        rows=len(evidence),
        sweep_flops=evidence.total_flops,
        batch_flops=0.0 if batch is None else batch.flops,
        target_flops=target_flops,
        frontier_share=near_flops / total,
    )
