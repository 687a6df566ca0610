"""A plan on its fleet has a layout, or says why it has none."""

import pytest

from isoflop.arch.published import published_shape
from isoflop.hardware import hardware_named
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_law
from isoflop.plan import Fleet, make_plan
from isoflop.plan.placement import place

LAW = published_law("besiroglu2024")


def test_a_plan_on_a_fleet_is_laid_out():
    plan = make_plan(LAW, 5.76e23, fleet=Fleet.parse("512xH100"))
    placement = plan.placement
    assert placement.layout.devices == 512
    # the run's batch is the one that divides over the devices, near the recipe's
    run = plan.buildable.run
    assert run.batch_tokens == placement.batch_sequences * 2048
    recipe = LargeRecipe()
    assert run.batch_tokens == pytest.approx(recipe.batch_tokens(run.architecture, plan.buildable.tokens), rel=0.1)
    assert run.tokens == pytest.approx(plan.buildable.tokens, rel=1e-4)
    assert plan.as_json()["layout"] == placement.as_json()
    low, high = plan.bill.utilization.low, plan.bill.utilization.high
    assert low < placement.time.utilization < 1.2 * high


def test_the_bill_is_that_of_the_utilization_given():
    given = make_plan(LAW, 5.76e23, fleet=Fleet.parse("512xH100", utilization=0.3))
    # a utilization is a share of model FLOPs: 6 N D and 12 L H Q T a token (Chowdhery et al. 2022, Appendix B)
    built = given.buildable
    arch = built.architecture
    a_token = 6 * arch.params().total + 12 * arch.n_layers * arch.n_heads * arch.head_dim * 2048
    assert given.bill.hours == pytest.approx(a_token * built.tokens / (512 * 989.4e12 * 0.3) / 3600)
    assert given.placement.time.utilization != 0.3


def test_a_batch_of_ones_own_is_kept():
    plan = make_plan(LAW, 5.76e23, fleet=Fleet.parse("512xH100"), recipe=LargeRecipe(given_batch=2**21))
    assert plan.placement.time.tokens == plan.buildable.run.batch_tokens == 2**21


def test_four_million_tokens_are_two_to_the_22():
    plan = make_plan(LAW, 5.76e23, fleet=Fleet.parse("512xH100"), recipe=LargeRecipe(given_batch=4e6))
    assert plan.buildable.run.batch_tokens == 2**22


@pytest.mark.parametrize(("fleet", "said"), [("8xB200", "B200: no published runs"), ("8xA100", "the least that would")])
def test_a_plan_without_a_layout_says_why(fleet, said):
    plan = make_plan(LAW, 5.76e23, fleet=Fleet.parse(fleet))
    assert plan.placement is None
    assert plan.as_json()["layout"] is None
    (notice,) = [notice for notice in plan.notices if notice.code == "no_placement"]
    assert said in notice.message


def test_without_a_fleet_there_is_no_layout_and_no_warning():
    plan = make_plan(LAW, 5.76e23)
    assert plan.placement is None
    assert "no_placement" not in {notice.code for notice in plan.notices}


def test_place_returns_one_of_both():
    arch, seq_len = published_shape("llama3-8b")
    found, notices = place(arch, seq_len, hardware_named("H100"), 8, batch=64, slack=0.0)
    assert found is not None
    assert found.batch_sequences == 64
    assert notices == ()
