"""The over-training form against the formula it abbreviates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws import gadre_law

positive = st.floats(0.1, 1e4)
exponents = st.floats(0.05, 0.4)


@given(a=positive, b=positive, eta=exponents, log_flops=st.floats(15, 26), log_ratio=st.floats(-1, 4))
def test_the_law_is_the_printed_form(a, b, eta, log_flops, log_ratio):
    C, M = 10**log_flops, 10**log_ratio
    N = np.sqrt(C / (6 * M))
    printed = 1.5 + (a * M**eta + b * M**-eta) * C**-eta
    assert float(gadre_law(E=1.5, a=a, b=b, eta=eta).loss(N, M * N)) == pytest.approx(printed, rel=1e-9)


@given(a=st.floats(1, 1e3), b=st.floats(1, 1e3), eta=exponents, log_flops=st.floats(15, 26))
def test_the_best_ratio_is_the_same_at_every_budget(a, b, eta, log_flops):
    N, D = gadre_law(E=1.5, a=a, b=b, eta=eta).optimum(10**log_flops)
    # d/dM (a M^eta + b M^-eta) = 0
    assert float(D / N) == pytest.approx((b / a) ** (1 / (2 * eta)), rel=1e-9)


@pytest.mark.parametrize("wrong", [{"a": 0}, {"b": -1.0}, {"eta": 0}, {"eta": float("nan")}])
def test_constants_that_are_none_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        gadre_law(**{"E": 1.5, "a": 100.0, "b": 150.0, "eta": 0.12, **wrong})
