"""The nearest shape to a plan, in the law's own way of counting."""

import pytest

from isoflop.arch.published import published_shape
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import ComputeCost, published_law
from isoflop.plan import LawSource, make_plan
from isoflop.units import format_quantity

GOPHER = 5.76e23


def test_the_nearest_shape_spends_the_same_compute():
    plan = make_plan(published_law("besiroglu2024"), GOPHER)
    built = plan.buildable
    assert built.params == built.architecture.params().total == pytest.approx(plan.params, rel=0.02)
    assert 6 * built.params * built.budget_tokens == pytest.approx(GOPHER)
    # a size off by a few percent costs next to nothing
    assert built.loss == pytest.approx(plan.loss, abs=2e-5)


def test_a_recipe_of_ones_own():
    chinchilla, _ = published_shape("chinchilla-70b")
    asked = []

    class AsChinchilla(LargeRecipe):
        def architecture(self, params):
            asked.append(params)
            return chinchilla

    plan = make_plan(published_law("besiroglu2024"), GOPHER, recipe=AsChinchilla())
    assert asked == [plan.params]
    assert plan.buildable.architecture == chinchilla
    assert plan.memory["train_state"] == 16 * 70_061_948_160


def test_no_shape_for_a_size_is_a_notice_not_a_failure():
    plan = make_plan(published_law("besiroglu2024"), 1e14)
    assert plan.buildable is None
    assert plan.memory is None
    assert "no_buildable_shape" in {notice.code for notice in plan.notices}


def test_kaplan_counts_without_embeddings():
    plan = make_plan(published_law("kaplan2020"), 1e21)
    assert plan.buildable.params == plan.buildable.architecture.params().non_embedding


def test_six_n_is_six_times_what_the_law_counts():
    # Porian et al. count matrices and the output head: their 6 N D leaves the embedding out
    plan = make_plan(published_law("porian2024-rw"), 1e21)
    counted = plan.buildable.architecture.params().matmul
    assert plan.buildable.params == counted
    assert 6 * counted * plan.buildable.budget_tokens == pytest.approx(1e21)


@pytest.mark.parametrize(("cost_of_runs", "rings"), [(6.0, False), (6.5, False), (4.5, True)])
def test_a_shape_that_costs_otherwise_than_the_runs_is_a_notice(cost_of_runs, rings):
    sizes = (1e8, 1e9, 1e10)
    cost = ComputeCost.from_pairs([(N, cost_of_runs * N) for N in sizes])
    plan = make_plan(LawSource(law=published_law("besiroglu2024"), cost=cost), 1e21)
    said = {notice.code: notice.message for notice in plan.notices}
    assert ("shape_cost" in said) is rings
    if rings:
        assert plan.buildable is not None
        extended = (
            plan.buildable.flops_per_token * plan.buildable.budget_tokens / (cost_of_runs * plan.buildable.params)
        )
        assert f"not for {format_quantity(extended)}" in said["shape_cost"]
