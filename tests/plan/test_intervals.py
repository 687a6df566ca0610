"""Where a question leaves what its law was fitted to."""

import pytest

from isoflop.codes import grade_of
from isoflop.laws import published_law
from isoflop.plan import make_plan
from isoflop.plan.intervals import domain_notices

GOPHER = 5.76e23


def plan_under(name, flops):
    return make_plan(published_law(name), flops, recipe=None)


def test_extrapolation_is_reported_with_its_factor():
    far = plan_under("besiroglu2024", GOPHER)
    assert far.extrapolation_factor == pytest.approx(GOPHER / 1.296e22)
    assert "extrapolation" in {notice.code for notice in far.notices}
    inside = plan_under("besiroglu2024", 1e21)
    assert inside.extrapolation_factor == 1.0
    assert "extrapolation" not in {notice.code for notice in inside.notices}


def test_a_laws_caution_is_repeated():
    said = {notice.code: notice.message for notice in plan_under("llama3-2024-printed", 3.8e25).notices}
    assert "10.46T" in said["caution"]
    assert "caution" not in {notice.code for notice in plan_under("llama3-2024", 3.8e25).notices}


def test_every_number_outside_is_named_and_none_inside():
    law = published_law("kaplan2020")
    low, high = law.provenance.domain["params"]
    inside = {"params": low, "tokens": 2.3e10, "flops": 1e30}
    assert {notice.code for notice in domain_notices(law, **inside, has_draws=True)} == {"caution", "no_loss"}
    outside = domain_notices(law, params=10 * high, tokens=1.1e7, flops=1e30, has_draws=True)
    (said,) = [notice.message for notice in outside if notice.code == "extrapolation"]
    assert "10 times above the largest" in said
    assert "2 times below the smallest" in said
    assert "flops" not in said


def test_a_domain_without_a_lower_end_is_left_above_only():
    law = published_law("muennighoff2023")
    small = domain_notices(law, params=1.0, tokens=1.0, flops=6.0, has_draws=True)
    assert small == []
    large = domain_notices(law, params=9e10, tokens=1e12, flops=1e30, has_draws=True)
    assert "10 times above" in large[0].message


def test_beyond_a_hundred_times_no_answer_is_to_be_used():
    for flops, word in ((1.29e24, "with care"), (1.31e24, "do not use")):
        plan = plan_under("besiroglu2024", flops)
        assert grade_of(notice.code for notice in plan.notices).word == word
    said = {notice.code: notice.message for notice in plan_under("besiroglu2024", 1e25).notices}
    assert said["beyond_evidence"].startswith("772 times outside the runs behind besiroglu2024")
    # a size and a length far outside count as the compute does, on either side
    law = published_law("besiroglu2024")
    low, high = law.provenance.domain["params"]
    for params in (low / 120, 120 * high):
        codes = [each.code for each in domain_notices(law, params=params, tokens=1e10, flops=1e21, has_draws=True)]
        assert codes == ["extrapolation", "beyond_evidence"]
