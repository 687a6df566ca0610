"""Released models by their configurations: parameters as transformers counts them, and what published counts say."""

import json

import pytest

from isoflop.arch.huggingface import read_config, read_model
from isoflop.arch.huggingface.exact import EXACT_READERS
from isoflop.arch.huggingface.read import READERS
from isoflop.arch.memory import kv_cache_bytes
from isoflop.errors import InputError
from tests.arch.huggingface.released import RELEASED

BY_NAME = {released.name: released for released in RELEASED}
NAMES = list(BY_NAME)


@pytest.fixture
def read(tmp_path):
    def model(values, **changes):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({**values, **changes}))
        return read_model(path)

    return model


def values_of(name):
    values = BY_NAME[name].values
    return values.get("text_config", values)


@pytest.mark.parametrize("name", NAMES)
def test_published_counts_are_met(read, name):
    released, model = BY_NAME[name], read(BY_NAME[name].values).composed
    count = model.params().total
    assert released.counted in (None, count)
    # makers round to two or three digits, and some count layers that predict further tokens
    assert count == pytest.approx(released.printed, rel=0.014)


@pytest.mark.parametrize("name", NAMES)
def test_transformers_counts_the_same(read, name):
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    values = dict(values_of(name))
    kind = str(values.pop("model_type"))
    config = transformers.AutoConfig.for_model({"kimi_k2": "deepseek_v3"}.get(kind, kind), **values)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    expected = sum(tensor.numel() for tensor in model.parameters())
    assert read(BY_NAME[name].values).composed.params().total == expected


