"""Bytes to train and to serve: against published figures, and against what must hold for any shape."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.test_architecture import ARCH, ARCHITECTURES, of_family
from isoflop.arch import (
    FLOAT32,
    MIXED,
    Layout,
    TrainingSetup,
    kv_cache_bytes,
    memory_bytes,
    serve_bytes,
    train_memory,
)
from isoflop.arch.layout import MIXED_GRADIENTS_32, MIXED_GRADIENTS_TWICE, SHARDS_32
from isoflop.arch.memory import params_per_device
from isoflop.arch.published import published_shape
from isoflop.errors import InputError

WAYS = st.builds(
    Layout,
    data=st.integers(1, 8),
    sharded=st.integers(1, 64),
    tensor=st.sampled_from([1, 2, 4]),
    pipeline=st.integers(1, 6),
)


@given(ARCHITECTURES)
def test_training_takes_sixteen_bytes_a_parameter_in_either_precision(arch):
    total = arch.params().total
    for formats in (MIXED, FLOAT32, SHARDS_32):
        memory = train_memory(arch, TrainingSetup(seq_len=16, formats=formats))
        assert memory.weights + memory.gradients + memory.optimizer == 16 * total
        assert memory.gathered == 0
    assert MIXED_GRADIENTS_32.state == 18


def test_muon_has_one_momentum_for_each_hidden_weight():
    arch, _ = published_shape("llama3-8b")
    adam = train_memory(arch, TrainingSetup(seq_len=128, formats=FLOAT32))
    muon = train_memory(arch, TrainingSetup(seq_len=128, formats=FLOAT32.with_optimizer("muon")))
    count = arch.params()
    assert adam.optimizer - muon.optimizer == 4 * (count.attention + count.feed_forward + count.position)
    assert adam.total - adam.optimizer == muon.total - muon.optimizer


def test_mt_nlg_530b_needs_ten_terabytes_for_its_state():
    # Smith et al. 2022 (2201.11990), section 2.1: 20 bytes a parameter, over 10 terabytes in all
    arch, _ = published_shape("mt-nlg-530b")
    memory = train_memory(arch, TrainingSetup(seq_len=2048, formats=MIXED_GRADIENTS_TWICE))
    state = memory.weights + memory.gradients + memory.optimizer
    assert state == 20 * arch.params().total == MIXED_GRADIENTS_TWICE.state * arch.params().total
    assert MIXED_GRADIENTS_32.state * arch.params().total < 10e12 < state


def test_a_stage_of_mt_nlg_530b_is_its_share_of_the_model_and_the_embedding():
    # 105 layers in 35 stages, every matrix over 8 devices: 3 layers of 12 h^2 / 8 and the embedding of 51,200 h / 8
    arch, _ = published_shape("mt-nlg-530b")
    h = 20_480
    assert params_per_device(arch, Layout(tensor=8, pipeline=35)) == (
        3 * (12 * h * h // 8 + 13 * h) + (51_200 + 2_048) * h // 8
    )


@given(ARCHITECTURES, WAYS, st.integers(1, 64))
def test_more_devices_never_hold_more_each(arch, layout, seq_len):
    arch = replace(arch, n_heads=4 * arch.n_heads, n_layers=max(arch.n_layers, layout.pipeline))
    memory = train_memory(arch, TrainingSetup(seq_len=seq_len, layout=layout))
    alone = train_memory(arch, TrainingSetup(seq_len=seq_len))
    state = memory.weights + memory.gradients + memory.optimizer
    everywhere = state * layout.sharded * layout.tensor * layout.pipeline
    assert everywhere >= 16 * arch.params().total  # all is counted; vectors and ends are held more than once
    for wider in (replace(layout, sharded=2 * layout.sharded), replace(layout, tensor=2 * layout.tensor)):
        if arch.n_heads % wider.tensor == 0:
            less = train_memory(arch, TrainingSetup(seq_len=seq_len, layout=wider))
            assert less.weights <= memory.weights
            assert less.optimizer <= memory.optimizer
            assert less.activations <= memory.activations
    assert train_memory(arch, TrainingSetup(seq_len=seq_len, layout=replace(layout, data=9))) == memory
    if layout.pipeline == 1 and layout.tensor == 1:
        assert memory.total - memory.gathered <= alone.total
    assert (memory.gathered > 0) == (layout.sharded > 1)


def test_sharding_divides_the_state():
    arch, _ = published_shape("palm-540b")
    memory = train_memory(
        arch, TrainingSetup(seq_len=2048, layout=Layout(sharded=256, tensor=12, data=2), recompute="full")
    )
    copied = 11 * arch.n_layers * 2 * arch.head_dim * arch.d_model  # its one head of keys and values, on each of 12
    assert 256 * 12 * memory.weights == pytest.approx(2 * (arch.params().total + copied), rel=1e-6)
    assert memory.optimizer == 6 * memory.weights
    assert memory.total < 32 * 2**30  # a TPU v4


def test_a_host_of_palm_holds_the_gradients_that_it_sends_to_the_other_pod():
    # Chowdhery et al. 2022, section 4: each pair of hosts exchanges about 1.3 GB of gradients a step; four chips a host
    arch, _ = published_shape("palm-540b")
    memory = train_memory(
        arch, TrainingSetup(seq_len=2048, layout=Layout(sharded=256, tensor=12, data=2), recompute="full")
    )
    assert 4 * memory.gradients / 2**30 == pytest.approx(1.3, abs=0.05)


@given(ARCHITECTURES, st.integers(2, 64))
def test_a_pipeline_shares_the_optimiser_and_nothing_else(arch, sharded):
    arch = replace(arch, n_layers=4)
    layout = Layout(sharded=sharded, pipeline=2)
    memory, mine = train_memory(arch, TrainingSetup(seq_len=16, layout=layout)), params_per_device(arch, layout)
    assert memory.optimizer == 12 * math.ceil(mine / sharded)
    assert memory.gathered == memory.gradients == 2 * mine


def test_one_head_of_keys_and_values_is_copied_to_every_device():
    arch = of_family("palm", n_kv_heads=1)
    split = params_per_device(arch, Layout(tensor=4))
    copied = arch.n_layers * 2 * arch.head_dim * arch.d_model
    assert 4 * split == arch.params().total + 3 * copied


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"pipeline": 3}, "pipeline: expected at most n_layers=2 stages, got 3"),
        ({"tensor": 3}, "tensor: expected a divisor of n_heads=4, got 3"),
        ({"sharded": 0}, "sharded: expected a whole number of at least 1, got 0"),
        ({"data": 1.5}, "data: expected a whole number"),
    ],
)
def test_an_impossible_layout_is_refused(layout, said):
    with pytest.raises(InputError, match=said):
        train_memory(ARCH, TrainingSetup(seq_len=64, layout=Layout(**layout)))


@given(ARCHITECTURES, st.integers(1, 512), st.integers(1, 16))
def test_serving_is_weights_and_a_cache_that_grows_with_its_text(arch, seq_len, batch):
    cache = kv_cache_bytes(arch, seq_len, batch)
    assert cache == batch * seq_len * kv_cache_bytes(arch, 1)
    assert serve_bytes(arch, seq_len, batch) == 2 * arch.params().total + cache
    assert serve_bytes(arch, seq_len, batch, weight_bytes=0.5) == math.ceil(arch.params().total / 2) + cache
    assert kv_cache_bytes(arch, seq_len, batch, value_bytes=4) == 2 * cache


def test_fewer_key_value_heads_cut_the_cache_in_proportion():
    assert kv_cache_bytes(replace(ARCH, n_kv_heads=4), 256) == 2 * kv_cache_bytes(ARCH, 256)


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        # keys and values of every layer at 2 bytes
        ("chinchilla-70b", 2 * 80 * 8192 * 2),
        ("palm-540b", 2 * 118 * 256 * 2),  # one head of 256: a fiftieth of what 48 would take
        ("llama3-70b", 2 * 80 * 8 * 128 * 2),
    ],
)
def test_the_cache_of_a_token_by_hand(name, by_hand):
    assert kv_cache_bytes(published_shape(name)[0], 1) == by_hand


@given(ARCHITECTURES, st.integers(1, 512), st.integers(1, 8))
def test_the_parts_of_the_account_add_up(arch, seq_len, batch):
    memory = memory_bytes(arch, seq_len, batch=batch)
    state = memory["train_weights"] + memory["train_gradients"] + memory["train_optimizer"]
    assert memory["train_state"] == state
    assert memory["train"] == state + memory["train_activations"]
    assert memory["train_recomputed"] == state + memory["train_activations_recomputed"]
    assert memory["serve"] == memory["serve_weights"] + memory["serve_kv_cache"]


def test_formats_by_name():
    whole, quarter = (memory_bytes(ARCH, 64, weights=name)["serve_weights"] for name in ("float16", "int4"))
    assert whole == 4 * quarter == 2 * ARCH.params().total
    with pytest.raises(InputError, match="format: expected one of float32, .*int4, got 'int3'"):
        memory_bytes(ARCH, 64, weights="int3")
