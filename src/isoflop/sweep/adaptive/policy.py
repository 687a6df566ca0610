"""The next batch of an adaptive sweep: a pure function of what was seen, of what could be run, and of the limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.distributions import student_quantile
from isoflop.sweep.adaptive.candidate import Candidate, CandidateColumns
from isoflop.sweep.adaptive.decision import LEVEL, ChosenRun, Decision, RunReason, StopReason
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.gain import Gains
from isoflop.sweep.adaptive.limits import Limits
from isoflop.sweep.adaptive.mixture import Mixture, mixture
from isoflop.sweep.adaptive.rules import frontier_mask, too_few_repeats, widening, within_width

FRONTIER_SHARE = 1 / 3
"""Least share of the sweep's FLOPs near the frontier: there a wrong form shows in what the plan needs."""
LOSS_SHARE = 1.0
"""Weight of the relative fall of Var ln L(target) beside that of Var ln N_opt(target). With a quarter, sweeps of known
laws ended with the same waste, and a tenth of published sweeps forecast their largest runs worse (bench/sweep)."""
COST_POWER = 0.5
"""Of the cost that a run's gain is divided by. With 1 the cheapest runs always win, although nothing of them reaches
the target; with 0 the dearest do. The best sweep balances its own cost against the waste, s* = sqrt(kappa v1), where
the gain of one more FLOP falls with the root of what was spent."""
LEAST_GAIN = 0.02
"""Share of the expected waste that a batch has to take off beside its own FLOPs: cheap runs far below the target would
pay for ever, by less and less. Where those that are chosen for their cost do not, the runs of most net gain are."""
FEWEST_TO_STOP = 8
"""Rows below which the tolerance counts as not reached: the largest form has seven constants."""


def next_batch(evidence: Evidence, candidates: Sequence[Candidate], *, target_flops: float, limits: Limits) -> Decision:
    """The runs to do next for a planned run of `target_flops`, or why there are none.

    Deterministic: no random numbers. Raises RefusedError `few_rows` where `first_runs` have not been done, `no_optimum`
    where no form has a best size at the target.
    """
    mix = mixture(evidence, target_flops=target_flops, limits=limits)
    before = mix.waste(mix.size_variance())
    if before <= limits.tolerance and len(evidence) >= FEWEST_TO_STOP:
        return _decision(mix, evidence, (), "tolerance reached", target_flops)
    usable, why = _usable(evidence, candidates, limits)
    if not usable:
        return _decision(mix, evidence, (), why, target_flops)
    search = _Search.of(mix, evidence, usable, limits, target_flops)
    batch = search.batch(search.by_cost)
    if not batch.runs:
        return _decision(mix, evidence, (), "no candidate left", target_flops)
    if not search.pays(batch):
        other = search.batch(search.by_net)
        if search.pays(other):
            batch = other
        elif limits.must_pay:
            return _decision(mix, evidence, (), "next batch costs more than it saves", target_flops, batch)
    return _decision(mix, evidence, batch.runs, None, target_flops, batch)


@dataclass(frozen=True, kw_only=True)
class _Batch:
    runs: tuple[ChosenRun, ...]
    flops: float
    waste: float
    """Expected after it."""


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


