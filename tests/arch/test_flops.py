"""FLOPs by convention: against published figures, and against one another."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.test_architecture import ARCH, ARCHITECTURES, of_family
from isoflop.arch import FAMILIES, FLOPS_CONVENTIONS, Architecture, flops_by_convention, flops_per_token
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
    # 4.7358e23 without embeddings and logits; 4/3 of it is the 6.3e23 of Hoffmann et al. 2022, Appendix F, for 300e9
    # tokens.
    arch, seq_len = published_shape("gopher-280b")
    body = 300e9 * flops_per_token(arch, seq_len, "chinchilla_appendix_f_body")
    assert body == pytest.approx(4.735768e23, rel=1e-6)
    assert 4 / 3 * body == pytest.approx(6.314357e23, rel=1e-6)
    assert f"{4 / 3 * body:.1e}" == "6.3e+23"
    assert 300e9 * flops_per_token(arch, seq_len, "chinchilla_appendix_f") == pytest.approx(4.754642e23, rel=1e-6)


def test_gopher_throughput_is_its_published_utilisation():
    # Chowdhery et al. 2022, section 4.1: Gopher took 0.0152 steps/s on 4096 TPU v3 (123 TFLOP/s): 32.5 % of the peak.
    # Its batch grew from 3M to 6M tokens: 3072 sequences of 2048 are the larger one.
    arch, seq_len = published_shape("gopher-280b")
    attention = flops_per_token(arch, seq_len, "palm_mfu") - flops_per_token(arch, seq_len, "six_n")
    speed = 0.0152 * 3072 * 2048
    assert speed * (6 * 280e9 + attention) / (4096 * 123e12) == pytest.approx(0.32500, abs=5e-6)


def test_palm_mfu_is_what_palm_540b_reports():
    arch, seq_len = published_shape("palm-540b")
    whole, attention_aside = (flops_per_token(arch, seq_len, name) for name in ("palm_mfu", "six_n"))
    assert whole - attention_aside == 12 * 118 * 48 * 256 * 2048 == 35_634_806_784
    # Section 4.1: 238.3 thousand tokens/s on 6144 TPU v4 (275 TFLOP/s) are 46.2 % of peak, 45.7 % without attention
    speed = 238.3e3 / (6144 * 275e12)
    assert [speed * attention_aside, speed * whole] == pytest.approx([0.457, 0.462], abs=5e-4)
    # to more digits, with the 540.35 billion that they count
    printed = 6 * 540.35e9
    assert [speed * printed, speed * (printed + whole - attention_aside)] == pytest.approx(
        [0.457264, 0.462289], abs=5e-7
    )


@pytest.mark.parametrize(("seconds", "gpus", "teraflops"), [(60.1, 2240, 126), (50.2, 2800, 121), (44.4, 3360, 113)])
def test_megatron_hardware_is_what_mt_nlg_530b_reports(seconds, gpus, teraflops):
    # Smith et al. 2022 (2201.11990): batch 1920 of 2048 tokens; seconds a step and teraFLOP/s per GPU on 280, 350 and
    # 420 nodes of eight.
    arch, seq_len = published_shape("mt-nlg-530b")
    iteration = 1920 * seq_len * flops_per_token(arch, seq_len, "megatron_hardware")
    assert iteration == pytest.approx(1.6926431753797632e19, rel=1e-12)
    # 125.7, 120.4 and 113.5: the printed seconds are rounded too
    assert iteration / seconds / gpus / 1e12 == pytest.approx(teraflops, abs=0.6)


def test_mt_nlg_530b_utilisation_with_and_without_attention():
    # Chowdhery et al. 2022, section 4.1: 65.43 thousand tokens/s on 2240 A100 (312 TFLOP/s) are 29.7 and 30.2 %
    arch, seq_len = published_shape("mt-nlg-530b")
    speed = 1920 * seq_len / 60.1
    assert speed == pytest.approx(65.43e3, abs=5)
    shares = [speed * flops_per_token(arch, seq_len, name) / (2240 * 312e12) for name in ("six_n", "palm_mfu")]
    assert shares == pytest.approx([0.297, 0.302], abs=1e-3)


def test_chinchilla_cost_appendix_f_its_own_text_aside():
    # Neither is the 5.76e23 of Gopher's budget, nor its own 6 N D of 5.88e23
    arch, seq_len = published_shape("chinchilla-70b")
    counts = [1.4e12 * flops_per_token(arch, seq_len, f"chinchilla_appendix_f{end}") for end in ("_body", "")]
    assert counts == pytest.approx([5.64e23, 5.68e23], rel=1e-3)


@given(ARCHITECTURES, st.integers(1, 4096))
def test_appendix_f_and_the_products_differ_by_softmax_look_up_and_positions(arch, seq_len):
    # both count all matrices, whatever the family; appendix F adds 3 h S for the softmax and 2 V d for
    # an embedding made by a product, and knows no relative positions
    flops = flops_by_convention(arch, seq_len)
    softmax = 9 * arch.n_layers * arch.n_heads * seq_len
    look_up = 6 * arch.vocab_size * arch.d_model
    position = FAMILIES[arch.family].position_flops_per_token(arch, seq_len) + 6 * arch.params().position
    assert flops["chinchilla_appendix_f"] - softmax - look_up == pytest.approx(flops["matmul"] - position, rel=1e-12)


@given(ARCHITECTURES, st.integers(1, 4096))
def test_conventions_agree_where_they_count_the_same(arch, seq_len):
    flops = flops_by_convention(arch, seq_len)
    count = arch.params()
    assert tuple(flops) == FLOPS_CONVENTIONS
    assert all(math.isfinite(value) and value > 0 for value in flops.values())
    assert flops["six_n"] - flops["six_n_non_embedding"] == 6 * (count.embedding + count.output_head)
    ends = 12 * arch.vocab_size * arch.d_model
    assert flops["chinchilla_appendix_f"] - flops["chinchilla_appendix_f_body"] == pytest.approx(ends)
    rotary = of_family("llama", arch)
    assert (
        flops_per_token(rotary, seq_len)
        == 6 * rotary.params().matmul + 12 * arch.n_layers * arch.attention_width * seq_len
    )


@given(ARCHITECTURES, st.integers(1, 2048), st.integers(1, 2048))
def test_a_longer_context_never_costs_less_a_token(arch, one, other):
    short, long = (flops_by_convention(arch, seq_len) for seq_len in sorted((one, other)))
    assert all(short[convention] <= long[convention] for convention in FLOPS_CONVENTIONS)


def test_an_unknown_convention_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="expected one of six_n, .*matmul, got 'flops'"):
        flops_per_token(ARCH, 256, "flops")
