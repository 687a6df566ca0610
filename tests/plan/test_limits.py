"""What limits a plan, and prices that are differences of two plans."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import isoflop
from isoflop.hardware import hardware_named
from isoflop.plan import (
    Cluster,
    FixedParams,
    FixedRatio,
    FixedTokens,
    InferenceDemand,
    LimitedData,
    ServingLimit,
    flops_for_loss,
    make_plan,
)

LAW = "besiroglu2024"
H100 = hardware_named("H100")


def named(plan):
    return {limit.name: limit for limit in plan.limits}


def spend(plan):
    return plan.flops if plan.lifetime_flops is None else plan.lifetime_flops


def assert_is_the_difference(plan, limit, objective, serving):
    """`limit`'s two prices against the plans without it: at the same budget, and for the same loss."""
    same_budget = make_plan(LAW, plan.budget_flops, objective=objective, serving=serving)
    assert limit.price_loss == pytest.approx(plan.loss - same_budget.loss, abs=1.01e-12 * plan.loss)
    flops = flops_for_loss(LAW, plan.loss, objective, serving=serving)
    same_loss = make_plan(LAW, flops, objective=objective, serving=serving)
    assert same_loss.loss == pytest.approx(plan.loss, rel=1e-9)
    assert limit.price_flops == pytest.approx(spend(plan) - spend(same_loss), abs=2e-9 * spend(plan))
    same = [
        math.isclose(plan.params, same_budget.params, rel_tol=1e-9),
        math.isclose(plan.tokens, same_budget.tokens, rel_tol=1e-9),
        math.isclose(plan.loss, same_budget.loss, rel_tol=1e-12),
    ]
    assert limit.binding == (not all(same))


@settings(max_examples=30, deadline=None)
@example(log_flops=23.0, log_unique=12.919921875, log_served=None, log_memory=None, fixed=FixedParams(params=2e9))
@given(
    log_flops=st.floats(20, 24),
    log_unique=st.one_of(st.none(), st.floats(9.5, 13)),
    log_served=st.one_of(st.none(), st.floats(10, 13)),
    log_memory=st.one_of(st.none(), st.floats(10.3, 12)),
    fixed=st.sampled_from(
        [None, None, FixedParams(params=2e9), FixedTokens(tokens=1e11), FixedRatio(tokens_per_param=60)]
    ),
)
def test_each_price_is_the_difference_of_two_plans(log_flops, log_unique, log_served, log_memory, fixed):
    flops = 10**log_flops
    text = None if log_unique is None else LimitedData(unique_tokens=10**log_unique)
    demand = None if log_served is None else InferenceDemand(tokens=10**log_served)
    serving = None if log_memory is None else ServingLimit(memory_bytes=10**log_memory)
    stated = [each for each in (text, demand, fixed) if each is not None]
    try:
        plan = make_plan(LAW, flops, objective=stated, serving=serving)
    except isoflop.RefusedError:  # test_what_contradicts_is_refused_by_name
        return
    limits = named(plan)
    assert len(limits) == (text is not None) + (fixed is not None) + (serving is not None)
    words = {FixedParams: "parameters", FixedTokens: "tokens", FixedRatio: "tokens per parameter"}
    for one, name in [(text, "unique tokens"), (fixed, words.get(type(fixed)))]:
        if one is not None:
            rest = [other for other in stated if other is not one]
            try:
                assert_is_the_difference(plan, limits[name], rest, serving)
            except isoflop.RefusedError:
                assert limits[name].price_flops is None  # nothing reaches that loss without it
    if serving is not None:
        assert_is_the_difference(plan, limits["serving memory"], stated, None)