@dataclass(eq=False)
class _Search:
    """The greedy search of a batch: each run is the best given those before it."""

    mix: Mixture
    evidence: Evidence
    candidates: list[Candidate]
    columns: CandidateColumns
    limits: Limits
    target_flops: float
    inside: Mask
    """Which candidates lie within `limits.width` of the best size."""
    near: Mask
    """Which candidates lie near the frontier."""
    near_flops: float
    """FLOPs of the rows there."""
    before: float
    """Expected waste."""

    @classmethod
    def of(
        cls, mix: Mixture, evidence: Evidence, candidates: list[Candidate], limits: Limits, target_flops: float
    ) -> _Search:
        """The search among `candidates`."""
        columns = CandidateColumns.of(candidates)
        rows_near = frontier_mask(mix, np.log(evidence.params), np.log(evidence.flops))
        return cls(
            mix=mix,
            evidence=evidence,
            candidates=candidates,
            columns=columns,
            limits=limits,
            target_flops=target_flops,
            inside=within_width(mix, columns, limits.width),
            near=frontier_mask(mix, columns.log_params, np.log(columns.law_flops)),
            near_flops=float(evidence.spent[rows_near].sum()),
            before=mix.waste(mix.size_variance()),
        )

    def by_cost(self, gains: Gains) -> Array:
        """Relative fall of both variances over cost^COST_POWER, errors of form included."""
        size, loss = self._after(gains)
        relative = _fall(gains.size_variance(), size) + LOSS_SHARE * _fall(gains.loss_variance(), loss)
        cost = self.columns.flops if self.limits.measure == "flops" else self.columns.seconds
        return np.asarray(relative / cost**COST_POWER)

    def by_net(self, gains: Gains) -> Array:
        """Fall of the expected waste less the run's cost, in shares of the target; below zero where it does not pay."""
        after = 1 - 1 / np.sqrt(1 + 2 * self.mix.curvature * self._after(gains)[0])
        net = self.mix.waste(gains.size_variance()) - after - self.columns.flops / self.target_flops
        return np.where(net > 0, net, -np.inf)

    def _after(self, gains: Gains) -> tuple[Array, Array]:
        """(Var ln N_opt(target), Var ln L(target)) after each candidate, (candidates,)."""
        by_size, by_loss = gains.falls()
        log_largest = np.maximum(gains.log_largest, np.log(self.columns.law_flops))
        # the error of form depends on the largest run alone: one value for each
        values, label = np.unique(log_largest, return_inverse=True)
        sizes = np.array([self.mix.error_of_form(float(value)) for value in values])[label]
        losses = np.array([self.mix.loss_error_of_form(float(value)) for value in values])[label]
        return gains.within() - by_size + sizes, gains.loss_within() - by_loss + losses

    def batch(self, score: Callable[[Gains], Array]) -> _Batch:
        """Up to `limits.batch` runs, best first, within what is left of FLOPs and time."""
        gains = Gains.of(self.mix, self.evidence, self.columns)
        free = np.ones(len(self.candidates), dtype=np.bool_)
        flops, near_flops, seconds = 0.0, self.near_flops, 0.0
        left = self.limits.flops - self.evidence.total_flops
        runs: list[ChosenRun] = []
        for number in range(self.limits.batch):
            open_now = (
                free & (self.columns.flops <= left - flops) & (self.columns.seconds <= self.limits.seconds - seconds)
            )
            values = np.where(open_now, score(gains), -np.inf)
            picked = self._picked(values, number, self.evidence.total_flops + flops, near_flops)
            if picked is None:
                break
            best, reason = picked
            runs.append(ChosenRun(candidate=self.candidates[best], reason=reason))
            gains.add(best)
            free[best] = False
            flops += float(self.columns.flops[best])
            seconds += float(self.columns.seconds[best])
            near_flops += float(self.columns.flops[best]) if self.near[best] else 0.0
        return _Batch(runs=tuple(runs), flops=flops, waste=self.mix.waste(gains.size_variance()))

    def _picked(self, values: Array, number: int, spent: float, near_flops: float) -> tuple[int, RunReason] | None:
        """(the best candidate that the rules allow, why); None where none is left."""
        if number == 0 and (beyond := widening(self.mix, self.evidence, self.columns)) is not None:
            best = _best(np.where(beyond, values, -np.inf))
            if best is not None:
                return best, "widen"
        values = np.where(self.inside, values, -np.inf)
        if number == 0 and too_few_repeats(self.mix):
            best = _best(np.where(self.columns.repeat & self.near, values, -np.inf))
            if best is not None:
                return best, "repeat: noise limits"
        best = _best(values)
        if best is None:
            return None
        after = near_flops + (self.columns.flops[best] if self.near[best] else 0.0)
        if after < FRONTIER_SHARE * (spent + self.columns.flops[best]):
            nearest = _best(np.where(self.near, values, -np.inf))
            if nearest is not None:
                return nearest, "frontier check"
        return best, "V-optimal"

    def pays(self, batch: _Batch) -> bool:
        """Whether the batch costs less than it is expected to save, a decision being worth LEAST_GAIN of the waste."""
        saved = self.before - batch.waste
        return bool(batch.runs) and saved > batch.flops / self.target_flops + LEAST_GAIN * self.before


def _fall(before: float, after: Array) -> Array:
    """Share of a variance that goes."""
    return np.asarray((before - after) / max(before, 1e-12))


def _best(values: Array) -> int | None:
    best = int(np.argmax(values))
    return best if np.isfinite(values[best]) else None


def _decision(
    mix: Mixture,
    evidence: Evidence,
    runs: tuple[ChosenRun, ...],
    stop: StopReason | None,
    target_flops: float,
    batch: _Batch | None = None,
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
