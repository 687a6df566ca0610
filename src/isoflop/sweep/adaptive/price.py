"""What an adaptive sweep will cost, before anything is trained: the policy run on a law that is assumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isoflop.codec import Count, JsonObject, Number, Positive, PositivePair, fields_to_json
from isoflop.fit.bent.scatter import NOISE
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost
from isoflop.sweep.adaptive.candidate import Candidate
from isoflop.sweep.adaptive.decision import StopReason
from isoflop.sweep.adaptive.limits import Limits
from isoflop.sweep.adaptive.simulate import SimulatedSweep, normal_noise, simulate
from isoflop.units import format_flops, format_number, percent

NOISES = (0.5, 1.0, 1.0, 1.0, 2.0)
"""Noise of each simulated sweep over NOISE: what it will be is not known yet, by a factor of two."""
EXPONENT_SUM = 0.7
"""alpha + beta of the assumed law: .71 of Besiroglu et al. 2024, .62 of Hoffmann et al. 2022."""
REDUCIBLE = 0.4
"""Share of the loss that both terms have in the middle of the sweep, as the prior of the fits has it."""


@dataclass(frozen=True, kw_only=True)
class SweepPrice:
    """The expected cost of a sweep, as shares of the planned run."""

    json_also: ClassVar = ("sentence", "flops")

    target_flops: Positive
    tolerance: Positive
    share: Positive
    """FLOPs of the sweep over those of the planned run: the median of the simulated sweeps."""
    share_interval: PositivePair
    """The least and the most of them."""
    runs: Count
    """Runs of the median sweep."""
    waste: Number
    """Expected waste at its end, in the middle of the simulated sweeps: above the tolerance where it is not reached."""
    waste_interval: tuple[Number, Number]
    best_share: Number
    """s* = sqrt(kappa v1), the share that balances a sweep against the waste where form is no error."""
    stop: StopReason | None
    """Why the median sweep ends; None where it was cut off."""

    @property
    def flops(self) -> float:
        """FLOPs of the sweep."""
        return self.share * self.target_flops

    @property
    def sentence(self) -> str:
        """One line for a terminal."""
        low, high = (percent(edge, 2) for edge in self.share_interval)
        less, more = (percent(edge, 2) for edge in self.waste_interval)
        end = "" if self.stop in ("tolerance reached", None) else f"; ends with: {self.stop}"
        return (
            f"expected: {format_number(self.runs)} runs, {format_flops(self.flops, 2)} FLOPs, {percent(self.share, 2)} "
            f"of the target ({low} to {high}), for an expected waste of {percent(self.waste, 2)} "
            f"({less} to {more}){end}"
        )

    def as_json(self) -> JsonObject:
        """All fields, the FLOPs and the sentence."""
        return fields_to_json(self)


def assumed_law(guess: Callable[[float], float], span: tuple[float, float], cost: ComputeCost = SIX_N) -> ChinchillaLaw:
    """A law whose best sizes are those of `guess` at both ends of `span`, with a typical loss of 1 in its middle."""
    low, high = span
    a = float(np.log(guess(high) / guess(low)) / np.log(high / low))
    # at C = kappa N^k D the frontier's exponent is beta / (alpha + k beta); a guess outside of (0, 1) is none
    beta = EXPONENT_SUM * float(np.clip(a, 0.2, 0.8))
    alpha, middle = EXPONENT_SUM - beta, float(np.sqrt(low * high))
    N = guess(middle)
    D, k = float(cost.tokens(middle, N)), float(cost.exponent(N))
    by_size = REDUCIBLE * k * beta / (alpha + k * beta)
    by_tokens = REDUCIBLE - by_size
    return ChinchillaLaw(E=1 - REDUCIBLE, A=by_size * N**alpha, B=by_tokens * D**beta, alpha=alpha, beta=beta)


def price_of_sweep(
    candidates: Sequence[Candidate],
    guess: Callable[[float], float],
    *,
    span: tuple[float, float],
    target_flops: float,
    limits: Limits,
    cost: ComputeCost = SIX_N,
    noise: float = NOISE,
    without_row: Sequence[float] = (),
) -> SweepPrice:
    """The sweep's expected cost: the policy on the assumed law, with the usual noise and half and twice of it.

    `guess` is N of a first guess at some FLOPs, `span` the compute of the first runs, `noise` the standard deviation of
    ln loss of one run, `without_row` the FLOPs of runs that belong to the sweep and that no fit learns from (those of
    the learning-rate check): the limits leave them out, the shares and the count of runs have them. Deterministic: the
    noise has fixed seeds. Raises RefusedError as `next_batch` does.
    """
    law = assumed_law(guess, span, cost)
    ends = []
    for seed, times in enumerate(NOISES):
        ends.append(
            simulate(
                law.loss,
                normal_noise(seed, noise * times),
                candidates,
                guess,
                span=span,
                target_flops=target_flops,
                limits=limits,
            )
        )
    ends.sort(key=lambda sweep: sweep.rows.total_flops)
    besides = sum(without_row)
    middle = ends[len(ends) // 2]
    shares = [(sweep.rows.total_flops + besides) / target_flops for sweep in ends]
    wastes = sorted(sweep.end.waste_before for sweep in ends)
    return SweepPrice(
        target_flops=target_flops,
        tolerance=limits.tolerance,
        share=shares[len(ends) // 2],
        share_interval=(shares[0], shares[-1]),
        runs=len(middle.rows) + len(without_row),
        waste=wastes[len(wastes) // 2],
        waste_interval=(wastes[0], wastes[-1]),
        best_share=_best_share(middle, law, target_flops),
        stop=middle.end.stop,
    )


def _best_share(sweep: SimulatedSweep, law: ChinchillaLaw, target_flops: float) -> float:
    """s* = sqrt((alpha + beta) / 2 v1), v1 the variance of ln N_opt by the rows times the share that they cost."""
    end = sweep.end
    v1 = end.noise_share * end.log_params_se**2 * sweep.rows.total_flops / target_flops
    return float(np.sqrt((law.alpha + law.beta) / 2 * v1))
