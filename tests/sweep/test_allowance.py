import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.sweep.allowance import (
    FINAL_RATIO,
    SWEEP_SHARE,
    TIME_MARGIN,
    affordable,
    final_of_total,
    for_target,
    of_time,
    of_total,
    rounded_down,
)


@given(st.floats(1e9, 1e24), st.floats(0, 1))
def test_of_a_total_the_sweep_takes_its_share_at_most_and_the_final_runs_what_is_left(flops, part):
    most = of_total(flops, 0.0).sweep_flops
    spent = part * most
    final = final_of_total(flops, spent)
    assert spent + 2 * final <= flops
    assert spent <= SWEEP_SHARE * (spent + 2 * final)
    allowed = of_total(flops, spent)
    assert allowed.target_flops == final
    assert FINAL_RATIO * allowed.largest_run <= final * (1 + 1e-12)
    assert math.isinf(allowed.worker_seconds)


@given(st.floats(1e9, 1e24))
def test_for_a_target_the_sweep_is_a_share_of_it(target):
    allowed = for_target(target)
    assert allowed.sweep_flops <= SWEEP_SHARE * (allowed.sweep_flops + 2 * target)
    assert allowed.largest_run * FINAL_RATIO == pytest.approx(target)


def test_of_time_the_target_fills_what_the_sweep_leaves():
    allowed = of_time(lambda flops: flops / 1e10, left=800.0, sweep_left=300.0, at_once=lambda _: 2.0)
    assert allowed.target_flops == pytest.approx(5e12, rel=2e-3)
    assert allowed.worker_seconds == 600.0
    # a machine that slows down by TIME_MARGIN until the end still gives FINAL_RATIO
    slower = affordable(lambda flops: TIME_MARGIN * flops / 1e10, 500.0)
    assert slower >= 0.995 * FINAL_RATIO * allowed.largest_run


@given(st.floats(1e6, 1e30))
def test_rounding_never_gives_more(flops):
    assert 0.99 * flops <= rounded_down(flops) <= flops * (1 + 1e-9)
