"""Shapes from Hugging Face config files: counted exactly, or refused with all that is wrong."""

import json

import pytest

from isoflop.arch import Architecture, flops_per_token, kv_cache_bytes
from isoflop.arch.huggingface import read_config
from isoflop.errors import InputError

# The fields that decide the tensors, as in the config.json of the released weights.
GPT2 = {"model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024, "vocab_size": 50257}
LLAMA3_8B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "rope_theta": 500000.0,
}
STARCODER = {
    "model_type": "gpt_bigcode",
    "n_layer": 40,
    "n_head": 48,
    "n_embd": 6144,
    "n_inner": 24576,
    "n_positions": 8192,
    "vocab_size": 49152,
    "multi_query": True,
}
MISTRAL_7B = {
    "model_type": "mistral",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
    "max_position_embeddings": 32768,
    "sliding_window": 4096,
}
QWEN3_0_6B = {
    "model_type": "qwen3",
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": True,
}


@pytest.fixture
def written(tmp_path):
    def write(values):
        path = tmp_path / "config.json"
        path.write_text(values if isinstance(values, str) else json.dumps(values))
        return path

    return write


@pytest.mark.parametrize(
    ("values", "family", "params", "seq_len"),
    [
        (GPT2, "gpt", 124_439_808, 1024),
        (LLAMA3_8B, "llama", 8_030_261_248, 8192),
        (STARCODER, "gpt", 15_517_456_384, 8192),
        (MISTRAL_7B, "llama", 7_241_732_096, 32768),
        (QWEN3_0_6B, "llama", 596_049_920, 40960),
    ],
    ids=lambda value: value.get("model_type") if isinstance(value, dict) else None,
)
def test_released_models_count_as_their_weights_do(written, values, family, params, seq_len):
    arch, context = read_config(written(values))
    assert (arch.family, arch.params().total, context) == (family, params, seq_len)


def test_defaults_are_those_of_the_library(written):
    old = {key: value for key, value in LLAMA3_8B.items() if key not in ("num_key_value_heads", "tie_word_embeddings")}
    arch, _ = read_config(written({**old, "head_dim": None}))
    assert (arch.n_kv_heads, arch.head_dim, arch.tied_embedding) == (32, 128, False)
    arch, _ = read_config(written(GPT2))
    assert (arch.d_ff, arch.tied_embedding) == (3072, True)


@pytest.mark.parametrize("missing", [key for key in LLAMA3_8B if key not in ("rope_theta", "tie_word_embeddings")])
def test_a_missing_field_is_named(written, missing):
    values = {key: value for key, value in LLAMA3_8B.items() if key != missing}
    if missing == "num_key_value_heads":
        assert read_config(written(values))[0].n_kv_heads == 32
        return
    with pytest.raises(InputError, match=f"config.json: {missing}: missing"):
        read_config(written(values))


def test_a_window_of_all_layers_is_counted(written):
    arch, context = read_config(written(MISTRAL_7B))
    # 2 x 32 layers x 1,024 wide x 4,096 tokens x 2 bytes; 6 x 7,110,393,856 + 12 x 32 x 4,096 x 4,096
    assert kv_cache_bytes(arch, context) == 2**29
    assert flops_per_token(arch, context) == 6 * 7_110_393_856 + 12 * 32 * 4096 * 4096
    whole, _ = read_config(written({**MISTRAL_7B, "sliding_window": None}))
    assert (whole.sliding_window, kv_cache_bytes(whole, context)) == (None, 2**32)
    assert flops_per_token(whole, 4096) == flops_per_token(arch, 4096)
    assert arch.params() == whole.params()
    assert Architecture.from_json(arch.as_json()) == arch
    assert "sliding_window" not in whole.as_json()


@pytest.mark.parametrize(
    ("values", "window"),
    [
        ({key: value for key, value in MISTRAL_7B.items() if key != "sliding_window"}, 4096),  # the library's default
        ({**MISTRAL_7B, "sliding_window": None}, None),
        ({**LLAMA3_8B, "sliding_window": 4096}, None),  # which Llama's code does not read
        ({**QWEN3_0_6B, "sliding_window": 4096, "use_sliding_window": False}, None),
        ({**QWEN3_0_6B, "sliding_window": 4096, "use_sliding_window": True, "max_window_layers": 0}, 4096),
        ({**MISTRAL_7B, "layer_types": ["full_attention"] * 32}, None),
        ({**MISTRAL_7B, "layer_types": ["sliding_attention"] * 32}, 4096),
    ],
)
def test_a_window_is_read_where_the_model_has_one(written, values, window):
    assert read_config(written(values))[0].sliding_window == window


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({**QWEN3_0_6B, "sliding_window": 4096, "use_sliding_window": True}, "use_sliding_window: no family has"),
        ({**MISTRAL_7B, "layer_types": ["full_attention", "sliding_attention"]}, "layer_types: no family has"),
        ({**MISTRAL_7B, "sliding_window": 0}, "sliding_window: expected a whole number of at least 1, got 0"),
    ],
)
def test_a_window_of_some_layers_is_refused_by_name(written, values, message):
    with pytest.raises(InputError, match=message):
        read_config(written(values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("{", "expected JSON as Hugging Face writes it"),
        ([1], "expected a JSON object, got list"),
        ({}, "model_type: missing; expected one of llama, mistral"),
        ({"model_type": "mamba"}, "expected one of llama, .*gpt_bigcode, got 'mamba'; give the shape by options"),
        ({**LLAMA3_8B, "attention_bias": True}, "attention_bias: no family has True, only False"),
        ({**LLAMA3_8B, "hidden_size": "wide"}, "hidden_size: expected a whole number of at least 1, got 'wide'"),
        ({**LLAMA3_8B, "num_key_value_heads": 5}, "n_kv_heads: expected a divisor of n_heads=32, got 5"),
        ({**GPT2, "n_head": 7}, "n_embd: expected a multiple of n_head=7, got 768"),
        ({**GPT2, "add_cross_attention": True}, "add_cross_attention"),
        ({"model_type": "mistral", "hidden_size": 0}, "7 problems"),
    ],
)
def test_a_config_of_no_family_is_refused(written, values, message):
    with pytest.raises(InputError, match=message):
        read_config(written(values))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file; expected a config.json, or the name of a published model"):
        read_config(tmp_path / "config.json")