SMALL = {
    "hidden_size": 96,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "num_hidden_layers": 5,
    "vocab_size": 101,
    "intermediate_size": 80,
}
OWN = {
    "gpt_neox": {name: size for name, size in SMALL.items() if name != "num_key_value_heads"},
    "gpt2": {"n_embd": 96, "n_head": 6, "n_layer": 5, "vocab_size": 101, "n_positions": 64},
    "gpt_bigcode": {"n_embd": 96, "n_head": 6, "n_layer": 5, "vocab_size": 101, "n_positions": 64},
    "opt": {"hidden_size": 96, "num_attention_heads": 6, "num_hidden_layers": 5, "ffn_dim": 80, "vocab_size": 101},
    "falcon": {"hidden_size": 96, "num_attention_heads": 6, "num_hidden_layers": 5, "vocab_size": 101},
}
LATENT = {"q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 12}
ROUTED = {"moe_intermediate_size": 24, "n_routed_experts": 8, "num_experts_per_tok": 2, "n_shared_experts": 2}
MORE = {
    "deepseek_v2": LATENT | ROUTED | {"first_k_dense_replace": 2, "attention_bias": True},
    "deepseek_v3": LATENT | ROUTED | {"first_k_dense_replace": 2, "q_lora_rank": None, "n_group": 1, "topk_group": 1},
    "glm4_moe": ROUTED | {"use_qk_norm": True, "attention_bias": True, "head_dim": 20, "n_group": 1, "topk_group": 1},
    "qwen2_moe": {"moe_intermediate_size": 24, "num_experts": 8, "mlp_only_layers": [1], "decoder_sparse_step": 2},
    "qwen3_moe": {"moe_intermediate_size": 24, "num_experts": 8, "head_dim": 20, "attention_bias": True},
    "llama4_text": {
        "num_local_experts": 4,
        "interleave_moe_layer_step": 2,
        "intermediate_size_mlp": 56,
        "head_dim": 20,
    },
    "gpt_oss": {"num_local_experts": 8, "head_dim": 20},
    "mixtral": {"num_local_experts": 4},
    "olmoe": {"num_experts": 8, "attention_bias": True},
    "llama": {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True},
    "gemma3_text": {"head_dim": 20, "attention_bias": True},
    "falcon": {"new_decoder_architecture": True, "num_kv_heads": 3, "bias": True},
    "opt": {"word_embed_proj_dim": 32, "enable_bias": False, "max_position_embeddings": 64},
    "starcoder2": {"use_bias": False},
    "gpt_neox": {"attention_bias": False},
    "qwen3": {"head_dim": 20, "attention_bias": True, "tie_word_embeddings": True},
}


@pytest.mark.parametrize("kind", sorted(set(READERS) - {"kimi_k2", "gemma3", "llama4"}))
@pytest.mark.parametrize("more", [False, True], ids=["plain", "unusual"])
def test_every_kind_counts_as_transformers_does(read, kind, more):
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    needed: dict[str, int | None] = {"pad_token_id": None}
    if kind == "deepseek_v2":
        needed["num_experts_per_tok"] = 2
    values = OWN.get(kind, SMALL) | needed | (MORE.get(kind, {}) if more else {})
    config = transformers.AutoConfig.for_model(kind, **values)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    written = json.loads(config.to_json_string(use_diff=False))
    tied = {"tie_word_embeddings": config.tie_word_embeddings}
    expected = sum(tensor.numel() for tensor in model.parameters())
    assert read(tied | written).composed.params().total == expected


@pytest.mark.parametrize(
    ("name", "kept"),
    [("gpt-oss 20B", 3.61e9), ("gpt-oss 120B", 5.13e9), ("Mixtral 8x7B", 12.88e9), ("OLMoE 1B 7B", 1.28e9)],
)
def test_a_token_uses_as_many_parameters_as_the_makers_print(read, name, kept):
    """gpt-oss counts neither the table of the embedding, of 0.58e9 parameters; the others do."""
    model = read(BY_NAME[name].values).composed
    active = model.active_params()
    used = active.total - (active.embedding if name.startswith("gpt-oss") else 0)
    assert used == pytest.approx(kept, rel=0.005)


def test_experts_are_multiplied_when_chosen_and_stored_all(read):
    model = read(BY_NAME["Mixtral 8x7B"].values).composed
    expert = 3 * 4096 * 14336
    assert model.params().total - model.active_params().total == 32 * 6 * expert
    assert model.flops_per_token(4096) == 6 * model.active_params().matmul + 12 * 32 * 4096 * 4096
    assert model.weight_bytes() == 2 * model.params().total
    assert model.params().matmul - model.active_params().matmul == 32 * 6 * expert


def test_latent_attention_caches_its_narrow_vector(read):
    model = read(BY_NAME["DeepSeek V3"].values).composed
    assert model.cache_bytes(1000) == 61 * (512 + 64) * 1000 * 2  # DeepSeek-AI 2024, 2405.04434, table 1
    assert model.notices[0].code == "part_not_counted"


def test_windows_change_products_and_cache(read):
    values = BY_NAME["gpt-oss 20B"].values
    model = read(values).composed
    windows = [layer.attention.window for layer in model.layers]
    assert windows == [128, None] * 12
    per_layer = 2 * 8 * 64 * 2
    assert model.cache_bytes(4096) == 12 * per_layer * (4096 + 128)
    scores = 12 * 12 * 64 * 64 * (4096 + 128)
    assert model.flops_per_token(4096) == 6 * model.active_params().matmul + scores


def test_a_pattern_and_a_list_of_windows_agree(read):
    values = values_of("OLMo 3 7B")
    by_pattern = read(values).composed
    types = ["full_attention" if layer % 4 == 3 else "sliding_attention" for layer in range(32)]
    assert read(values, layer_types=types).composed == by_pattern
    assert sum(layer.attention.window is None for layer in by_pattern.layers) == 8


@pytest.mark.parametrize("kind", sorted(EXACT_READERS))
def test_a_model_that_a_family_is_has_its_account(read, tmp_path, kind):
    values = OWN.get(kind, SMALL | {"max_position_embeddings": 64}) | {"model_type": kind, "tie_word_embeddings": True}
    found = read(values)
    shape, context = read_config(tmp_path / "config.json")
    assert found.shape == shape
    assert found.composed.params() == shape.params()
    assert found.composed.context == context
    assert found.composed.cache_bytes(context) == kv_cache_bytes(shape, context)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_sliding_window": "false"}, "use_sliding_window: expected true or false, got 'false'"),
        ({"tie_word_embeddings": [0]}, "tie_word_embeddings: expected true or false"),
        ({"mlp_layer_types": ["sparse"] * 28}, "is not what the other fields say: 0 of 28 layers with experts"),
        ({"first_k_dense_replace": 3}, "first_k_dense_replace: 3 may change the count"),
        ({"num_memory_layers": 3}, "num_memory_layers: 3 may change the count, and no reader knows it"),
        ({"layer_types": ["linear_attention"] * 28}, "layer_types: expected sliding_attention, .*got linear_attention"),
        ({"use_sliding_window": True, "sliding_window": 64, "layer_types": ["full_attention"]}, "one entry a layer"),
        ({"num_key_value_heads": 3}, "expected a divisor of 28, got 3"),
        ({"hidden_size": 10**10}, "at most 1,000,000,000"),
        ({"num_hidden_layers": 10**6}, "layers: expected at most 10,000"),
        ({"model_type": "mamba"}, "model_type: expected one of deepseek_v2, .*got 'mamba'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(read, changes, message):
    with pytest.raises(InputError, match=message):
        read(values_of("Qwen2.5 7B"), **changes)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Qwen3 30B A3B", {"mlp_only_layers": "0"}, "mlp_only_layers: expected a list of numbers of layers, got '0'"),
        ("Llama 4 Scout, its language model", {"moe_layers": ["a"]}, "moe_layers: expected a list of numbers"),
    ],
)
def test_lists_of_layers_that_are_none_are_refused(read, name, changes, message):
    with pytest.raises(InputError, match=message):
        read({**values_of(name), **changes})


def test_more_experts_a_token_than_there_are_is_refused(read):
    with pytest.raises(InputError, match="a token is to use 9 of 8"):
        read(values_of("Mixtral 8x7B"), num_experts_per_tok=9)
