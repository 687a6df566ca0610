"""The recipe above a million parameters: continuous at the joint, and of the published exponent beyond it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.laws.hyperparameters import STEP_LAW
from isoflop.recipe import SmallRecipe
from isoflop.recipe.large_range import HEAD_STEP, JOINT_PARAMS, LARGEST_HEAD, head_target, largest_batch, rate_factor
from isoflop.sweep.study_design import sweep_design

RECIPE = SmallRecipe(vocab_size=8192, seq_len=1024)


@given(st.floats(0.1, 1.5))
def test_rates_are_continuous_at_the_joint(width_exponent):
    below, above = (rate_factor(JOINT_PARAMS * (1 + step), width_exponent) for step in (-1e-9, 1e-9))
    assert above == pytest.approx(below, rel=1e-7)
    assert rate_factor(JOINT_PARAMS / 7, width_exponent) == 1.0


def test_beyond_the_joint_the_rate_falls_with_the_size_as_in_step_law_at_one_ratio():
    # Li et al. 2025: eta = 1.79 N^-.713 D^.307, at D = 20 N
    small, large = (RECIPE.architecture(params) for params in (2e6, 1e8))
    n, m = small.params().non_embedding, large.params().non_embedding
    ours = RECIPE.peak_lr(large, 20 * m) / RECIPE.peak_lr(small, 20 * n)
    law = STEP_LAW.peak_lr(m, 20 * m) / STEP_LAW.peak_lr(n, 20 * n)
    # along buildable shapes, whose widths and depths are whole: a step of depth moves the width by 3 %
    assert math.log(ours) == pytest.approx(math.log(law), abs=0.1)


def test_the_rates_of_neighbouring_shapes_around_the_joint_lie_together():
    rates = [RECIPE.peak_lr(RECIPE.architecture(params), 2e7) for params in (0.8e6, 0.9e6, 1.0e6, 1.1e6, 1.25e6)]
    assert max(a / b for a in rates for b in rates) < 1.35


def test_the_batch_is_the_measured_rule_until_it_meets_step_law():
    shape = RECIPE.architecture(1e6)
    by_rule = [512 * (tokens / 1e6) ** 0.8 for tokens in (1e7, 1e8)]
    assert all(rule < largest_batch(tokens) for rule, tokens in zip(by_rule, (1e7, 1e8), strict=True))
    assert largest_batch(1.25e8) == pytest.approx(512 * 125**0.8, rel=1e-3)  # where they meet
    assert RECIPE.batch_tokens(shape, 1e8) == pytest.approx(by_rule[1], rel=0.03)
    assert RECIPE.batch_tokens(shape, 1e10) == pytest.approx(0.58 * 1e10**0.571, rel=0.01)


@given(st.floats(4, 9))
def test_heads_grow_to_those_of_published_models(log_params):
    target = head_target(10**log_params, 16)
    assert 16 <= target <= LARGEST_HEAD
    assert target % HEAD_STEP == 0
    assert head_target(10**log_params, 128) == 128  # a recipe that asks for wider ones has them


def test_shapes_reach_a_hundred_million_parameters():
    shape = RECIPE.architecture(1e8)
    assert shape.params().non_embedding == pytest.approx(1e8, rel=0.1)
    assert (shape.head_dim, shape.d_model % 8) == (64, 0)
    assert RECIPE.architecture(1e5) == SmallRecipe(vocab_size=8192, seq_len=1024).architecture(1e5)


@pytest.mark.parametrize("seq_len", [512, 2048])
def test_a_sweep_up_to_1e18_flops_can_be_designed(seq_len):
    recipe = SmallRecipe(vocab_size=8192, seq_len=seq_len)
    design = sweep_design(recipe, 1e18, corpus="", seed=0, budgets=5, budget_ratio=4.0)
    largest = max(spec.architecture.params().non_embedding for spec in design.specs)
    assert 3e7 < largest < 1e9
    assert all(spec.steps >= 500 for spec in design.specs)


def test_what_was_not_measured_is_said_of_such_a_size_only():
    codes = {params: [n.code for n in RECIPE.notices(RECIPE.architecture(params), 1e7)] for params in (1e5, 1e8)}
    assert codes == {1e5: [], 1e8: ["recipe_not_measured"]}
