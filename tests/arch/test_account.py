"""FLOPs by convention and bytes: against published figures, and against one another."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.test_architecture import ARCH, ARCHITECTURES
from isoflop.arch import (
    FLOPS_CONVENTIONS,
    Architecture,
    activation_bytes,
    flops_by_convention,
    flops_per_token,
    kv_cache_bytes,
    serve_bytes,
    train_state_bytes,
)
from isoflop.arch.published import published_shape
from isoflop.errors import InputError

SHARED = Path(__file__).parents[3] / "shared"

# Hoffmann et al. 2022, Table A4: FLOPs of Appendix F over 6 N D. Layers, d_model, feed-forward, heads, key size.
TABLE_A4 = [
    (10, 640, 2560, 10, 64, 1.03),
    (20, 1024, 4096, 16, 64, 1.10),
    (24, 1280, 5120, 10, 128, 1.08),
    (26, 1792, 7168, 14, 128, 1.04),
    (28, 2048, 8192, 16, 128, 1.03),
    (40, 3584, 14336, 28, 128, 0.99),
]


def gopher(n_layers, d_model, d_ff, n_heads, head_dim):
    return Architecture(
        family="gopher",
        n_layers=n_layers,
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=head_dim,
        d_ff=d_ff,
        vocab_size=32_000,
        tied_embedding=True,
    )


@pytest.mark.parametrize(("shape", "ratio"), [(row[:-1], row[-1]) for row in TABLE_A4])
def test_table_a4_is_appendix_f_without_embeddings_and_logits(shape, ratio):
    arch = gopher(*shape)
    body = flops_per_token(arch, 2048, "chinchilla_appendix_f_body") / flops_per_token(arch, 2048, "six_n")
    assert body == pytest.approx(ratio, abs=0.005)  # printed to two digits
    assert flops_per_token(arch, 2048, "chinchilla_appendix_f") > flops_per_token(arch, 2048, "six_n")


def test_table_a4_to_every_digit():
    golden = SHARED / "facts_golden.json"
    if not golden.exists():
        pytest.skip("no facts_golden.json beside the repository")
    for row, expected in zip(TABLE_A4, json.loads(golden.read_text())["table_a4_ratio"], strict=True):
        arch = gopher(*row[:-1])
        body = flops_per_token(arch, 2048, "chinchilla_appendix_f_body") / flops_per_token(arch, 2048, "six_n")
        assert (row[-1], pytest.approx(body, rel=1e-12)) == (expected["published"], expected["recomputed"])


def test_gopher_budget_is_appendix_f_with_the_forward_pass_done_twice():
    # 4.7358e23 without embeddings and logits; 4/3 of it are the 6.31e23 that Rae et al. 2021 and Hoffmann et al. 2022,
    # Appendix F, name for 300e9 tokens.
    arch, seq_len = published_shape("gopher-280b")
    body = 300e9 * flops_per_token(arch, seq_len, "chinchilla_appendix_f_body")
    assert body == pytest.approx(4.735768e23, rel=1e-6)
    assert 4 / 3 * body == pytest.approx(6.31e23, rel=1e-3)
    assert 300e9 * flops_per_token(arch, seq_len, "chinchilla_appendix_f") == pytest.approx(4.754642e23, rel=1e-6)


def palm_540b():
    # Chowdhery et al. 2022 (2204.02311), Table 1; only what the conventions read: the family's own tensors differ.
    return replace(
        ARCH, n_layers=118, d_model=18_432, n_heads=48, n_kv_heads=1, head_dim=256, d_ff=73_728, vocab_size=256_000
    )


def test_palm_mfu_counts_attention_as_its_appendix_b():
    arch = palm_540b()
    attention = flops_per_token(arch, 2048, "palm_mfu") - flops_per_token(arch, 2048, "six_n")
    assert attention == 12 * 118 * 48 * 256 * 2048 == 35_634_806_784
    # Section 4.1: 238.3 thousand tokens/s on 6144 TPU v4 (275 TFLOP/s) are 46.2 % of peak, 45.7 % without attention
    speed = 238.3e3 / (6144 * 275e12)
    published = 6 * 540.35e9
    assert speed * published == pytest.approx(0.457, abs=5e-4)
    assert speed * (published + attention) == pytest.approx(0.462, abs=5e-4)


@pytest.mark.parametrize(("seconds", "gpus", "teraflops"), [(60.1, 2240, 126), (50.2, 2800, 121), (44.4, 3360, 113)])
def test_megatron_hardware_is_what_mt_nlg_530b_reports(seconds, gpus, teraflops):
    # Smith et al. 2022 (2201.11990): 105 layers, hidden 20480, batch 1920 of 2048 tokens; the vocabulary of 50,257
    # padded to 51,200. Seconds a step and teraFLOP/s per GPU on 280, 350 and 420 nodes of eight.
    arch = replace(
        ARCH,
        n_layers=105,
        d_model=20_480,
        n_heads=128,
        n_kv_heads=128,
        head_dim=160,
        d_ff=81_920,
        vocab_size=51_200,
        tied_embedding=True,
    )
    iteration = 1920 * 2048 * flops_per_token(arch, 2048, "megatron_hardware")
    assert iteration == pytest.approx(1.6926431753797632e19, rel=1e-12)
    # 125.7, 120.4 and 113.5: the printed seconds are rounded too
    assert iteration / seconds / gpus / 1e12 == pytest.approx(teraflops, abs=0.6)


@given(ARCHITECTURES, st.integers(1, 4096))
def test_conventions_agree_where_they_count_the_same(arch, seq_len):
    flops = flops_by_convention(arch, seq_len)
    count = arch.params()
    assert tuple(flops) == FLOPS_CONVENTIONS
    assert all(math.isfinite(value) and value > 0 for value in flops.values())
    assert flops["six_n"] - flops["six_n_non_embedding"] == 6 * (count.embedding + count.output_head)
    ends = 12 * arch.vocab_size * arch.d_model
    assert flops["chinchilla_appendix_f"] - flops["chinchilla_appendix_f_body"] == pytest.approx(ends)
    rotary = flops_per_token(replace(arch, family="llama"), seq_len)
    body = replace(arch, family="llama").params().matmul
    assert rotary == 6 * body + 12 * arch.n_layers * arch.attention_width * seq_len


@given(ARCHITECTURES, st.integers(1, 2048), st.integers(1, 2048))
def test_a_longer_context_never_costs_less_a_token(arch, one, other):
    short, long = (flops_by_convention(arch, seq_len) for seq_len in sorted((one, other)))
    assert all(short[convention] <= long[convention] for convention in FLOPS_CONVENTIONS)


def test_an_unknown_convention_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="expected one of six_n, .*matmul, got 'flops'"):
        flops_per_token(ARCH, 256, "flops")


@given(ARCHITECTURES)
def test_training_takes_sixteen_bytes_a_parameter_in_either_precision(arch):
    total = arch.params().total
    assert train_state_bytes(arch) == train_state_bytes(arch, weight_bytes=2) == 16 * total


@given(ARCHITECTURES, st.integers(1, 512), st.integers(1, 16))
def test_serving_is_weights_and_a_cache_that_grows_with_its_text(arch, seq_len, batch):
    cache = kv_cache_bytes(arch, seq_len, batch)
    assert cache == batch * seq_len * kv_cache_bytes(arch, 1)
    assert serve_bytes(arch, seq_len, batch) == 2 * arch.params().total + cache
    assert kv_cache_bytes(arch, seq_len, batch, value_bytes=4) == 2 * cache


def test_fewer_key_value_heads_cut_the_cache_in_proportion():
    assert kv_cache_bytes(replace(ARCH, n_kv_heads=4), 256) == 2 * kv_cache_bytes(ARCH, 256)


def test_chinchillas_cache_by_hand():
    # keys and values of 80 layers, 8192 wide, at 2 bytes: 2.6 MB a token
    arch, _ = published_shape("chinchilla-70b")
    assert kv_cache_bytes(arch, 1) == 2 * 80 * 8192 * 2


@given(ARCHITECTURES, st.integers(1, 4096))
def test_activations_grow_with_tokens_and_with_a_gate(arch, tokens):
    assert activation_bytes(arch, tokens) == tokens * activation_bytes(arch, 1)
    gated, plain = (activation_bytes(replace(arch, family=family), 1) for family in ("llama", "gopher"))
    assert gated - plain == 4 * arch.n_layers * arch.d_ff
