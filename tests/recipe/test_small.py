"""The recipe gives every size a model and every budget whole batches. Its tuned constants are not pinned here."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.arch import FAMILIES, flops_per_token
from isoflop.errors import InputError
from isoflop.recipe import FAMILY_TUNINGS, LARGEST_WIDTH, SMALLEST_WIDTH, WIDTH_STEP, FamilyTuning, SmallRecipe
from isoflop.spec import RunSpec

SIZES = st.floats(2, 10).map(lambda exponent: 10**exponent)
RECIPES = st.builds(
    SmallRecipe,
    family=st.sampled_from(sorted(FAMILIES)),
    vocab_size=st.integers(2, 100_000),
    seq_len=st.sampled_from([32, 100, 256, 2048]),
)
RECIPE = SmallRecipe(vocab_size=257)


def non_embedding(arch):
    return arch.params().non_embedding


@given(RECIPES, SIZES)
def test_every_size_gives_a_shape_that_can_be_built(recipe, params):
    arch = recipe.architecture(params)
    assert arch.family == recipe.family
    assert arch.vocab_size == recipe.vocab_size
    assert arch.n_layers == recipe.layers_for(params) >= recipe.tuning.fewest_layers >= 2
    assert SMALLEST_WIDTH <= arch.d_model <= LARGEST_WIDTH
    assert arch.d_model % WIDTH_STEP == 0
    assert arch.head_dim % 2 == 0
    assert arch.attention_width == pytest.approx(arch.d_model, rel=0.15)
    assert arch.feed_forward_width == pytest.approx(FAMILIES[recipe.family].ff_ratio * arch.d_model, rel=0.3)
    assert arch.tied_embedding == FAMILIES[recipe.family].tied_embedding


@given(st.sampled_from(sorted(FAMILIES)), st.floats(4, 10).map(lambda exponent: 10**exponent))
def test_the_shape_is_near_the_wish(family, params):
    recipe = SmallRecipe(family=family, vocab_size=257)
    # widths of 4: the step from 16 to 20 is a factor of 1.56, half of it 1.25; the width of experts steps as well
    nearest = 0.25 if FAMILIES[family].experts is None else 0.35
    assert non_embedding(recipe.architecture(params)) == pytest.approx(params, rel=nearest)


@given(RECIPES, SIZES, st.floats(1.3, 100))
def test_a_larger_target_gives_no_smaller_model(recipe, params, ratio):
    # within one depth exactly; where the depth steps up, two wishes less than a width apart may change places
    small, large = (recipe.architecture(min(params * r, 1e11)) for r in (1, ratio))
    assert large.n_layers >= small.n_layers
    assert non_embedding(large) >= non_embedding(small)


@given(RECIPES, SIZES, SIZES)
def test_the_batch_is_whole_sequences_and_grows_with_the_run(recipe, tokens, other):
    short, long = sorted((tokens, other))
    batches = [recipe.batch_tokens(recipe.shape(16, 2), t) for t in (short, long)]
    assert all(batch % recipe.seq_len == 0 and batch >= recipe.seq_len for batch in batches)
    assert batches[0] <= batches[1]


@given(RECIPES, SIZES, SIZES)
def test_the_rate_falls_with_the_width_and_is_the_reference_at_its_own(recipe, params, other):
    small, large = (recipe.architecture(min(p, 1e9)) for p in sorted((params, other)))
    if small.d_model <= large.d_model:
        assert recipe.peak_lr(small, 1e6) >= recipe.peak_lr(large, 1e6) > 0
    at_reference = recipe.peak_lr(recipe.shape(recipe.reference_width, 2), 1e6)
    assert at_reference == pytest.approx(recipe.reference_lr * recipe.tuning.hidden_lr)


@settings(deadline=None)
@given(RECIPES, st.floats(3, 9).map(lambda e: 10**e), st.floats(10, 1000))
def test_a_budget_is_spent_to_within_a_batch(recipe, params, tokens_per_param):
    arch = recipe.architecture(params)
    budget = recipe.flops_per_token(arch) * non_embedding(arch) * tokens_per_param
    wished = budget / recipe.flops_per_token(arch)
    if wished < recipe.batch_tokens(arch, wished):
        return
    spec = recipe.spec(arch, wished, corpus="c", seed=0, budget_flops=budget)
    spent = flops_per_token(arch, recipe.seq_len) * spec.tokens
    one_batch = flops_per_token(arch, recipe.seq_len) * spec.batch_tokens
    assert abs(spent - budget) <= 0.5 * one_batch * (1 + 1e-9)
    assert spec.tokens == spec.steps * spec.batch_tokens
    assert spec.budget_flops == budget
    assert (spec.architecture, spec.seq_len, spec.corpus) == (arch, recipe.seq_len, "c")
    assert 0 <= spec.warmup_tokens <= recipe.warmup_fraction * spec.tokens
    # Porian et al. 2024: never longer than N tokens, but for a batch at least
    assert spec.warmup_tokens <= max(non_embedding(arch), spec.batch_tokens)
    assert RunSpec.from_json(spec.as_json()) == spec


def test_runs_of_one_group_differ_in_rate_and_seed_alone():
    arch = RECIPE.architecture(1e5)

    def spec(seed, factor, tokens=1e6):
        return RECIPE.spec(arch, tokens, corpus="c", seed=seed, budget_flops=1e12, lr_factor=factor)

    cell = [spec(seed, factor) for seed in (0, 1) for factor in (0.5, 1.0, 2.0)]
    assert len({s.group for s in cell}) == 1
    assert len({s.run_id for s in cell}) == 6
    assert len({replace(s, peak_lr=1.0, seed=0).run_id for s in cell}) == 1
    assert spec(0, 2.0).peak_lr == 2 * spec(0, 1.0).peak_lr == 2 * RECIPE.peak_lr(arch, 1e6)
    assert spec(0, 1.0, tokens=2e6).group != cell[0].group


def test_less_than_a_batch_is_refused():
    with pytest.raises(InputError, match="at least one batch of .* got 10; raise the budget"):
        RECIPE.spec(RECIPE.architecture(1e5), 10, corpus="c", seed=0)


def test_a_size_beyond_the_widest_is_refused():
    with pytest.raises(InputError, match=f"the widest is {LARGEST_WIDTH}"):
        RECIPE.architecture(1e16)


def test_flops_per_token_are_those_of_the_matrix_products():
    arch = RECIPE.architecture(1e6)
    assert RECIPE.flops_per_token(arch) == flops_per_token(arch, RECIPE.seq_len, "matmul")
    assert RECIPE.flops_per_token(arch) > 6 * non_embedding(arch)


@given(st.sampled_from(sorted(FAMILIES)), st.floats(3.5, 9).map(lambda exponent: 10**exponent))
def test_no_other_width_of_that_depth_is_nearer(family, params):
    recipe = SmallRecipe(family=family, vocab_size=257)
    arch = recipe.architecture(params)
    off = abs(math.log(non_embedding(arch) / params))
    step = WIDTH_STEP if arch.d_model < 64 else 2 * WIDTH_STEP
    for width in (arch.d_model - step, arch.d_model + step):
        if width >= SMALLEST_WIDTH:
            assert off <= abs(math.log(non_embedding(recipe.shape(width, arch.n_layers)) / params)) + 1e-12


def test_small_palm_shapes_share_one_head_of_keys_and_values():
    # the heads of 256 of the published shapes would be wider than these models
    arch = SmallRecipe(family="palm", vocab_size=257).shape(96, 2)
    assert (arch.n_kv_heads, arch.n_heads, arch.head_dim) == (1, 6, RECIPE.head_dim)


def test_learned_positions_reach_as_far_as_the_context():
    assert SmallRecipe(family="gpt", vocab_size=257, seq_len=96).architecture(1e5).n_positions == 96


@pytest.mark.parametrize(("family", "weight"), [("llama", 0.0), ("gopher", 0.0), ("gpt", 0.0), ("palm", 1e-4)])
def test_the_z_loss_is_the_familys(family, weight):
    # Chowdhery et al. 2022 (2204.02311), section 5: 1e-4 log^2 Z
    recipe = SmallRecipe(family=family, vocab_size=257)
    assert recipe.spec(recipe.architecture(1e5), 1e6, corpus="c", seed=0).z_loss == weight


def rates_of(family, **changes):
    recipe = SmallRecipe(family=family, vocab_size=257, **changes)
    spec = recipe.spec(recipe.shape(64, 2), 1e6, corpus="c", seed=0)
    return spec.peak_lr, spec.optimizer


def test_the_recipe_as_it_stands_is_llamas():
    recipe = SmallRecipe(vocab_size=257)
    assert recipe.family not in FAMILY_TUNINGS
    assert rates_of("llama") == (recipe.reference_lr, recipe.optimizer)
    assert recipe.layers_for(1) == 2


@pytest.mark.parametrize("family", sorted(FAMILY_TUNINGS))
def test_a_family_departs_from_it_in_the_rates_of_its_departure_alone(family):
    lr, optimizer = rates_of("llama")
    departs = FAMILY_TUNINGS[family]
    changed = replace(optimizer, embedding_lr=optimizer.embedding_lr * departs.embedding_lr * departs.muon_embedding_lr)
    assert rates_of(family) == (lr * departs.hidden_lr, changed)
    # a recipe that was changed by hand is changed for every family alike
    assert rates_of(family, reference_lr=2 * lr)[0] == 2 * lr * departs.hidden_lr


def test_departures_are_of_families_there_are_and_a_family_without_one_is_trained_like_llama(monkeypatch):
    assert set(FAMILY_TUNINGS) <= set(FAMILIES)
    monkeypatch.delitem(FAMILY_TUNINGS, "gpt")
    assert SmallRecipe(family="gpt", vocab_size=257).tuning == FamilyTuning()
    assert rates_of("gpt") == rates_of("llama")


def test_layers_that_do_two_things_at_once_are_three_at_the_least():
    # attention and feed-forward of a palm layer do not see each other: two layers are two steps, llama's two are four
    assert FAMILIES["palm"].parallel_block
    assert [SmallRecipe(family=family, vocab_size=257).layers_for(1e4) for family in ("llama", "palm")] == [2, 3]
