"""The nearest shape is near, buildable and has the proportions of published ones."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.arch import FAMILIES, PARAMS_CONVENTIONS
from isoflop.arch.published import published_models
from isoflop.arch.shapes import nearest_shape, shape_account, shape_of_width, usual_aspect, usual_head_dim
from isoflop.errors import InputError


@settings(deadline=None, max_examples=40)
@given(
    exponent=st.floats(8, 13),
    family=st.sampled_from(sorted(FAMILIES)),
    convention=st.sampled_from(PARAMS_CONVENTIONS),
)
def test_nearest_shape_is_near_and_buildable(exponent, family, convention):
    wish = 10**exponent
    arch = nearest_shape(wish, family=family, convention=convention)
    assert arch.params().by_convention(convention) == pytest.approx(wish, rel=0.06)
    assert arch.d_model == arch.n_heads * arch.head_dim
    assert arch.d_model % (64 if arch.d_model < 1152 else 128) == 0
    assert arch.d_ff % 128 == 0
    assert 1 / 1.4 <= arch.d_model / arch.n_layers / usual_aspect(arch.d_model) <= 1.4
    if arch.d_model > 4096:
        assert arch.n_heads % (4 if family == "palm" else 8) == 0


def test_its_own_size_gives_the_shape_back():
    arch = shape_of_width(2048, 26)
    assert nearest_shape(arch.params().total) == arch


def test_the_aspect_curve_is_the_least_squares_fit_to_table_a9():
    rows = [m.architecture for n, m in published_models().items() if n.startswith("chinchilla-") and n.endswith("m")]
    x = [math.log(arch.d_model) for arch in rows]
    y = [math.log(arch.d_model / arch.n_layers) for arch in rows]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)
    for width in (512, 4096):
        fitted = math.exp(mean_y + slope * (math.log(width) - mean_x))
        assert usual_aspect(width) == pytest.approx(fitted, rel=1e-4)


def test_too_small_a_target_is_refused_with_the_way_out():
    with pytest.raises(InputError, match="smaller vocabulary"):
        nearest_shape(1e6)
    assert nearest_shape(1e6, vocab_size=257).params().total == pytest.approx(1e6, rel=0.1)


@pytest.mark.parametrize("params", [0, -1.0, math.nan, math.inf])
def test_a_size_that_is_none_is_refused(params):
    with pytest.raises(InputError, match="positive"):
        nearest_shape(params)


def test_a_width_without_whole_heads_is_refused():
    with pytest.raises(InputError, match="multiple of 128"):
        shape_of_width(1100, 10)


def test_account_adds_up():
    arch = nearest_shape(1e9)
    account = shape_account(arch, 2048).as_json()
    assert sum(account["params"]["by_role"].values()) == account["params"]["total"] == arch.params().total
    assert account["flops_per_token"]["six_n"] == 6 * arch.params().total
    memory = account["memory_bytes"]
    assert memory["train"] > 16 * arch.params().total
    assert memory["serve"] == 2 * arch.params().total + 2 * 2 * 2048 * arch.n_layers * arch.d_model


def test_heads_of_large_palm_shapes_are_wide_and_share_keys_and_values():
    # Chowdhery et al. 2022, Table 1: 8B is 4,096 wide with 16 heads of 256
    arch = shape_of_width(4096, 32, family="palm", vocab_size=256_000)
    assert (arch.n_heads, arch.head_dim, arch.n_kv_heads) == (16, 256, 1)
    assert arch.params().total == 8_631_877_632
    assert [usual_head_dim(width, "palm") for width in (1024, 2048)] == [64, 128]


def test_learned_positions_reach_to_the_context_and_no_further():
    arch = nearest_shape(1e9, family="gpt", seq_len=1024)
    assert arch.n_positions == 1024
    assert shape_account(arch, 1024).seq_len == 1024
    with pytest.raises(InputError, match="seq_len: expected at most 1024, the positions learned, got 1025"):
        shape_account(arch, 1025)
