"""The policy on made-up sweeps: what it chooses, what it says, and when it ends."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.sweep.adaptive import Candidate, Decision, Evidence, Limits, next_batch
from isoflop.sweep.adaptive.simulate import normal_noise, simulate
from sweep.adaptive.sweeps import LAW, LIMITS, TARGET, begun, grid, guess


def test_same_arguments_same_decision() -> None:
    first, again = (next_batch(begun(), grid(), target_flops=TARGET, limits=LIMITS) for _ in range(2))
    assert first == again
    assert Decision.from_json(json.loads(json.dumps(first.as_json()))) == first


def test_sentence_names_runs_cost_and_waste() -> None:
    decision = next_batch(begun(), grid(), target_flops=TARGET, limits=LIMITS)
    assert decision.stop is None
    assert decision.sentence.startswith("next: ")
    assert " FLOPs: expected waste " in decision.sentence
    assert decision.waste_after < decision.waste_before


def test_a_decision_among_two_thousand_takes_less_than_two_seconds_of_cpu() -> None:
    rows = simulate(
        LAW.loss, normal_noise(0, 0.005), grid(), guess, span=(1e17, 1e19), target_flops=TARGET,
        limits=replace(LIMITS, must_pay=False, flops=3e20), most_batches=30,
    ).rows  # fmt: skip
    many = [replace(c, key=f"{c.key} {i}", params=c.params * 1.001**i) for i in range(20) for c in grid()]
    begin = time.process_time()
    next_batch(rows, many, target_flops=TARGET, limits=LIMITS)
    assert time.process_time() - begin < 2


def test_nothing_beyond_the_limits_is_chosen() -> None:
    limits = replace(LIMITS, largest_run=1e19, flops=begun().total_flops + 2e19, must_pay=False, batch=8)
    decision = next_batch(begun(), grid(), target_flops=TARGET, limits=limits)
    assert decision.runs
    assert sum(run.candidate.flops for run in decision.runs) <= 2e19
    assert max(run.candidate.law_flops for run in decision.runs) <= 1e19
    ratios = [run.candidate.tokens / run.candidate.params for run in decision.runs]
    assert min(ratios) >= limits.tokens_per_param[0]
    assert max(ratios) <= limits.tokens_per_param[1]


@pytest.mark.parametrize(
    ("limits", "stop"),
    [
        (replace(LIMITS, tolerance=0.9), "tolerance reached"),
        (replace(LIMITS, flops=1e17), "budget spent"),
        (replace(LIMITS, seconds=1.0), "time"),
        (replace(LIMITS, largest_run=1.0), "no candidate left"),
    ],
)
def test_the_reason_to_stop(limits: Limits, stop: str) -> None:
    decision = next_batch(begun(), grid(), target_flops=TARGET, limits=limits)
    assert decision.stop == stop
    assert decision.runs == ()
    assert decision.sentence.startswith(f"done: {stop}")


def test_a_target_as_small_as_its_sweep_is_not_worth_more_runs() -> None:
    decision = next_batch(begun(), grid(), target_flops=2e19, limits=Limits(tolerance=1e-6))
    assert decision.stop == "next batch costs more than it saves"
    assert decision.waste_after > decision.waste_before - decision.batch_flops / 2e19


def test_sizes_on_one_side_are_widened_to_the_other() -> None:
    rows = begun()
    C = rows.flops
    N = LAW.optimum(C)[0] * np.tile([1.5, 2.5, 4.0], 3)  # all above the best
    loss = LAW.loss(N, C / (6 * N)) * np.exp(np.random.default_rng(0).normal(0, 0.002, 9))
    above = Evidence.of(params=N, tokens=C / (6 * N), flops=C, loss=loss)
    first = next_batch(above, grid(), target_flops=TARGET, limits=LIMITS).runs[0]
    assert first.reason == "widen"
    assert first.candidate.params < float(LAW.optimum(first.candidate.law_flops)[0]) * 1.5


def test_a_second_seed_is_trained_where_noise_limits() -> None:
    rows, noisy = begun(), begun(noise=0.01)
    repeats = [
        Candidate(
            key=f"again {i}", params=float(rows.params[i]), tokens=float(rows.tokens[i]), flops=float(rows.flops[i]),
            law_flops=float(rows.flops[i]), seconds=1.0, kind="repeat", seed=1,
        )
        for i in range(len(rows))
    ]  # fmt: skip
    decision = next_batch(noisy, [*grid(), *repeats], target_flops=TARGET, limits=LIMITS)
    assert decision.noise_share > 0.5
    assert [run.candidate.kind for run in decision.runs if run.reason == "repeat: noise limits"] == ["repeat"]


def test_a_third_of_the_flops_lies_near_the_frontier() -> None:
    sweep = simulate(
        LAW.loss, normal_noise(1, 0.005), grid(), guess, span=(1e17, 1e19), target_flops=TARGET, limits=LIMITS
    )
    assert sweep.end.frontier_share >= 0.3
    assert {run.reason for decision in sweep.decisions for run in decision.runs} >= {"V-optimal", "frontier check"}


def test_too_few_rows_are_refused() -> None:
    rows = Evidence.of(params=[1e8, 2e8, 3e8], tokens=[1e9, 2e9, 3e9], flops=[6e17, 2e18, 5e18], loss=[4.0, 3.5, 3.3])
    with pytest.raises(RefusedError, match="starts from 4"):
        next_batch(rows, grid(), target_flops=TARGET, limits=Limits())


def test_a_diverged_row_is_refused() -> None:
    with pytest.raises(InputError, match="loss: expected positive finite"):
        Evidence.of(params=[1e8], tokens=[1e9], flops=[6e17], loss=[float("nan")])
