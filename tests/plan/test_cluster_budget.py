"""A plan for money or days costs the money or takes the days, or says what it leaves and why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isoflop
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_law
from isoflop.plan import (
    Cluster,
    FixedRatio,
    InferenceDemand,
    LimitedData,
    Problem,
    ServingLimit,
    TrainingOnly,
    make_plan,
)
from isoflop.plan.cluster_budget import LEAST_LEFT, budget_on_cluster
from isoflop.plan.run_time import RUN_OVER_STEPS

LAW = published_law("besiroglu2024")


def test_two_million_dollars_buy_a_plan_of_two_million():
    plan = isoflop.plan("$2M")
    assert plan.cost_estimate.hours_source == "layout"
    assert plan.cost_estimate.price == pytest.approx(2e6, rel=1e-5)
    assert {"above_price", "budget_left"}.isdisjoint(notice.code for notice in plan.notices)


@settings(max_examples=25, deadline=None)
@given(
    devices=st.sampled_from(["1xA100", "8xH100", "500xA100", "512xH100", "1024xTPUv4", "64xV100"]),
    log_days=st.floats(-0.5, 2),
    objective=st.sampled_from(
        [
            TrainingOnly(),
            FixedRatio(tokens_per_param=100),
            InferenceDemand(tokens=1e13),
            LimitedData(unique_tokens=1e10),
        ]
    ),
    memory=st.sampled_from([None, 80e9]),
)
def test_the_plan_fills_its_days_or_says_what_it_leaves(devices, log_days, objective, memory):
    days = 10**log_days
    cluster = Cluster.parse(devices, days=days)
    serving = None if memory is None or Problem.of(objective).fixed else ServingLimit(memory_bytes=memory)
    budget = budget_on_cluster(LAW, cluster, objective=objective, serving=serving)
    plan = make_plan(LAW, budget.flops, objective=objective, cluster=cluster, serving=serving)
    hours = plan.cost_estimate.hours
    # a plan that cannot use its budget, for lack of text, spends the share of it that it says
    spent = min(1.0, plan.flops / plan.budget_flops)
    assert budget.hours == pytest.approx(hours / spent, rel=1e-9)
    assert budget.hours <= 24 * days * (1 + 1e-9)
    assert "misses_deadline" not in {notice.code for notice in plan.notices}
    left = [notice.code for notice in budget.notices]
    assert left == (["budget_left"] if budget.hours < 24 * days * (1 - LEAST_LEFT) else [])
    # any more takes longer
    more = make_plan(LAW, budget.flops * (1 + 1e-11), objective=objective, cluster=cluster, serving=serving)
    assert more.cost_estimate.hours >= hours


def test_what_is_left_is_said_with_what_would_take_more():
    cluster = Cluster.parse("16384xA100", days=4.04 * RUN_OVER_STEPS.expected)
    budget = budget_on_cluster(LAW, cluster)
    (left,) = budget.notices
    assert budget.hours / budget.limit_hours == pytest.approx(0.9555, abs=2e-3)
    beyond = make_plan(LAW, budget.flops * (1 + 1e-11), cluster=cluster).cost_estimate.hours / 24
    assert left.message.startswith("the plan leaves 4.4 % of the 6.33 days: the next larger ")
    assert left.message.endswith(f"takes {beyond:.3g} days")
    priced = Cluster.parse("16384xA100", max_price=budget.limit_hours * 16384, price_per_hour=1)
    assert " % of the 2.49M: the next larger" in budget_on_cluster(LAW, priced).notices[0].message


def test_a_given_utilization_and_a_plan_without_a_shape_need_no_layout():
    given = Cluster.parse("512xH100", days=30, utilization=0.4)
    for recipe in (LargeRecipe(), None):
        budget = budget_on_cluster(LAW, given, recipe)
        plan = make_plan(LAW, budget.flops, recipe=recipe, cluster=given)
        assert plan.cost_estimate.hours_source == "utilization"
        assert plan.cost_estimate.hours == pytest.approx(720, rel=1e-3)
