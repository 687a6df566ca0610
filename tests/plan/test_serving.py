"""The largest model that can be served, and plans that keep to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.arch.memory import serve_bytes
from isoflop.errors import InputError, RefusedError
from isoflop.hardware import hardware_named
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import SIX_N, published_law
from isoflop.plan import FixedParams, InferenceDemand, LimitedData, Problem, ServingLimit, flops_for_loss, make_plan

LAW = published_law("besiroglu2024")
RECIPE = LargeRecipe()
GOPHER = 5.76e23
H100 = hardware_named("H100")


def planned(limit, **options):
    return make_plan(LAW, GOPHER, serving=limit, **options)


def test_the_largest_shape_fits_and_the_next_one_does_not():
    limit = ServingLimit(memory_bytes=80e9)
    arch = limit.largest(RECIPE)
    assert limit.bytes_of(arch, 2048) == serve_bytes(arch, 2048) <= 80e9
    larger = RECIPE.architecture(1.02 * arch.params().total)
    assert larger.params().total > arch.params().total
    assert limit.bytes_of(larger, 2048) > 80e9


def test_a_token_reads_every_byte_once():
    limit = ServingLimit(latency_seconds=0.02, hardware=H100, devices=2)
    assert limit.allowed_bytes == 0.02 * 3.35e12 * 2
    arch = limit.largest(RECIPE)
    assert 0.0195 < limit.latency_of(arch, 2048) <= 0.02
    # the scarcer of two limits counts
    assert ServingLimit(memory_bytes=1e9, latency_seconds=0.02, hardware=H100).allowed_bytes == 1e9


def test_a_smaller_format_serves_a_larger_model():
    sizes = [
        ServingLimit(memory_bytes=80e9, weights=name).largest(RECIPE).params().total
        for name in ("float32", "bfloat16", "int8", "int4")
    ]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 6 * sizes[0]


@settings(max_examples=25, deadline=None)
@given(
    family=st.sampled_from(["llama", "gpt", "gopher", "palm"]),
    seq_len=st.sampled_from([2_048, 32_768, 131_072]),
    sequences=st.sampled_from([1, 16]),
    weights=st.sampled_from(["bfloat16", "int4"]),
    log_bytes=st.floats(9.5, 12),
    log_flops=st.floats(20, 25),
)
def test_whatever_is_planned_can_be_served(family, seq_len, sequences, weights, log_bytes, log_flops):
    # the cache goes by layers and heads, so that a smaller model may take more bytes than a larger one
    limit = ServingLimit(memory_bytes=10**log_bytes, weights=weights, sequences=sequences)
    recipe = LargeRecipe(family=family, seq_len=seq_len)
    try:
        limit.largest(recipe)
    except RefusedError:
        with pytest.raises(RefusedError, match="no model can be served"):
            make_plan(LAW, 10**log_flops, recipe=recipe, serving=limit)
        return
    plan = make_plan(LAW, 10**log_flops, recipe=recipe, serving=limit)
    assert plan.buildable is not None
    assert limit.bytes_of(plan.buildable.architecture, seq_len) <= 10**log_bytes
    if plan.objective.size_limit is not None:
        assert plan.buildable.params == plan.params


def test_the_devices_must_hold_it():
    held = ServingLimit(latency_seconds=0.1, hardware=H100)
    assert held.allowed_bytes == 80e9
    plan = planned(held)
    assert plan.buildable.params < 40e9
    (notice,) = [notice for notice in plan.notices if notice.code == "size_limited"]
    assert "(1xH100 hold no more)" in notice.message
    assert ServingLimit(memory_bytes=1e10, latency_seconds=0.1, hardware=H100).allowed_bytes == 1e10


def test_a_limit_that_does_not_bind_changes_nothing():
    free, wide = planned(None), planned(ServingLimit(memory_bytes=200e9))
    assert (wide.params, wide.tokens, wide.loss, wide.notices) == (free.params, free.tokens, free.loss, free.notices)
    assert wide.as_json()["serving"]["bytes"] < 200e9


def test_a_limit_that_binds_decides_the_size_and_says_what_that_wastes():
    free, bound = planned(None), planned(ServingLimit(memory_bytes=80e9))
    assert bound.params == bound.buildable.params < free.params
    assert 6 * bound.params * bound.tokens == pytest.approx(GOPHER)
    assert bound.loss > free.loss
    assert 0.1 < bound.wasted_share < 0.2
    assert bound.alternatives[0].params == pytest.approx(free.params)
    assert "size_limited" in {notice.code for notice in bound.notices}
    assert bound.as_json()["objective"] == {
        "kind": "size_limit",
        "params": bound.params,
        "of": {"kind": "training_only"},
    }


def test_with_inference_demand_the_smaller_model_keeps_the_loss():
    demand = InferenceDemand(tokens=1e12)
    free, bound = (planned(limit, objective=demand) for limit in (None, ServingLimit(memory_bytes=60e9)))
    assert bound.params < free.params
    assert bound.loss == pytest.approx(free.loss, abs=1e-9)
    assert bound.flops > free.flops
    with pytest.raises(RefusedError, match="no number of tokens") as refused:
        planned(ServingLimit(memory_bytes=5e9), objective=demand)
    assert refused.value.code == "too_small"


def test_with_limited_data_the_loss_discounts_repeats():
    data = Problem.of(LimitedData(unique_tokens=1e11))
    bound = planned(ServingLimit(memory_bytes=20e9), objective=data)
    assert bound.loss == pytest.approx(float(data.loss(LAW, bound.params, bound.tokens)))
    assert bound.loss > float(LAW.loss(bound.params, bound.tokens))
    # the best named beside it is the best for this text, not for fresh text
    best = bound.alternatives[0]
    N, D = data.choose(LAW, bound.flops, SIX_N)
    assert (best.kind, best.params, best.tokens) == ("best", float(N), float(D))
    assert best.wasted_share == pytest.approx(0, abs=1e-6)


def test_a_small_model_on_limited_text_stops_reading_after_forty_epochs():
    data = Problem.of(LimitedData(unique_tokens=1e9))
    bound = planned(ServingLimit(memory_bytes=2e9), objective=data)
    assert bound.tokens == 40e9
    assert bound.flops < 0.5 * bound.budget_flops
    (notice,) = [notice for notice in bound.notices if notice.code == "repeated_tokens"]
    assert "the text is read 40 times: more would add nothing" in notice.message
    assert bound.loss == pytest.approx(float(data.loss(LAW, bound.params, 40e9)))
    assert all(other.tokens <= 40e9 for other in (*bound.alternatives, *bound.smaller_models))


def test_a_wanted_loss_is_reached_with_the_size_that_can_be_served():
    limit = ServingLimit(memory_bytes=80e9, weights="int8")
    most = limit.largest(RECIPE).params().total
    flops = flops_for_loss(LAW, 1.95, serving=limit)
    assert flops > flops_for_loss(LAW, 1.95)
    plan = make_plan(LAW, flops, serving=limit)
    assert plan.params == most
    assert plan.loss == pytest.approx(1.95, abs=1e-6)
    # where the limit does not bind it costs nothing
    assert flops_for_loss(LAW, 2.2, serving=limit) == flops_for_loss(LAW, 2.2)


def test_a_fixed_size_that_cannot_be_served_is_refused():
    with pytest.raises(RefusedError, match=r"280B parameters takes more than the 74.5 GiB .* largest that fits") as no:
        planned(ServingLimit(memory_bytes=80e9), objective=FixedParams(params=280e9))
    assert no.value.code == "not_served"
    assert planned(ServingLimit(memory_bytes=80e9), objective=FixedParams(params=1e10)).params == 1e10


def test_no_model_meets_a_limit_below_the_smallest():
    with pytest.raises(RefusedError, match="no model can be served within 977 KiB") as no:
        planned(ServingLimit(memory_bytes=1e6))
    assert no.value.code == "no_model_served"
    with pytest.raises(RefusedError, match=r"1xH100 read no more in 1e-7 s"):
        planned(ServingLimit(latency_seconds=1e-7, hardware=H100))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "expected a limit"),
        ({"memory_bytes": -1.0}, "--max-memory: expected a positive finite number"),
        ({"latency_seconds": 0.02}, "--serve-on 1xH100"),
        ({"memory_bytes": 1e9, "weights": "int3"}, "expected one of float32"),
    ],
)
def test_wrong_limits(options, said):
    with pytest.raises(InputError, match=said):
        ServingLimit(**options)


def test_numbers_alone_have_nothing_to_serve():
    with pytest.raises(InputError, match="needs a recipe"):
        planned(ServingLimit(memory_bytes=1e9), recipe=None)


def test_a_limited_size_leaves_the_law_nothing_to_choose():
    limit = Problem.of(InferenceDemand(tokens=1e12)).at_most(5e10)
    assert limit.fixed
    assert limit.as_json()["of"]["kind"] == "inference_demand"