def test_prices_are_not_negative_and_a_looser_limit_costs_less():
    prices = []
    for memory in (20e9, 40e9, 80e9, 200e9):
        plan = make_plan(LAW, 5.76e23, serving=ServingLimit(memory_bytes=memory))
        (limit,) = plan.limits
        prices.append((limit.price_flops, limit.price_loss))
    assert prices == sorted(prices, reverse=True)
    assert prices[-1] == (0.0, 0.0)
    assert not limit.binding
    # what a fixed size wastes is its price
    fixed = make_plan(LAW, 5.04e23, objective=FixedParams(params=280e9))
    (limit,) = fixed.limits
    assert limit.price_flops == pytest.approx(fixed.wasted_share * fixed.flops, rel=1e-6)


def test_of_two_limits_of_serving_the_scarcer_binds():
    limit = ServingLimit(memory_bytes=60e9, latency_seconds=0.02, hardware=H100)
    slow, fast = make_plan(LAW, 5.76e23, serving=limit), make_plan(
        LAW, 5.76e23, serving=ServingLimit(memory_bytes=60e9, latency_seconds=0.01, hardware=H100)
    )  # fmt: skip
    assert {name: each.binding for name, each in named(slow).items()} == {
        "serving memory": True,
        "memory of the serving devices": False,
        "serving latency": False,
    }
    assert named(fast)["serving latency"].binding
    assert not named(fast)["serving memory"].binding
    # without the memory the next limit holds: the price is up to that, not up to no limit
    next_limit = make_plan(LAW, 5.76e23, serving=ServingLimit(latency_seconds=0.02, hardware=H100))
    assert named(slow)["serving memory"].price_loss == pytest.approx(slow.loss - next_limit.loss, abs=1e-12)


def test_a_plan_says_in_json_text_and_three_lines_what_limits_it():
    plan = make_plan(LAW, 5.76e23, serving=ServingLimit(memory_bytes=80e9))
    (limit,) = plan.as_json()["limits"]
    assert limit == {
        "name": "serving memory", "value": 80e9, "unit": "bytes", "binding": True,
        "price_flops": plan.limits[0].price_flops, "price_loss": plan.limits[0].price_loss,
    }  # fmt: skip
    assert "limited by: serving memory" in repr(plan)
    assert make_plan(LAW, 5.76e23).as_json()["limits"] == []


def test_a_law_without_losses_has_limits_without_prices():
    plan = make_plan("hoffmann2022-1", 5.76e23, objective=FixedParams(params=280e9))
    (limit,) = plan.limits
    assert (limit.binding, limit.price_flops, limit.price_loss) == (True, None, None)


def test_intervals_of_a_combination_come_from_the_draws():
    stated = [InferenceDemand(tokens=1e12), LimitedData(unique_tokens=2e10)]
    plan = make_plan(LAW, 1e22, objective=stated)
    assert plan.params_interval[0] < plan.params < plan.params_interval[1]
    assert plan.tokens_interval[0] < plan.tokens < plan.tokens_interval[1]
    assert plan.tokens_interval[1] <= 40 * 2e10
    assert plan.loss_interval[0] < plan.loss < plan.loss_interval[1]


def test_what_contradicts_is_refused_by_name():
    cases = [
        ([FixedTokens(tokens=1e12), LimitedData(unique_tokens=1e9)], None, "limits_contradict", "1T tokens and 1B"),
        ([FixedParams(params=7e10)], 20e9, "not_served", "70B parameters .* contradict each other"),
        ([InferenceDemand(tokens=1e12)], 4e9, "too_small", "served and the inference demand contradict each other"),
    ]
    for stated, memory, code, said in cases:
        serving = None if memory is None else ServingLimit(memory_bytes=memory)
        with pytest.raises(isoflop.RefusedError, match=said) as refused:
            make_plan(LAW, 5.76e23, objective=stated, serving=serving)
        assert refused.value.code == code
    with pytest.raises(isoflop.RefusedError, match=r"2 and at most 2.* parameters contradict each other"):
        flops_for_loss(LAW, 2.0, serving=ServingLimit(memory_bytes=5e9))
    with pytest.raises(isoflop.InputError, match="stated twice"):
        make_plan(LAW, 1e21, objective=[FixedParams(params=1e9), FixedParams(params=2e9)])
    with pytest.raises(isoflop.InputError, match="both fixed"):
        make_plan(LAW, 1e21, objective=[FixedParams(params=1e9), FixedTokens(tokens=2e9)])


