"""The policy on made-up sweeps: what it chooses, what it says, and when it ends."""

import json

import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.laws import ChinchillaLaw
from isoflop.sweep.adaptive import Candidate, Decision, Evidence, Limits, first_runs, next_batch
from isoflop.sweep.adaptive.simulate import candidate_grid

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
TARGET = 1e22


def guess(flops: float) -> float:
    """Twenty tokens a parameter."""
    return float((flops / 120) ** 0.5)


def grid() -> list[Candidate]:
    return candidate_grid(guess, np.geomspace(1e17, TARGET / 16, 12), ratios=np.geomspace(1 / 8, 8, 9))


def begun(seed: int = 0, noise: float = 0.005) -> Evidence:
    runs = first_runs(grid(), guess, span=(1e17, 1e19), limits=Limits())
    N, D = np.array([run.params for run in runs]), np.array([run.tokens for run in runs])
    loss = LAW.loss(N, D) * np.exp(np.random.default_rng(seed).normal(0, noise, len(runs)))
    return Evidence.of(params=N, tokens=D, flops=6 * N * D, loss=loss)


def test_same_arguments_same_decision() -> None:
    limits = Limits(largest_run=TARGET / 16)
    first, again = (next_batch(begun(), grid(), target_flops=TARGET, limits=limits) for _ in range(2))
    assert first == again
    assert Decision.from_json(json.loads(json.dumps(first.as_json()))) == first


def test_sentence_names_runs_cost_and_waste() -> None:
    decision = next_batch(begun(), grid(), target_flops=TARGET, limits=Limits(largest_run=TARGET / 16))
    assert decision.stop is None
    assert decision.sentence.startswith("next: ")
    assert " FLOPs: expected waste " in decision.sentence
    assert decision.waste_after < decision.waste_before


def test_too_few_rows_are_refused() -> None:
    rows = Evidence.of(params=[1e8, 2e8, 3e8], tokens=[1e9, 2e9, 3e9], flops=[6e17, 2e18, 5e18], loss=[4.0, 3.5, 3.3])
    with pytest.raises(RefusedError, match="starts from 4"):
        next_batch(rows, grid(), target_flops=TARGET, limits=Limits())
