"""Each family's tensor list sums to its published formula; the table of families is complete."""

from dataclasses import replace

import pytest
from hypothesis import given

from arch.test_architecture import ARCH, ARCHITECTURES, of_family
from isoflop.arch import FAMILIES, ROLES, family_named
from isoflop.errors import InputError


def test_an_unknown_family_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=f"expected one of {', '.join(sorted(FAMILIES))}, got 'mamba'"):
        family_named("mamba")
    with pytest.raises(InputError, match="mamba"):
        replace(ARCH, family="mamba").params()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_who_it_is(name):
    family = family_named(name)
    assert family.name == name
    assert family.ff_ratio > 1
    for tensor in of_family(name).tensors():
        assert tensor.role in ROLES
        assert tensor.name.startswith("blocks.") or "." not in tensor.name


@given(ARCHITECTURES)
def test_gopher_is_the_formula_of_table_a9(arch):
    # N = L (5 d a + 2 d f + 10 d) + V d + V reproduces Hoffmann et al. 2022, Table A9; its feed-forwards are 4 d wide
    # (so 10 d holds f + 6 d of vectors) and every head has keys and values of its own.
    arch = of_family("gopher", arch, n_kv_heads=arch.n_heads, d_ff=4 * arch.d_model, tied_embedding=True)
    d, a = arch.d_model, arch.attention_width
    expected = arch.n_layers * (5 * d * a + 2 * d * arch.d_ff + 10 * d) + arch.vocab_size * d + arch.vocab_size
    assert arch.params().total == expected


@given(ARCHITECTURES)
def test_llama_is_its_matrices_and_gains(arch):
    arch = of_family("llama", arch)
    d, a, kv = arch.d_model, arch.attention_width, arch.kv_width
    block = d * a + 2 * d * kv + a * d + 3 * d * arch.d_ff + 2 * d + 2 * arch.head_dim
    ends = arch.vocab_size * d * (1 if arch.tied_embedding else 2) + d
    assert arch.params().total == arch.n_layers * block + ends


@given(ARCHITECTURES)
def test_gpt_is_the_formula_of_megatron_and_a_final_norm(arch):
    # Narayanan et al. 2021 (2104.04473), equation 2: 12 L h^2 (1 + 13/(12 h) + (V + S)/(12 L h)), for heads as wide
    # together as the model and feed-forwards of 4 h; it leaves the gain and bias of the final norm out.
    arch = of_family(
        "gpt", arch, n_heads=4, n_kv_heads=4, d_model=4 * arch.head_dim, d_ff=16 * arch.head_dim, tied_embedding=True
    )
    layers, h, ends = arch.n_layers, arch.d_model, arch.vocab_size + arch.n_positions
    printed = layers * (12 * h**2 + 13 * h) + ends * h
    assert replace(arch, without=("final_norm",)).params().total == printed
    assert arch.params().total == printed + 2 * h


@given(ARCHITECTURES)
def test_palm_is_its_matrices(arch):
    # heads of q share one head of keys and values; three matrices of 4 d in the feed-forward: 12 d^2
    arch = of_family("palm", arch, n_kv_heads=1, d_ff=4 * arch.d_model, tied_embedding=True)
    d, q, heads = arch.d_model, arch.head_dim, arch.n_heads
    assert arch.params().total == arch.n_layers * (2 * d * heads * q + 2 * d * q + 12 * d * d) + arch.vocab_size * d
    assert arch.params().vectors == 0


def test_only_relative_positions_cost_products_their_scores():
    for name in ("llama", "gpt", "palm"):
        assert family_named(name).position_flops_per_token(ARCH, 256) == 0
    gopher = family_named("gopher").position_flops_per_token
    assert gopher(ARCH, 512) - gopher(ARCH, 256) == 2 * 6 * 256 * 96
