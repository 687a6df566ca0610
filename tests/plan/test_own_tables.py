"""N solved again for a vocabulary whose tables are most of the shape: against every shape that can be built."""

import math

import pytest

from isoflop.arch.shapes import shape_of_width, shape_widths, usual_aspect
from isoflop.errors import RefusedError
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_law
from isoflop.plan import (
    Cluster,
    FixedTokens,
    InferenceDemand,
    LimitedData,
    ServingLimit,
    budget_on_cluster,
    flops_for_loss,
    make_plan,
)
from isoflop.plan.own_tables import own_cost

LAW = published_law("besiroglu2024")
VOCABULARIES = [50_304, 100_352, 151_936, 262_144]


def counted(arch):
    """(N with a tied table of 32,000, FLOPs of a token with the head of the shape)."""
    layers = arch.params().non_embedding
    return layers + 32_000 * arch.d_model, 6 * (layers + arch.vocab_size * arch.d_model)


def usual_shapes(vocab):
    for width in shape_widths():
        if width > 4_096:
            return
        depth = width / usual_aspect(width)
        for layers in {max(1, math.floor(depth)), math.ceil(depth)}:
            yield shape_of_width(width, layers, vocab_size=vocab)


@pytest.mark.parametrize("vocab", VOCABULARIES)
@pytest.mark.parametrize("flops", [3e16, 1e17, 1e18, 1e19])
def test_no_shape_of_the_usual_proportions_reaches_a_lower_loss(vocab, flops):
    plan = make_plan(LAW, flops, recipe=LargeRecipe(vocab_size=vocab))
    if "tables_solved" not in {notice.code for notice in plan.notices}:
        pytest.skip("not mostly tables")
    losses = [float(LAW.loss(n, flops / cost)) for n, cost in map(counted, usual_shapes(vocab))]
    optimum = float(LAW.loss(plan.params, plan.tokens))
    assert optimum == pytest.approx(min(losses), rel=0.004)  # proportions between those of whole layers
    assert plan.loss < min(losses) * 1.01  # the nearest shape in a coarse grid of narrow ones
    assert own_cost("llama", vocab).training_flops(plan.params, plan.tokens) == pytest.approx(flops, rel=1e-9)


@pytest.mark.parametrize("vocab", VOCABULARIES)
def test_the_cost_is_that_of_the_shapes(vocab):
    for arch in usual_shapes(vocab):
        n, cost = counted(arch)
        # depths are whole here: at two or three layers they are far from the usual proportions
        assert float(own_cost("llama", vocab).flops_per_token(n)) == pytest.approx(cost, rel=0.12), arch


def test_more_vocabulary_is_worse_and_the_small_one_is_as_it_was():
    losses = [make_plan(LAW, 1e18, recipe=LargeRecipe(vocab_size=vocab)).loss for vocab in (32_000, *VOCABULARIES)]
    assert losses == sorted(losses)


def test_a_wanted_loss_is_that_of_its_plan():
    recipe = LargeRecipe(vocab_size=151_936)
    flops = flops_for_loss(LAW, 3.6, recipe=recipe)
    plan = make_plan(LAW, flops, recipe=recipe)
    assert "tables_solved" in {notice.code for notice in plan.notices}
    assert float(LAW.loss(plan.params, plan.tokens)) == pytest.approx(3.6, rel=1e-9)


def test_days_are_those_of_the_bill():
    recipe = LargeRecipe(vocab_size=151_936)
    cluster = Cluster.parse("8xH100", days=0.02)
    budget = budget_on_cluster(LAW, cluster, recipe)
    plan = make_plan(LAW, budget.flops, recipe=recipe, cluster=cluster)
    assert "tables_solved" in {notice.code for notice in plan.notices}
    assert plan.cost_estimate.hours == pytest.approx(budget.hours, rel=1e-9)
    assert budget.hours <= 0.02 * 24 * (1 + 1e-9)


@pytest.mark.parametrize(
    "objective", [InferenceDemand(tokens=1e10), LimitedData(unique_tokens=3e8), FixedTokens(tokens=2e9)]
)
def test_objectives_keep_to_the_cost_of_the_shape(objective):
    recipe = LargeRecipe(vocab_size=151_936)
    plan = make_plan(LAW, 1e18, recipe=recipe, objective=objective)
    assert float(own_cost("llama", 151_936).training_flops(plan.params, plan.tokens)) == pytest.approx(plan.flops)
    for limit in plan.limits:
        assert limit.price_loss > 0
        assert limit.price_flops > 0


def test_what_may_be_served_bounds_the_whole_shape():
    recipe = LargeRecipe(vocab_size=151_936)
    plan = make_plan(LAW, 1e18, recipe=recipe, serving=ServingLimit(memory_bytes=3e8))
    assert {"tables_solved", "size_limited"} <= {notice.code for notice in plan.notices}
    assert plan.memory["serve"] <= 3e8
    with pytest.raises(RefusedError):
        make_plan(LAW, 1e18, recipe=recipe, serving=ServingLimit(memory_bytes=3e7))
