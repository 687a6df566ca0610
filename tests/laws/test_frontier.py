"""Frontiers through a published point."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.laws import FrontierLaw


@given(log_tokens=st.floats(6, 14), log_flops=st.floats(15, 27), b=st.floats(0.1, 0.9), span=st.floats(0.01, 100))
def test_a_law_through_tokens_meets_them_and_spends_the_rest_on_size(log_tokens, log_flops, b, span):
    tokens, flops = 10**log_tokens, 10**log_flops
    law = FrontierLaw.through_tokens(tokens=tokens, flops=flops, b=b)
    N, D = law.optimum(flops * span)
    assert float(D) == pytest.approx(tokens * span**b, rel=1e-9)
    assert law.tokens_coefficient * (flops * span) ** law.b == pytest.approx(float(D), rel=1e-9)
    assert 6 * float(N) * float(D) == pytest.approx(flops * span, rel=1e-9)


@given(log_params=st.floats(5, 13), log_flops=st.floats(15, 27), a=st.floats(0.1, 0.9))
def test_a_law_through_parameters_and_one_through_its_tokens_are_one(log_params, log_flops, a):
    params, flops = 10**log_params, 10**log_flops
    law = FrontierLaw.through(params=params, flops=flops, a=a)
    other = FrontierLaw.through_tokens(tokens=flops / 6 / params, flops=flops, b=1 - a)
    assert float(law.optimum(3 * flops)[0]) == pytest.approx(float(other.optimum(3 * flops)[0]), rel=1e-9)
    assert float(law.optimum(flops)[0]) == pytest.approx(params, rel=1e-9)
