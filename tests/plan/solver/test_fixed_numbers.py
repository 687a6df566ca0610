"""Plans with one number fixed, against closed forms and against the free optimum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, published_law
from isoflop.plan import FixedParams, FixedRatio, FixedTokens, LawSource, Problem, make_plan

LAW = published_law("besiroglu2024")
MEASURED = ComputeCost(params=(1e4, 1e5, 1e6, 1e9), flops=(1.5e5, 9e5, 7e6, 6.1e9))

numbers = st.floats(4, 13)


@pytest.mark.parametrize("cost", [SIX_N, MEASURED], ids=["6 N", "measured"])
@given(log_number=numbers, log_flops=st.floats(14, 27))
def test_each_spends_the_budget_and_keeps_its_number(cost, log_number, log_flops):
    number, flops = 10**log_number, 10**log_flops
    for objective, kept in (
        (FixedParams(params=number), lambda N, D: N),
        (FixedTokens(tokens=number), lambda N, D: D),
        (FixedRatio(tokens_per_param=number / 1e6), lambda N, D: D / N * 1e6),
    ):
        N, D = Problem.of(objective).choose(LAW, flops, cost)
        assert float(kept(N, D)) == pytest.approx(number, rel=1e-9)
        assert float(cost.flops_per_token(N) * D) == pytest.approx(flops, rel=1e-9)


@given(log_flops=st.floats(14, 27), ratio=st.floats(0.1, 1e4))
def test_a_ratio_is_the_square_root_of_compute(log_flops, ratio):
    N, _ = Problem.of(FixedRatio(tokens_per_param=ratio)).choose(LAW, 10**log_flops, SIX_N)
    assert float(N) == pytest.approx(math.sqrt(10**log_flops / (6 * ratio)), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(log_flops=st.floats(19, 25), off=st.floats(-1.5, 1.5))
def test_the_waste_is_that_of_the_size_and_none_at_the_optimum(log_flops, off):
    from isoflop.laws import wasted_compute

    flops = 10**log_flops
    best = float(LAW.optimum(flops)[0])
    plan = make_plan(LAW, flops, objective=FixedParams(params=best * math.exp(off)), recipe=None)
    assert plan.wasted_share == pytest.approx(float(wasted_compute(LAW, math.exp(-off))), abs=1e-6)
    alternative = plan.alternatives[0]
    assert (alternative.kind, alternative.wasted_share) == ("best", pytest.approx(0, abs=1e-9))
    assert alternative.params == pytest.approx(best)
    assert alternative.loss <= plan.loss + 1e-12


def test_nothing_was_left_to_the_law_so_there_is_no_interval_of_sizes():
    draws = ChinchillaLaw(**{name: np.full(20, value) for name, value in LAW.constants().items()})
    plan = make_plan(LawSource(law=LAW, draws=draws), 1e22, objective=FixedTokens(tokens=1e12), recipe=None)
    assert plan.params_interval is plan.tokens_interval is plan.expected_waste is None
    assert plan.loss_interval == (pytest.approx(plan.loss), pytest.approx(plan.loss))
    assert plan.wasted_share > 0.5


def test_a_frontier_can_be_left_too_but_its_waste_is_not_known():
    plan = make_plan(published_law("hoffmann2022-1"), 5.76e23, objective=FixedParams(params=280e9), recipe=None)
    assert plan.tokens == pytest.approx(5.76e23 / 6 / 280e9)
    assert plan.loss is plan.wasted_share is None
    assert plan.alternatives == ()


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
def test_numbers_that_are_none_are_refused(value):
    for make in (
        lambda: FixedParams(params=value),
        lambda: FixedTokens(tokens=value),
        lambda: FixedRatio(tokens_per_param=value),
    ):
        with pytest.raises(InputError, match="positive"):
            make()
