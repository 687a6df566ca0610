"""Each family's tensor list sums to its published formula; the table of families is complete."""

from dataclasses import replace

import pytest
from hypothesis import given

from arch.test_architecture import ARCH, ARCHITECTURES
from isoflop.arch import FAMILIES, ROLES, family_named
from isoflop.errors import InputError


def test_an_unknown_family_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="expected one of gopher, llama, got 'mamba'"):
        family_named("mamba")
    with pytest.raises(InputError, match="mamba"):
        replace(ARCH, family="mamba").params()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_says_who_it_is(name):
    family = family_named(name)
    assert family.name == name
    assert family.ff_ratio > 1
    for tensor in replace(ARCH, family=name).tensors():
        assert tensor.role in ROLES
        assert tensor.name.startswith("blocks.") or "." not in tensor.name


@given(ARCHITECTURES)
def test_gopher_is_the_formula_of_table_a9(arch):
    # N = L (5 d a + 2 d f + 10 d) + V d + V reproduces Hoffmann et al. 2022, Table A9; its feed-forwards are 4 d wide
    # (so 10 d holds f + 6 d of vectors) and every head has keys and values of its own.
    arch = replace(arch, family="gopher", n_kv_heads=arch.n_heads, d_ff=4 * arch.d_model, tied_embedding=True)
    d, a = arch.d_model, arch.attention_width
    expected = arch.n_layers * (5 * d * a + 2 * d * arch.d_ff + 10 * d) + arch.vocab_size * d + arch.vocab_size
    assert arch.params().total == expected


@given(ARCHITECTURES)
def test_llama_is_its_matrices_and_gains(arch):
    arch = replace(arch, family="llama")
    d, a, kv = arch.d_model, arch.attention_width, arch.kv_width
    block = d * a + 2 * d * kv + a * d + 3 * d * arch.d_ff + 2 * d + 2 * arch.head_dim
    ends = arch.vocab_size * d * (1 if arch.tied_embedding else 2) + d
    assert arch.params().total == arch.n_layers * block + ends


def test_llama_7b_without_the_query_key_norms_has_its_published_size():
    # Touvron et al. 2023 (2302.13971), Table 2: dimension 4096, 32 heads, 32 layers; 6.7B parameters. The feed-forward
    # width 11008 and the vocabulary 32000 are those of the released weights.
    arch = replace(
        ARCH,
        n_layers=32,
        d_model=4096,
        n_heads=32,
        n_kv_heads=32,
        head_dim=128,
        d_ff=11_008,
        vocab_size=32_000,
    )
    assert arch.params().total - 32 * 2 * 128 == 6_738_415_616


def test_rotary_positions_cost_nothing_and_relative_ones_their_scores():
    llama, gopher = (family_named(name).position_flops_per_token for name in ("llama", "gopher"))
    assert llama(ARCH, 256) == 0
    assert gopher(ARCH, 512) - gopher(ARCH, 256) == 2 * 6 * 256 * 96