def test_a_wanted_loss_with_inference_is_reached_by_the_size_that_can_be_served():
    stated, serving = InferenceDemand(tokens=1e12), ServingLimit(memory_bytes=80e9)
    free, bound = (
        make_plan(LAW, flops_for_loss(LAW, 2.0, stated, serving=each), objective=stated, serving=each)
        for each in (None, ServingLimit(memory_bytes=0.8 * 2 * 44e9))
    )
    assert free.loss == pytest.approx(2.0, abs=1e-9) == bound.loss
    assert bound.lifetime_flops >= free.lifetime_flops
    assert isoflop.plan(loss=2.0, objective=stated, serving=serving).loss == pytest.approx(2.0, abs=1e-9)


def test_a_wanted_loss_that_takes_longer_than_the_days_is_refused_with_both():
    cluster = Cluster.parse("512xH100", days=60)
    with pytest.raises(
        isoflop.RefusedError, match=r"a loss of 1.9 and 60 days on 512xH100 contradict each other"
    ) as no:
        isoflop.plan(law=LAW, loss=1.9, cluster=cluster)
    assert no.value.code == "limits_contradict"
    # training alone reaches 2.0 in the days, the model that is cheaper to serve does not
    alone = isoflop.plan(law=LAW, loss=2.0, cluster=cluster)
    assert alone.cost_estimate.hours <= 60 * 24
    demand, short = InferenceDemand(tokens=1e14), Cluster.parse("512xH100", days=1.05 * alone.cost_estimate.hours / 24)
    with pytest.raises(isoflop.RefusedError, match="100T inference tokens at a loss of 2 .*best for training alone"):
        isoflop.plan(law=LAW, loss=2.0, objective=demand, cluster=short)


def test_days_limit_flops_and_their_price_is_the_loss_between():
    cluster = Cluster.parse("512xH100", days=30, max_price="$5M")
    plan, whole = isoflop.plan(1e24, LAW, cluster=cluster), isoflop.plan(1e24, LAW)
    assert plan.cost_estimate.hours <= 720
    assert {limit.name: limit.binding for limit in plan.limits} == {"days": True, "price": False}
    # without the days the money is next: it pays for all of the FLOPs here, or the plan would say so
    paid = isoflop.plan(1e24, LAW, cluster=Cluster.parse("512xH100", max_price="$5M"))
    assert named(plan)["days"].price_loss == pytest.approx(plan.loss - paid.loss, abs=1e-12)
    assert paid.loss >= whole.loss
    free = isoflop.plan(1e22, LAW, cluster=cluster)
    assert {limit.name: limit.binding for limit in free.limits} == {"days": False, "price": False}
    assert isoflop.plan("512xH100 30d", LAW).limits == ()  # the days are the budget


def test_inference_demand_within_days_trains_in_them():
    stated = InferenceDemand(tokens=1e13)
    cluster = Cluster.parse("512xH100", days=30)
    plan = isoflop.plan(1e25, LAW, objective=stated, cluster=cluster)
    assert plan.cost_estimate.hours == pytest.approx(720, rel=1e-3)
    assert {notice.code for notice in plan.notices}.isdisjoint({"misses_deadline"})
    # of its loss nothing costs less over its life
    for off in (0.9, 1.1):
        other = make_plan(LAW, plan.budget_flops, objective=FixedParams(params=plan.params * off))
        law = isoflop.published_law(LAW)
        left = plan.loss - law.E - law.A * other.params**-law.alpha
        tokens = (law.B / left) ** (1 / law.beta)
        assert 6 * other.params * (tokens + 1e13 / 3) >= plan.lifetime_flops
