"""Plans whose shape is mostly tables, over vocabularies and budgets."""

import pytest

from isoflop.arch import flops_per_token
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_law
from isoflop.plan import FixedParams, make_plan
from isoflop.plan.table_share import counted_like_the_runs, products_in_words, table_share

LAW = published_law("besiroglu2024")


def planned(flops, law=LAW, **recipe):
    return make_plan(law, flops, recipe=LargeRecipe(params_convention=law.provenance.params_convention, **recipe))


@pytest.mark.parametrize("flops", [1e18, 1e19, 1e20, 1e22])
@pytest.mark.parametrize("vocab", [32_000, 50_304, 151_936, 262_144])
@pytest.mark.parametrize("tied", [False, True])
def test_a_plan_says_when_most_of_its_shape_is_tables(flops, vocab, tied):
    plan = planned(flops, vocab_size=vocab, tied=tied)
    arch, said = plan.buildable.architecture, "tables_solved" in {notice.code for notice in plan.notices}
    assert arch.tied_embedding is tied
    tables = vocab * arch.d_model * (1 if tied else 2)
    assert table_share(arch) == pytest.approx(tables / arch.params().total)
    assert plan.as_json()["architecture"]["table_share"] == table_share(arch)
    if tables > arch.params().total / 2:
        assert said
    if not said:
        assert plan.loss == pytest.approx(float(LAW.loss(plan.params, plan.tokens)), rel=1e-9)
        return
    # the run with the same layers: what the law would have counted with a tied table of its own vocabulary
    alike = arch.params().total - tables + 32_000 * arch.d_model
    assert alike == pytest.approx(plan.params, rel=0.1)
    # 6 N of the layers and of the head, which is one table
    cost = 6 * (arch.params().total - tables + vocab * arch.d_model)
    assert plan.buildable.budget_tokens == pytest.approx(flops / cost, rel=1e-9)
    assert plan.loss == plan.buildable.loss == pytest.approx(float(LAW.loss(alike, flops / cost)), rel=1e-9)


def test_a_fixed_size_that_is_mostly_tables_is_not_solved_and_its_price_is_true():
    asked = make_plan("besiroglu2024", 1e18, recipe=LargeRecipe(vocab_size=151_936), objective=FixedParams(params=8e7))
    (notice,) = (notice for notice in asked.notices if notice.code == "mostly_tables")
    assert notice.message.startswith(
        "94 % of the shape's parameters are the table of the embedding and the output head"
    )
    assert asked.params == 8e7
    assert asked.loss_interval[0] < asked.loss < asked.loss_interval[1]
    free = make_plan("besiroglu2024", 1e18, recipe=LargeRecipe(vocab_size=151_936))
    (limit,) = asked.limits
    # the free plan is of the nearest shape, and its limit is of the size itself
    assert limit.price_loss == pytest.approx(asked.loss - free.loss, rel=0.05)
    assert limit.price_flops > 0


def test_laws_that_leave_tables_out_and_laws_of_unknown_vocabularies():
    kaplan = planned(1e18, published_law("kaplan2020-loss"), vocab_size=151_936)
    assert "mostly_tables" not in {notice.code for notice in kaplan.notices}
    # its budget knows no head: the products of the shape are several times it
    assert kaplan.buildable.matmul_flops > 2 * kaplan.flops
    assert counted_like_the_runs(kaplan.buildable.architecture, published_law("muennighoff2023").provenance) is None


@pytest.mark.parametrize("tied", [False, True])
def test_the_products_of_the_shape_stand_beside_the_budget(tied):
    plan = planned(1e20, tied=tied)
    built, arch = plan.buildable, plan.buildable.architecture
    count, layers = arch.params(), arch.n_layers
    matrices = count.attention + count.feed_forward + arch.vocab_size * arch.d_model
    per_token = 6 * matrices + 12 * layers * arch.attention_width * 2_048
    assert built.matmul_flops == pytest.approx(per_token * built.budget_tokens, rel=1e-9)
    assert plan.as_json()["architecture"]["matmul_flops"] == built.matmul_flops
    words = products_in_words(arch, 2_048)
    share = 100 * (flops_per_token(arch, 2_048) - 6 * count.matmul) / (6 * count.total)
    assert f"attention over 2,048 tokens adds {share:.0f} %" in words
    assert ("the table, which is looked up" in words) is not tied
