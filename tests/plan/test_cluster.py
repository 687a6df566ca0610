"""Hours, price and energy on a cluster, and the budget that its days or its price pay for."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.arch.published import published_shape
from isoflop.errors import InputError
from isoflop.hardware import hardware_catalogue
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_law
from isoflop.plan import Cluster, FixedParams, FixedRatio, TrainingOnly, Utilization, budget_on_cluster, make_plan
from isoflop.plan.buildable import flops_over_law
from isoflop.plan.cluster import MODEL_FLOPS
from isoflop.plan.run_time import WHOLE_RUN_UTILIZATION

LAW = published_law("besiroglu2024")


def test_a_fleets_own_budget_takes_its_days():
    cluster = Cluster.parse("512xH100", days=30, utilization=0.4)
    flops = budget_on_cluster(LAW, cluster, None).flops
    assert flops == pytest.approx(512 * 989.4e12 * 0.4 * 30 * 86400)
    cost = cluster.estimate_cost(flops)
    assert cost.hours == pytest.approx(720)
    assert cost.hours_range == (pytest.approx(720), pytest.approx(720))
    assert cost.device_hours == pytest.approx(720 * 512)
    assert cost.notices == ()


def test_the_catalogues_price_and_power_are_used_and_named():
    cost = Cluster.parse("512xH100", utilization=0.4).estimate_cost(512 * 989.4e12 * 0.4 * 3600)
    assert cost.hours == pytest.approx(1)
    assert cost.price == pytest.approx(512 * 2.95)
    assert "2026" in cost.price_source
    # 512 devices of 700 W
    assert cost.energy_kwh == pytest.approx(512 * 0.7)


def test_a_price_of_ones_own_takes_its_place():
    cost = Cluster.parse("8xH100", utilization=0.4, price_per_hour=1.25).estimate_cost(1e21)
    assert cost.price == pytest.approx(1.25 * cost.device_hours)
    assert cost.price_source == "given"


def test_what_the_catalogue_does_not_know_stays_unknown():
    assert Cluster.parse("8xV100").estimate_cost(1e20).price is None
    tpu = Cluster.parse("8xTPUv5p").estimate_cost(1e20)
    assert tpu.energy_kwh is tpu.energy_range is None
    assert tpu.price is not None


@given(
    device=st.sampled_from(sorted(hardware_catalogue())),
    count=st.integers(1, 30_000),
    log_flops=st.floats(18, 26),
    low=st.floats(0.05, 0.6),
    width=st.floats(0, 0.4),
)
def test_a_range_of_utilization_is_one_of_hours_and_price(device, count, log_flops, low, width):
    cluster = Cluster.parse(f"{count}x{device}", utilization=f"{low}-{low + width}", price_per_hour=2.0)
    cost = cluster.estimate_cost(10**log_flops)
    fast, slow = cost.hours_range
    assert fast <= cost.hours <= slow
    assert slow / fast == pytest.approx((low + width) / low)
    assert cost.price_range == (pytest.approx(2.0 * count * fast), pytest.approx(2.0 * count * slow))
    if cost.energy_kwh is not None:
        assert cost.energy_kwh / cost.hours == pytest.approx(cluster.hardware.watts * count / 1e3)
    # the FLOPs that the money buys are those that it pays for
    paid = budget_on_cluster(LAW, replace(cluster, max_price=cost.price), None)
    assert paid.flops == pytest.approx(10**log_flops)


def test_without_a_number_that_of_whole_runs_is_used():
    cluster = Cluster.parse("512xH100", days=30)
    share, whole = cluster.utilization, WHOLE_RUN_UTILIZATION
    assert (share.low, share.expected, share.high) == (whole.low, whole.expected, whole.high)
    assert "whole published runs" in share.source
    flops = budget_on_cluster(LAW, cluster, None).flops
    assert flops == pytest.approx(512 * 989.4e12 * whole.expected * 30 * 86400)
    cost = cluster.estimate_cost(flops)
    assert cost.hours == pytest.approx(720)
    ends = (720 * whole.expected / end for end in (whole.high, whole.low))
    assert cost.hours_range == tuple(pytest.approx(end) for end in ends)
    assert [notice.code for notice in cost.notices] == ["may_miss_deadline"]


def test_a_missed_deadline_is_reported():
    cluster = Cluster.parse("64xA100", days=30, utilization=0.4, price_per_hour=1.5)
    plan = make_plan(published_law("besiroglu2024"), 5.76e23, cluster=cluster)
    assert "misses_deadline" in {notice.code for notice in plan.notices}
    assert plan.cost_estimate.hours == pytest.approx(plan.cost_estimate.flops / (64 * 312e12 * 0.4) / 3600)
    assert plan.cost_estimate.price == pytest.approx(1.5 * plan.cost_estimate.device_hours)


def test_attention_is_billed_as_the_utilization_counts_it():
    # Llama 3 8B, 6 N = 48.2e9 and 12 L H Q T = 51.5e9 at 32,768: twice the bill of 6 N D, and 1.07 times at 2,048
    shape, _ = published_shape("llama3-8b")
    law = published_law("besiroglu2024").provenance
    for seq_len, times in ((2048, 1.0669), (32_768, 2.0698)):
        by_hand = 1 + 12 * 32 * 32 * 128 * seq_len / (6 * 8_030_261_248)
        assert (
            flops_over_law(shape, LargeRecipe(seq_len=seq_len), law, MODEL_FLOPS)
            == pytest.approx(by_hand)
            == pytest.approx(times, rel=1e-4)
        )


def test_the_bill_and_the_predicted_step_count_the_same_flops():
    plan = make_plan(
        published_law("besiroglu2024"),
        7.68e21,
        objective=FixedParams(params=8e9),
        recipe=LargeRecipe(seq_len=32_768),
        cluster=Cluster.parse("64xH100", utilization=0.4),
    )
    step = plan.layout_estimate.time
    assert plan.cost_estimate.flops_convention == "palm_mfu"
    assert plan.cost_estimate.flops / plan.buildable.budget_tokens == pytest.approx(step.model_flops / step.tokens)
    # at the predicted utilization the bill's step is the predicted step
    assert plan.step_seconds * 0.4 == pytest.approx(step.seconds * step.utilization)
    assert plan.flops == pytest.approx(7.68e21)


def test_without_a_shape_the_bill_is_of_the_laws_flops_and_says_so():
    cluster = Cluster.parse("64xA100", utilization=0.4)
    cost = make_plan(published_law("besiroglu2024"), 1e21, recipe=None, cluster=cluster).cost_estimate
    assert (cost.flops, cost.flops_convention) == (pytest.approx(1e21), "six_n")


@settings(max_examples=30, deadline=None)
@given(
    count=st.sampled_from([8, 64, 512, 4096]),
    days=st.floats(1, 100),
    seq_len=st.sampled_from([512, 2048, 8192, 65_536]),
    name=st.sampled_from(["besiroglu2024", "hoffmann2022-3", "kaplan2020"]),
    ratio=st.sampled_from([None, 20, 500]),
)
def test_the_budget_of_a_cluster_takes_its_days(count, days, seq_len, name, ratio):
    law, cluster = published_law(name), Cluster.parse(f"{count}xH100", days=days, utilization=0.4)
    recipe = LargeRecipe(seq_len=seq_len, params_convention=law.provenance.params_convention)
    objective = TrainingOnly() if ratio is None else FixedRatio(tokens_per_param=ratio)
    flops = budget_on_cluster(law, cluster, recipe, objective=objective).flops

    def hours(budget):
        return make_plan(law, budget, objective=objective, recipe=recipe, cluster=cluster).cost_estimate.hours

    # the most that the days pay for: any more takes longer, if only because the next larger shape does
    assert hours(flops) <= 24 * days * (1 + 1e-9)
    assert hours(flops * (1 + 1e-11)) >= 24 * days * (1 - 1e-9)
    assert flops < cluster.hardware.flops_in(24 * days, count=count, utilization=0.4)


def test_of_days_and_price_the_scarcer_is_the_budget():
    options = {"days": 30, "utilization": 0.4, "price_per_hour": 1.5}
    enough = 64 * 1.5 * 30 * 24
    whole = Cluster.parse("64xA100", **options).limit_hours()
    assert Cluster.parse("64xA100", **options, max_price=10 * enough).limit_hours() == pytest.approx(whole)
    assert Cluster.parse("64xA100", **options, max_price=enough / 3).limit_hours() == pytest.approx(whole / 3)


@pytest.mark.parametrize(
    ("share", "code"), [("0.4", "above_price"), ("0.35-0.65", "may_be_above_price"), ("0.51-0.65", None)]
)
def test_a_price_above_the_maximum_is_a_warning(share, code):
    # 1e21 FLOPs at half of the peak cost exactly this much
    max_price = 1e21 / (312e12 * 0.5 * 3600) * 1.5
    cost = Cluster.parse("64xA100", utilization=share, price_per_hour=1.5, max_price=max_price).estimate_cost(1e21)
    assert [notice.code for notice in cost.notices] == ([] if code is None else [code])


def test_a_maximum_price_without_a_price_per_hour_is_no_budget():
    with pytest.raises(InputError, match="--price-per-hour"):
        Cluster.parse("64xV100", max_price=1e6)
    with pytest.raises(InputError, match="--price"):
        Cluster.parse("64xA100", max_price=0)


@pytest.mark.parametrize("text", ["H100", "0xH100", "512xH1000", "-3xH100", "512x"])
def test_a_cluster_that_does_not_parse_is_refused(text):
    with pytest.raises(InputError):
        Cluster.parse(text)


@pytest.mark.parametrize("utilization", [0, 1.5, -1, "0.5-0.3", "0.3-1.2", "lots", "", "0.3-0.4-0.5", float("nan")])
def test_a_utilization_that_is_none_is_refused(utilization):
    with pytest.raises(InputError, match="--utilization"):
        Cluster.parse("8xH100", utilization=utilization)


@pytest.mark.parametrize(("text", "low", "high"), [(0.4, 0.4, 0.4), ("0.35-0.45", 0.35, 0.45), ("4e-1", 0.4, 0.4)])
def test_utilizations_as_people_write_them(text, low, high):
    assert (Utilization.parse(text).low, Utilization.parse(text).high) == (low, high)


@pytest.mark.parametrize(("option", "value"), [("days", 0), ("days", -1), ("price_per_hour", float("inf"))])
def test_days_and_prices_that_are_none_are_refused(option, value):
    with pytest.raises(InputError, match=option.replace("_", "-")):
        Cluster.parse("8xH100", **{option: value})


def test_devices_without_days_are_no_budget():
    with pytest.raises(InputError, match="--days"):
        Cluster.parse("8xH100").limit_hours()
