"""Activations: against the count of Korthikanti et al. 2022, and against what must hold for any shape."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.test_architecture import ARCHITECTURES, of_family
from isoflop.arch import FLOAT32, Layout, Recompute, TrainingSetup, activation_bytes
from isoflop.arch.activations import layer_values
from isoflop.arch.layout import RECOMPUTE
from isoflop.arch.published import published_shape


def own_setup(tokens: int, recompute: Recompute = "none") -> TrainingSetup:
    """A micro-batch of `tokens` tokens on one device, in float32 as isoflop's own trainer has it."""
    return TrainingSetup(seq_len=tokens, formats=FLOAT32, recompute=recompute)


@given(ARCHITECTURES)
def test_activations_of_a_plain_block_are_those_of_korthikanti_without_dropout(arch):
    # Korthikanti et al. 2022, section 4.1: 34 bytes a token, layer and unit of width, two of them masks, and the scores
    # aside that flash attention never keeps
    arch = of_family("gpt", arch, n_heads=4, n_kv_heads=4, d_model=4 * arch.head_dim, d_ff=16 * arch.head_dim)
    assert 2 * layer_values(arch) == 32 * arch.d_model


def test_inputs_of_all_layers_of_mt_nlg_530b():
    # Smith et al. 2022, section 2.1: 8.8 gigabytes for a sequence, 16.9 terabytes for a batch of 1,920
    arch, seq_len = published_shape("mt-nlg-530b")
    inputs = 2 * seq_len * arch.n_layers * layer_values(arch, 1, "full")
    assert inputs == pytest.approx(8.8e9, rel=5e-3)
    assert 1920 * inputs == pytest.approx(16.9e12, rel=5e-3)


@pytest.mark.parametrize(
    ("recompute", "sequence_parallel", "whole", "split"),
    [
        # Korthikanti et al. 2022, Table 2, bytes a token and unit of width on each of t devices: 34/t, 10 + 24/t, 2;
        # two of the 34 and of the 10 are masks of dropout
        ("none", True, 0, 32),
        ("none", False, 8, 24),
        ("full", False, 2, 0),
        ("full", True, 0, 2),
    ],
)
def test_what_tensor_parallel_devices_store_is_korthikantis_table_2(recompute, sequence_parallel, whole, split):
    arch, _ = published_shape("mt-nlg-530b")
    for ways in (1, 2, 4, 8):
        kept = layer_values(arch, ways, recompute, sequence_parallel=sequence_parallel)
        assert 2 * kept == pytest.approx(arch.d_model * (whole + split / ways))


def test_the_first_stage_of_mt_nlg_530b_keeps_inputs_of_all_its_layers():
    # Smith et al. 2022, section 2.1: 8.8 gigabytes a sequence, which the first of 35 stages holds on each of its eight
    # devices: 35 sequences in flight, 3 of 105 layers each, sequences whole
    arch, seq_len = published_shape("mt-nlg-530b")
    layout = Layout(tensor=8, pipeline=35)
    setup = TrainingSetup(seq_len=seq_len, layout=layout, recompute="full", sequence_parallel=False)
    held, without = (
        activation_bytes(arch, replace(setup, layout=replace(setup.layout, pipeline=stages))) for stages in (35, 105)
    )
    assert held == without  # fewer layers, more in flight
    again = 2 * seq_len * (layer_values(arch, 8, sequence_parallel=False) + 2 * arch.d_model)
    assert held - again == pytest.approx(8.8e9, rel=5e-3)


def test_activations_of_mt_nlg_530b_without_recomputation():
    # Korthikanti et al. 2022, equation 6 and section 4.2.3: 34 s b h L / t x (1 + (p - 1)/(p m)), 2 of 34 for dropout
    arch, seq_len = published_shape("mt-nlg-530b")
    printed = 34 * seq_len * arch.d_model * arch.n_layers / 8 * (1 + 34 / (35 * 3))
    assert printed == pytest.approx(24.8e9, rel=2e-3)
    actual = activation_bytes(arch, TrainingSetup(seq_len=seq_len, layout=Layout(tensor=8, pipeline=35, interleaved=3)))
    assert actual == pytest.approx(printed, rel=0.06)
    assert actual == pytest.approx(printed * 32 / 34, rel=0.01)


def test_what_selective_checkpoints_of_llama_store_by_hand():
    # every second product of torchtitan's llama: queries, values, gate and the last one; attention, and the input
    arch, _ = published_shape("llama3-8b")
    assert layer_values(arch, 1, "selective") == 4096 + 4096 + 1024 + 4096 + 14_336 + 4096


@given(ARCHITECTURES, st.integers(1, 4096))
def test_activations_grow_with_tokens_and_with_a_gate(arch, tokens):
    assert activation_bytes(arch, own_setup(tokens)) == tokens * activation_bytes(arch, own_setup(1))
    plain, normed = (activation_bytes(of_family(family, arch), own_setup(1)) for family in ("gopher", "llama"))
    gated = activation_bytes(of_family("llama", arch, without=("query_key_norm",)), own_setup(1))
    assert gated - plain == 4 * arch.n_layers * arch.d_ff
    assert normed - gated == 4 * arch.n_layers * (arch.attention_width + arch.kv_width)
    parallel = activation_bytes(of_family("palm", arch), own_setup(1))
    assert gated - parallel == 4 * arch.n_layers * 2 * arch.d_model


@given(ARCHITECTURES, st.integers(1, 4096))
def test_recomputation_stores_all_inputs_and_the_larger_of_a_layer_and_the_logits(arch, tokens):
    again = activation_bytes(arch, own_setup(tokens, recompute="full"))
    deeper = activation_bytes(replace(arch, n_layers=arch.n_layers + 1), own_setup(tokens, recompute="full"))
    assert deeper - again == 4 * tokens * arch.d_model
    largest = max(4 * layer_values(arch), FLOAT32.logits * arch.vocab_size)
    assert again == tokens * (arch.n_layers * 4 * arch.d_model + largest)


@given(ARCHITECTURES, st.integers(1, 8), st.integers(1, 8))
def test_the_more_is_recomputed_the_less_is_stored(arch, tensor, pipeline):
    arch = replace(arch, n_heads=8 * arch.n_heads, n_layers=max(pipeline, arch.n_layers))
    kept = [layer_values(arch, tensor, recompute) for recompute in RECOMPUTE]
    assert kept == sorted(kept, reverse=True)


@given(ARCHITECTURES, st.integers(2, 6), st.integers(2, 4))
def test_an_interleaved_pipeline_holds_more_in_flight(arch, pipeline, pieces):
    # Korthikanti et al. 2022, section 4.2.3: 1 + (p - 1) / (p m) times as much
    arch = replace(arch, n_layers=pipeline * pieces, vocab_size=1)
    plain, dealt = (
        activation_bytes(arch, TrainingSetup(seq_len=1000, layout=Layout(pipeline=pipeline, interleaved=interleaved)))
        for interleaved in (1, pieces)
    )
    assert dealt / plain == pytest.approx(1 + (pipeline - 1) / (pipeline * pieces), rel=1e-3)
