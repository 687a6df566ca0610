"""A plan on its cluster has a layout, and one duration; or it says why it has no layout."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_law
from isoflop.plan import Cluster, make_plan
from isoflop.plan.run_time import RUN_OVER_STEPS

LAW = published_law("besiroglu2024")


def test_a_plan_on_a_cluster_has_a_layout():
    plan = make_plan(LAW, 5.76e23, cluster=Cluster.parse("512xH100"))
    estimate = plan.layout_estimate
    assert estimate.layout.devices == 512
    # the run's batch is the one that divides over the devices, near the recipe's
    run = plan.buildable.run
    assert run.batch_tokens == estimate.batch_sequences * 2048
    recipe = LargeRecipe()
    assert run.batch_tokens == pytest.approx(
        recipe.batch_tokens(run.architecture, plan.buildable.budget_tokens), rel=0.1
    )
    assert run.tokens == pytest.approx(plan.buildable.budget_tokens, rel=1e-4)
    assert plan.as_json()["layout"] == estimate.as_json()
    # a whole run reaches less than its steps do
    share = plan.cost_estimate.utilization
    assert share.low < share.expected < estimate.time.utilization < share.high
    assert share.expected == pytest.approx(estimate.time.utilization / RUN_OVER_STEPS.expected, rel=2e-3)


def test_a_utilization_that_is_given_decides_the_duration():
    plan = make_plan(LAW, 5.76e23, cluster=Cluster.parse("512xH100", utilization=0.3))
    # a utilization is a share of model FLOPs: 6 N D and 12 L H Q T a token (Chowdhery et al. 2022, Appendix B)
    built = plan.buildable
    arch = built.architecture
    a_token = 6 * arch.params().total + 12 * arch.n_layers * arch.n_heads * arch.head_dim * 2048
    assert plan.cost_estimate.hours == pytest.approx(a_token * built.budget_tokens / (512 * 989.4e12 * 0.3) / 3600)
    assert plan.layout_estimate.time.utilization != 0.3
    assert plan.cost_estimate.hours_source == "utilization"
    assert plan.step_seconds * built.run.steps == pytest.approx(plan.cost_estimate.hours * 3600, rel=1e-4)


@given(
    devices=st.sampled_from(["64xA100", "512xH100", "24xH100", "256xTPUv4"]),
    flops=st.sampled_from([1e21, 3e22]),
    price=st.floats(0.5, 5),
)
@settings(max_examples=8, deadline=None)
def test_hours_price_and_energy_are_those_of_the_layouts_steps(devices, flops, price):
    cluster = Cluster.parse(devices, price_per_hour=price)
    plan = make_plan(LAW, flops, cluster=cluster)
    cost, step = plan.cost_estimate, plan.layout_estimate.time
    seconds = plan.buildable.run.steps * step.seconds
    times = (RUN_OVER_STEPS.low / RUN_OVER_STEPS.expected, RUN_OVER_STEPS.high / RUN_OVER_STEPS.expected)
    assert (cost.hours_source, plan.step_seconds) == ("layout", step.seconds)
    assert cost.hours == pytest.approx(seconds / 3600 * RUN_OVER_STEPS.expected)
    assert cost.hours_range == tuple(pytest.approx(cost.hours * ratio) for ratio in times)
    assert cost.price == pytest.approx(price * cluster.count * cost.hours)
    assert cost.price_range == tuple(pytest.approx(cost.price * ratio) for ratio in times)
    assert cost.energy_kwh is None or cost.energy_kwh == pytest.approx(cost.device_hours * cluster.hardware.watts / 1e3)
    # one duration: the utilization is what it implies
    peak = cluster.count * cluster.hardware.peak_flops["bfloat16"] * 3600
    share = cost.utilization
    assert share.expected == pytest.approx(cost.flops / (peak * cost.hours))
    assert (share.high, share.low) == tuple(pytest.approx(cost.flops / (peak * end)) for end in cost.hours_range)
    assert (cost.utilization_hours, cost.utilization_hours_range) == (cost.hours, cost.hours_range)
    value = plan.as_json()
    assert (value["hours"], value["price"], value["step_seconds"]) == (cost.hours, cost.price, step.seconds)


def test_without_a_layout_the_utilization_of_whole_runs_decides_the_duration():
    plan = make_plan(LAW, 5.76e23, cluster=Cluster.parse("64xV100"))
    assert plan.layout_estimate is None
    assert plan.cost_estimate.hours_source == "utilization"
    assert plan.cost_estimate.hours == plan.cost_estimate.utilization_hours
    assert plan.cost_estimate.hours_range == plan.cost_estimate.utilization_hours_range


def test_a_given_batch_is_unchanged():
    plan = make_plan(LAW, 5.76e23, cluster=Cluster.parse("512xH100"), recipe=LargeRecipe(given_batch=2**21))
    assert plan.layout_estimate.time.tokens == plan.buildable.run.batch_tokens == 2**21


def test_four_million_tokens_are_two_to_the_22():
    plan = make_plan(LAW, 5.76e23, cluster=Cluster.parse("512xH100"), recipe=LargeRecipe(given_batch=4e6))
    assert plan.buildable.run.batch_tokens == 2**22


@pytest.mark.parametrize(
    ("cluster", "reason"), [("8xB200", "B200: no published runs"), ("8xA100", "the least that would")]
)
def test_a_plan_without_a_layout_says_why(cluster, reason):
    plan = make_plan(LAW, 5.76e23, cluster=Cluster.parse(cluster))
    assert plan.layout_estimate is None
    assert plan.as_json()["layout"] is None
    (notice,) = [notice for notice in plan.notices if notice.code == "no_placement"]
    assert reason in notice.message


def test_without_a_cluster_a_plan_has_no_layout_and_no_warning_of_it():
    plan = make_plan(LAW, 5.76e23)
    assert plan.layout_estimate is None
    assert "no_placement" not in {notice.code for notice in plan.notices}
