"""A whole adaptive sweep of a known law: what prices are made from, and what benches measure the policy by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.laws import SIX_N, ComputeCost
from isoflop.sweep.adaptive.candidate import Candidate
from isoflop.sweep.adaptive.decision import Decision
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.first_runs import first_runs
from isoflop.sweep.adaptive.limits import Limits
from isoflop.sweep.adaptive.policy import next_batch
from isoflop.units import format_number

Losses = Callable[[Array, Array], Array]
"""Loss at N parameters and D tokens."""
PER_DECADE = 4
"""Budgets of a decade of compute in a grid of candidates, and sizes of a decade at a budget."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedSweep:
    """What came of it."""

    rows: Evidence
    decisions: tuple[Decision, ...]
    """The last one has a reason to stop."""

    @property
    def end(self) -> Decision:
        """The last decision."""
        return self.decisions[-1]


def candidate_grid(
    guess: Callable[[float], float],
    flops: Sequence[float] | Array,
    *,
    ratios: Sequence[float] | Array,
    cost: ComputeCost = SIX_N,
) -> list[Candidate]:
    """A candidate for each of `flops` x `ratios` of the size that `guess` gives for these FLOPs."""
    found = []
    for budget in flops:
        for ratio in ratios:
            N = guess(float(budget)) * float(ratio)
            D = float(cost.tokens(float(budget), N))
            found.append(
                Candidate(
                    key=f"{format_number(N, 6)} on {format_number(D, 6)}",
                    params=N,
                    tokens=D,
                    flops=float(budget),
                    law_flops=float(budget),
                    seconds=float(budget),
                )
            )
    return found


def normal_noise(seed: int, sd: float) -> Callable[[int], Array]:
    """Draws of normal noise, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return lambda count: rng.normal(0.0, sd, count)


def simulate(
    losses: Losses,
    noise: Callable[[int], Array],
    candidates: Sequence[Candidate],
    guess: Callable[[float], float],
    *,
    span: tuple[float, float],
    target_flops: float,
    limits: Limits,
    most_batches: int = 60,
) -> SimulatedSweep:
    """The sweep from its first runs to its end, `noise(n)` giving n draws of the noise of ln loss.

    Each cell can be trained once more with another seed. Ends after `most_batches` decisions at the latest, the last
    decision then without a reason to stop.
    """
    free = {c.key: c for c in candidates}
    rows = _trained(None, first_runs(candidates, guess, span=span, limits=limits), losses, noise, free)
    decisions: list[Decision] = []
    for _ in range(most_batches):
        decision = next_batch(rows, list(free.values()), target_flops=target_flops, limits=limits)
        decisions.append(decision)
        if decision.stop is not None:
            break
        rows = _trained(rows, [run.candidate for run in decision.runs], losses, noise, free)
    return SimulatedSweep(rows=rows, decisions=tuple(decisions))


def _trained(
    rows: Evidence | None,
    runs: Sequence[Candidate],
    losses: Losses,
    noise: Callable[[int], Array],
    free: dict[str, Candidate],
) -> Evidence:
    """`rows` and those of `runs`; what was trained can be repeated."""
    N, D = np.array([run.params for run in runs]), np.array([run.tokens for run in runs])
    new = Evidence.of(
        params=N,
        tokens=D,
        flops=[run.law_flops for run in runs],
        spent=[run.flops for run in runs],
        loss=losses(N, D) * np.exp(noise(len(runs))),
        trunk=[run.key for run in runs],
        seed=[run.seed for run in runs],
    )
    for run in runs:
        del free[run.key]
        again = run.key.split(" seed ")[0] + f" seed {run.seed + 1}"
        free[again] = Candidate(
            key=again,
            params=run.params,
            tokens=run.tokens,
            flops=run.flops,
            law_flops=run.law_flops,
            seconds=run.seconds,
            kind="repeat",
            seed=run.seed + 1,
            shape=run.shape,
        )
    return new if rows is None else rows.with_rows(new)
