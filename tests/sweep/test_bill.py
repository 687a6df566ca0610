"""The bill adds up by hand, falls with more workers, and never promises speeds that were not measured."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.arch import flops_per_token
from isoflop.sweep import Speed, bill_for
from sweep.machine import RECIPE, SPEED


def spec(params=1e5, tokens=1e6, seed=0):
    return RECIPE.spec(RECIPE.architecture(params), tokens, corpus="c", seed=seed)


def flat(flops_per_second, eval_tokens_per_second):
    return Speed(
        flops=(1e6, 1e9),
        flops_per_second=(flops_per_second,) * 2,
        eval_tokens_per_second=(eval_tokens_per_second,) * 2,
    )


def test_a_run_takes_its_flops_and_two_domains_of_evaluation():
    run = spec()
    flops = flops_per_token(run.architecture, run.seq_len) * run.tokens
    assert flat(1e9, 1e4).seconds(run) == pytest.approx(flops / 1e9 + 2 * run.eval_tokens / 1e4)


def test_speed_between_two_sizes_is_their_geometric_mean_half_way():
    speed = Speed(flops=(1e6, 1e10), flops_per_second=(1e9, 1e11), eval_tokens_per_second=(1e6, 1e4))
    run = spec()
    per_token = flops_per_token(run.architecture, run.seq_len)
    # a step of 1e8 FLOPs, half way between the two in the logarithm
    run = replace(run, batch_tokens=run.seq_len, tokens=100 * run.seq_len, warmup_tokens=0, eval_tokens=10**6)
    half_way = Speed(
        flops=tuple(x * per_token * run.seq_len / 1e8 for x in speed.flops),
        flops_per_second=speed.flops_per_second,
        eval_tokens_per_second=speed.eval_tokens_per_second,
    )
    assert half_way.seconds(run) == pytest.approx(per_token * run.tokens / 1e10 + 2e6 / 1e5)


def test_beyond_the_measured_sizes_speed_stays_what_it_was():
    run = spec(params=1e8, tokens=1e8)
    step = flops_per_token(run.architecture, run.seq_len) * run.batch_tokens
    assert step > SPEED.flops[-1]
    expected = step * run.steps / SPEED.flops_per_second[-1] + 2 * run.eval_tokens / SPEED.eval_tokens_per_second[-1]
    assert SPEED.seconds(run) == pytest.approx(expected)


def test_no_runs_cost_nothing():
    bill = bill_for([], SPEED, 2)
    assert (bill.runs, bill.flops, bill.seconds, bill.disk_bytes) == (0, 0, 0, 0)


@given(st.lists(st.floats(4, 7), min_size=1, max_size=6), st.integers(1, 8))
def test_a_bill_is_the_sum_of_its_runs_over_the_workers(sizes, workers):
    specs = [spec(10**size, seed=number) for number, size in enumerate(sizes)]
    bill = bill_for(specs, SPEED, workers)
    seconds = [SPEED.seconds(s) for s in specs]
    assert bill.runs == len(specs)
    assert bill.flops == pytest.approx(sum(flops_per_token(s.architecture, s.seq_len) * s.tokens for s in specs))
    assert bill.seconds == pytest.approx(max(sum(seconds) / workers, *seconds, 0))
    assert bill_for(specs, SPEED, workers + 1).seconds <= bill.seconds
    # final weights and what a resumed run needs: at least the weights themselves
    assert bill.disk_bytes > 4 * sum(s.architecture.params().total for s in specs)
