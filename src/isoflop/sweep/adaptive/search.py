"""The greedy search of a batch: each run is the best given those before it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.sweep.adaptive.candidate import Candidate, CandidateColumns
from isoflop.sweep.adaptive.decision import ChosenRun, RunReason
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.gain import Gains
from isoflop.sweep.adaptive.limits import Limits
from isoflop.sweep.adaptive.mixture import Mixture
from isoflop.sweep.adaptive.rules import frontier_mask, too_few_repeats, widening, within_width

FRONTIER_SHARE = 1 / 3
"""Least share of the sweep's FLOPs near the frontier: there a wrong form shows in what the plan needs."""
LOSS_SHARE = 1.0
"""Weight of the relative fall of Var ln L(target) against that of Var ln N_opt(target). With a quarter, sweeps of known
laws ended with the same waste, and a tenth of published sweeps forecast their largest runs worse (bench/sweep)."""
COST_POWER = 0.5
"""Of the cost that a run's gain is divided by. With 1 the cheapest runs always win, although nothing of them reaches
the target; with 0 the dearest do. The best sweep balances its own cost against the waste, s* = sqrt(kappa v1), where
the gain of one more FLOP falls with the root of what was spent."""
LEAST_GAIN = 0.02
"""Share of the expected waste that a batch has to take off over its own FLOPs: cheap runs far below the target would
pay for ever, by less and less. Where those that are chosen for their cost do not, the runs of most net gain are."""
POWERS = (0.0, 0.5)
"""Of the cost, where all of what is left will be spent: the one by which it buys the most is taken. With 0 the runs are
few and large: of published sweeps these forecast the largest runs best, and cost the least time besides training."""
_HORIZON = 32
"""Runs that such a look ahead reaches. More are more than a sweep trains in its minutes."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Runs, and what is expected of them."""

    runs: tuple[ChosenRun, ...]
    flops: float
    waste: float
    """Expected after it."""
    left: float
    """Share of both variances that is left after it, weighted as `LOSS_SHARE` says."""


@dataclass(eq=False)
class Search:
    """The candidates of one decision, and what the limits leave."""

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
    ) -> Search:
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

    def best(self) -> Batch:
        """The batch of most gain for its cost.

        Where the sweep is to spend all that it may (`Limits.must_pay` is false), the power of the cost is the one with
        which all of it buys the most: few large runs or many small ones. Only the beginning of that is the batch.
        """
        spends = not self.limits.must_pay and (math.isfinite(self.limits.flops) or math.isfinite(self.limits.seconds))
        power = COST_POWER
        if spends:
            power = min(POWERS, key=lambda tried: self.batch(self.by_cost(tried), _HORIZON).left)
        return self.batch(self.by_cost(power), self.limits.batch)

    def most_net(self) -> Batch:
        """The batch that saves the most beyond its own FLOPs."""
        return self.batch(self._by_net, self.limits.batch)

    def by_cost(self, power: float) -> Callable[[Gains], Array]:
        """The score of candidates by the relative fall of both variances over cost^power, errors of form included."""
        cost = (self.columns.flops if self.limits.measure == "flops" else self.columns.seconds) ** power

        def score(gains: Gains) -> Array:
            """(candidates,)."""
            size, loss = self._after(gains)
            relative = _fall(gains.size_variance(), size) + LOSS_SHARE * _fall(gains.loss_variance(), loss)
            return np.asarray(relative / cost)

        return score

    def _by_net(self, gains: Gains) -> Array:
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

    def batch(self, score: Callable[[Gains], Array], most: int) -> Batch:
        """Up to `most` runs, best first, within what is left of FLOPs and time; then those of idle workers."""
        gains = Gains.of(self.mix, self.evidence, self.columns)
        free = np.ones(len(self.candidates), dtype=np.bool_)
        flops, near_flops, seconds = 0.0, self.near_flops, 0.0
        left = self.limits.flops - self.evidence.total_flops
        of_idle = self.by_cost(0.0)  # an idle worker's time costs nothing
        chosen: list[int] = []
        runs: list[ChosenRun] = []
        while True:
            fills = len(chosen) >= most
            time = self.limits.seconds - seconds
            if fills:
                time = min(time, self._idle_seconds(chosen))
            open_now = free & (self.columns.flops <= left - flops) & (self.columns.seconds <= time)
            if not open_now.any():
                break
            values = np.where(open_now, (of_idle if fills else score)(gains), -np.inf)
            picked = self._picked(values, len(chosen), self.evidence.total_flops + flops, near_flops)
            if picked is None:
                break
            best, reason = picked
            chosen.append(best)
            runs.append(ChosenRun(candidate=self.candidates[best], reason="idle worker" if fills else reason))
            gains.add(best)
            free[best] = False
            flops += float(self.columns.flops[best])
            seconds += float(self.columns.seconds[best])
            near_flops += float(self.columns.flops[best]) if self.near[best] else 0.0
        variance, loss = gains.size_variance(), gains.loss_variance()
        return Batch(
            runs=tuple(runs),
            flops=flops,
            waste=self.mix.waste(variance),
            left=variance / self.mix.size_variance() + LOSS_SHARE * loss / self.mix.loss_variance,
        )

    def _idle_seconds(self, chosen: list[int]) -> float:
        """The longest time for which a worker has no run of the batch while another trains, longest runs first.

        0 where time is not what runs out, and for one worker.
        """
        if self.limits.measure != "seconds" or self.limits.workers == 1:
            return 0.0
        ends = [0.0] * self.limits.workers
        for seconds in sorted(self.columns.seconds[chosen], reverse=True):
            heapq.heapreplace(ends, ends[0] + float(seconds))
        return max(ends) - min(ends)

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

    def pays(self, batch: Batch) -> bool:
        """Whether the batch costs less than it is expected to save, a decision being worth LEAST_GAIN of the waste."""
        saved = self.before - batch.waste
        return bool(batch.runs) and saved > batch.flops / self.target_flops + LEAST_GAIN * self.before


def _fall(before: float, after: Array) -> Array:
    """Share of a variance that goes."""
    return np.asarray((before - after) / max(before, 1e-12))


def _best(values: Array) -> int | None:
    best = int(np.argmax(values))
    return best if np.isfinite(values[best]) else None
