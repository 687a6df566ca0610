"""The bill adds up by hand, falls with more workers, and never promises speeds that were not measured."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.arch import flops_per_token
from isoflop.sweep import Speed, sweep_cost
from sweep.machine import RECIPE, SPEED


def spec(params=1e5, tokens=1e6, seed=0):
    return RECIPE.spec(RECIPE.architecture(params), tokens, corpus="c", seed=seed)


def values(run):
    return run.tokens * run.architecture.n_layers * run.architecture.d_model


def test_a_run_takes_its_steps_its_values_its_flops_and_two_domains_of_evaluation():
    run = spec()
    flops = flops_per_token(run.architecture, run.seq_len) * run.tokens
    by_value = Speed(step_seconds=0.0, seconds_per_value=1e-7, seconds_per_flop=0.0, eval_share=0.0)
    assert by_value.seconds(run) == pytest.approx(1e-7 * values(run))
    by_flop = Speed(step_seconds=1e-3, seconds_per_value=0.0, seconds_per_flop=1e-11, eval_share=0.5)
    evaluated = 2 * run.eval_tokens / run.tokens
    assert by_flop.seconds(run) == pytest.approx(1e-3 * run.steps + 1e-11 * flops * (1 + 0.5 * evaluated))


@given(st.floats(0, 1e-2), st.floats(1e-9, 1e-6), st.floats(1e-12, 1e-10))
def test_speed_is_fitted_from_measured_steps(step, value, flop):
    true = Speed(step_seconds=step, seconds_per_value=value, seconds_per_flop=flop, eval_share=0.3)
    measured = [(run, true.step(run)) for run in map(batched, (16, 24, 56, 56, 96), (512, 2048, 512, 1536, 1024))]
    found = Speed.fitted(measured, eval_share=0.3)
    for width, batch in ((20, 896), (44, 1792), (72, 640)):
        assert found.step(batched(width, batch)) == pytest.approx(true.step(batched(width, batch)), rel=1e-3)


def test_no_part_of_a_step_takes_less_than_no_time():
    steps = [(batched(width, 512), 1e-3 * 1.5**-number) for number, width in enumerate((16, 32, 64))]
    found = Speed.fitted(steps, eval_share=0.3)
    assert min(found.step_seconds, found.seconds_per_value, found.seconds_per_flop) >= 0


def batched(width, batch):
    run = RECIPE.spec(RECIPE.shape(width, 2), 1e6, corpus="c", seed=0)
    return replace(run, batch_tokens=batch, tokens=100 * batch, warmup_tokens=0)


def test_no_runs_cost_nothing():
    bill = sweep_cost([], SPEED, 2)
    assert (bill.runs, bill.flops, bill.seconds, bill.disk_bytes) == (0, 0, 0, 0)


@given(st.lists(st.floats(4, 7), min_size=1, max_size=6), st.integers(1, 8))
def test_a_bill_is_the_sum_of_its_runs_over_the_workers(sizes, workers):
    specs = [spec(10**size, seed=number) for number, size in enumerate(sizes)]
    bill = sweep_cost(specs, SPEED, workers)
    seconds = [SPEED.seconds(s) for s in specs]
    assert bill.runs == len(specs)
    assert bill.flops == pytest.approx(sum(flops_per_token(s.architecture, s.seq_len) * s.tokens for s in specs))
    assert bill.seconds == pytest.approx(max(sum(seconds) / workers, *seconds, 0))
    assert sweep_cost(specs, SPEED, workers + 1).seconds <= bill.seconds
    # final weights and what a resumed run needs: at least the weights themselves
    assert bill.disk_bytes > 4 * sum(s.architecture.params().total for s in specs)
