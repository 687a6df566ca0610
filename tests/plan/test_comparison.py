"""What a law says at a budget, and how far outside its runs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws import FrontierLaw, Provenance, published_law, published_names
from isoflop.plan import law_at_budget


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(published_names()), exponent=st.floats(12, 28))
def test_beyond_is_above_one_exactly_where_extrapolation_is_said(name, exponent):
    here = law_at_budget(published_law(name), 10**exponent)
    assert here.beyond >= 1
    said = {notice.code for notice in here.notices}
    # the notice looks at N and D too where the law knows both them and C
    assert here.beyond == 1 or "extrapolation" in said
    assert ("caution" in said) == bool(here.law.caution)
    assert 6 * here.params * here.tokens == pytest.approx(10**exponent, rel=1e-9)


def test_below_the_smallest_run_is_outside_too():
    here = law_at_budget(published_law("hoffmann2022-2"), 6e17)
    assert here.beyond == pytest.approx(10)
    assert here.extrapolation_factor == 1.0


def test_a_law_that_says_nothing_of_its_runs():
    law = FrontierLaw.through(params=1e9, flops=1e20, a=0.5, provenance=Provenance(name="mine"))
    here = law_at_budget(law, 1e24)
    assert here.beyond is here.extrapolation_factor is here.loss is None


@pytest.mark.parametrize("flops", [0, -1.0, float("nan"), float("inf")])
def test_a_budget_that_is_none(flops):
    with pytest.raises(InputError, match="flops"):
        law_at_budget(published_law("besiroglu2024"), flops)
