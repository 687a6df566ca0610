"""What a law says at a budget, and how far outside its runs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws import ComputeCost, FrontierLaw, Provenance, published_law, published_names
from isoflop.plan import LawSource, law_at_budget, make_plan
from isoflop.plan.other_laws import other_laws


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(published_names()), exponent=st.floats(12, 28))
def test_beyond_is_above_one_exactly_where_extrapolation_is_reported(name, exponent):
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


def test_a_plan_says_what_the_other_laws_would():
    plan = make_plan(published_law("besiroglu2024"), 2.5272e24, recipe=None)
    others = {other.law.name: other for other in plan.other_laws}
    assert set(others) == set(published_names()) - {"besiroglu2024"}
    assert others["hoffmann2022-3"].params == pytest.approx(7.927751e10, rel=1e-6)
    assert others["hoffmann2022-1-printed"].tokens == pytest.approx(3.001270e12, rel=1e-6)
    shown = {other["law"]: other for other in plan.as_json()["other_laws"]}
    assert shown["muennighoff2023"]["params"] == pytest.approx(1.465453e11, rel=1e-6)


def test_published_laws_say_nothing_where_a_token_does_not_cost_6_n():
    tiny = LawSource(law=published_law("besiroglu2024"), cost=ComputeCost(params=(1e4, 1e6), flops=(1.5e5, 7e6)))
    assert other_laws(tiny, 1e14) == ()
