"""Kaplan's surface against computed losses and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.laws import ComputeCost, published_law

LAW = published_law("kaplan2020-loss")


def test_losses_by_the_printed_constants() -> None:
    # L(175e9, 300e9) and L(1.5e9, 22e9), computed from Eq. 1.5
    assert float(LAW.loss(175e9, 300e9)) == pytest.approx(1.660957, abs=6e-7)
    assert float(LAW.loss(1.5e9, 22e9)) == pytest.approx(2.312548, abs=6e-7)


def test_the_constants_are_where_either_limit_costs_one_nat() -> None:
    assert float(LAW.loss(6.4e13, 1e40)) == pytest.approx(1.0, abs=1e-3)
    assert float(LAW.loss(1e40, 1.8e13)) == pytest.approx(1.0, abs=1e-3)
    # L(N) = (N_c / N)^alpha_N with unlimited tokens
    assert float(LAW.loss(1e9, 1e40)) == pytest.approx((6.4e13 / 1e9) ** 0.076, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(exponent=st.floats(17, 26), off=st.floats(-2, 2), measured=st.booleans())
def test_no_other_size_does_better_at_the_same_compute(exponent, off, measured):
    cost = ComputeCost(params=(1e3, 1e6, 1e13), flops=(2e4, 9e6, 6e13)) if measured else ComputeCost()
    N, D = LAW.optimum(10**exponent, cost)
    assert float(cost.flops_per_token(N) * D) == pytest.approx(10**exponent, rel=1e-9)
    other = float(N) * np.exp(off)
    assert float(LAW.loss(other, cost.tokens(10**exponent, other))) >= float(LAW.loss(N, D)) * (1 - 1e-12)


def test_its_frontier_is_a_power_of_compute() -> None:
    (low, high), _ = LAW.optimum(np.array([1e20, 1e22]))
    assert np.log(high / low) / np.log(100) == pytest.approx(LAW.a, rel=1e-9)
    assert LAW.a == pytest.approx(0.103 / 0.179)
    assert LAW.a + LAW.b == pytest.approx(1)


def test_it_is_not_the_allocation_that_the_paper_gives() -> None:
    # 242B against 804B at Gopher's budget
    assert float(LAW.optimum(5.76e23)[0]) == pytest.approx(2.415e11, rel=1e-3)
    assert float(published_law("kaplan2020").optimum(5.76e23)[0]) == pytest.approx(8.043e11, rel=1e-3)
    assert "kaplan2020 is" in LAW.provenance.caution
