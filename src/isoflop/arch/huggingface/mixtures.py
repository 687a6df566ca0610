"""Readers of mixtures of experts."""

from __future__ import annotations

from dataclasses import replace

from isoflop.arch.composed.model import AnyFeedForward, ComposedModel, Layer
from isoflop.arch.composed.parts import Experts, FeedForward, LatentAttention, QueryKeyNorm
from isoflop.arch.huggingface.config import Config
from isoflop.arch.huggingface.dense import attention_of, model_of
from isoflop.arch.huggingface.windows import expert_layers, llama4_windows, no_windows, qwen_windows, windows
from isoflop.errors import Notice, quoted


def mixtral(config: Config) -> ComposedModel:
    """Mixtral: every feed-forward part is a mixture."""
    layers = config.number("num_hidden_layers")
    experts = Experts(
        total=config.number("num_local_experts", 8),
        active=config.number("num_experts_per_tok", 2),
        expert=FeedForward(width=config.number("intermediate_size")),
    )
    found = windows(config, layers, default=None)
    return model_of(config, attention_of(config, kv_default=8), experts, found, tied=False)


def olmoe(config: Config) -> ComposedModel:
    """OLMoE: norms over all queries and keys."""
    layers, both = config.number("num_hidden_layers"), config.flag("attention_bias", False)
    experts = Experts(
        total=config.number("num_experts", 64),
        active=config.number("num_experts_per_tok", 8),
        expert=FeedForward(width=config.number("intermediate_size")),
    )
    attention = attention_of(config, bias=(both, both), norm="whole")
    return model_of(config, attention, experts, no_windows(config, layers), tied=False)


def qwen_moe(config: Config) -> ComposedModel:
    """Qwen 1.5, 2 and 3 with experts; up to 2 every token passes a shared part, weighed by a gate."""
    layers, older = config.number("num_hidden_layers"), config.kind == "qwen2_moe"
    shared = config.number("shared_expert_intermediate_size", 5632) if older else 0
    experts = Experts(
        total=config.number("num_experts", config.number("num_local_experts", 60 if older else 128)),
        active=config.number("num_experts_per_tok", 4 if older else 8),
        expert=FeedForward(width=config.number("moe_intermediate_size")),
        shared=FeedForward(width=shared) if older else None,
        shared_gate=older,
    )
    dense = FeedForward(width=config.number("intermediate_size"))
    parts: list[AnyFeedForward] = [experts if has else dense for has in expert_layers(config, layers)]
    both = config.flag("attention_bias", False)
    bias = (config.flag("qkv_bias", True), False) if older else (both, both)
    attention = attention_of(config, bias=bias, norm="none" if older else "heads")
    return model_of(config, attention, parts, qwen_windows(config, layers), tied=False)


def gpt_oss(config: Config) -> ComposedModel:
    """gpt-oss: biases everywhere, sinks, every second layer with a window."""
    layers, both = config.number("num_hidden_layers"), config.flag("attention_bias", True)
    experts = Experts(
        total=config.number("num_local_experts"),
        active=config.number("num_experts_per_tok", 4),
        expert=FeedForward(width=config.number("intermediate_size"), bias=True),
        router_bias=True,
    )
    attention = replace(attention_of(config, kv_default=8, head_dim=64, bias=(both, both)), sinks=True)
    return model_of(config, attention, experts, windows(config, layers, default=128, pattern=2), tied=False)


def llama4(config: Config) -> ComposedModel:
    """Llama 4: one shared expert, mixtures in every layer or in every second, attention in chunks."""
    layers = config.number("num_hidden_layers")
    width = config.number("intermediate_size")
    experts = Experts(
        total=config.number("num_local_experts", 16),
        active=config.number("num_experts_per_tok", 1),
        expert=FeedForward(width=width),
        shared=FeedForward(width=width),
    )
    dense = FeedForward(width=config.number("intermediate_size_mlp", 16_384))
    step, listed = config.number("interleave_moe_layer_step", 1), config.get("moe_layers")
    if not isinstance(listed, list | None) or not all(isinstance(layer, int) for layer in listed or ()):
        config.problems.append(f"moe_layers: expected a list of numbers of layers, got {quoted(listed)}")
    chosen = listed if isinstance(listed, list) and listed else range(step - 1, layers, step)
    parts: list[AnyFeedForward] = [experts if layer in chosen else dense for layer in range(layers)]
    both = config.flag("attention_bias", False)
    config.flag("use_qk_norm", True)  # a norm without gains
    attention = attention_of(config, kv_default=8, head_dim=128, bias=(both, both))
    return model_of(config, attention, parts, llama4_windows(config, layers), tied=False)


def glm4_moe(config: Config) -> ComposedModel:
    """GLM 4.5: dense layers first, then mixtures with shared experts."""
    layers, both = config.number("num_hidden_layers"), config.flag("attention_bias", False)
    norm: QueryKeyNorm = "heads" if config.flag("use_qk_norm", False) else "none"
    attention = attention_of(config, kv_default=8, bias=(both, False), norm=norm)
    model = model_of(config, attention, _dense_first(config, layers, first=1), no_windows(config, layers), tied=False)
    return replace(model, notices=_further_heads(config))


def deepseek(config: Config) -> ComposedModel:
    """DeepSeek V2 and V3, Kimi K2: latent attention, dense layers first, then mixtures with shared experts."""
    layers, bias = config.number("num_hidden_layers"), config.flag("attention_bias", False)
    heads, rank = config.number("num_attention_heads"), config.get("q_lora_rank", 1536)
    # counted by the two ranks: what these state follows from them
    for name in ("num_key_value_heads", "head_dim", "qk_head_dim", "moe_layer_freq"):
        config.get(name)
    if config.get("moe_layer_freq", 1) not in (1, None):
        config.problems.append("moe_layer_freq: expected 1: every layer after the dense ones has experts")
    attention = LatentAttention(
        n_heads=heads,
        kv_rank=config.number("kv_lora_rank", 512),
        query_rank=None if rank is None else config.number("q_lora_rank", 1536),
        plain_dim=config.number("qk_nope_head_dim", 128),
        rotary_dim=config.number("qk_rope_head_dim", 64),
        value_dim=config.number("v_head_dim", 128),
        narrow_bias=bias,
    )
    parts = _dense_first(config, layers, first=0 if config.kind == "deepseek_v2" else 3)
    return ComposedModel(
        kind=config.kind,
        d_model=config.number("hidden_size"),
        vocab_size=config.number("vocab_size"),
        layers=tuple(Layer(attention=attention, feed_forward=part) for part in parts),
        tied_embedding=config.flag("tie_word_embeddings", False),
        context=config.number("max_position_embeddings"),
        notices=_further_heads(config),
    )


def _dense_first(config: Config, layers: int, *, first: int) -> list[AnyFeedForward]:
    """The feed-forward part of each layer: dense in the first `first_k_dense_replace`, by default `first`."""
    stated = config.get("first_k_dense_replace", first)
    if not isinstance(stated, int) or isinstance(stated, bool) or not 0 <= stated <= layers:
        config.problems.append(f"first_k_dense_replace: expected a whole number from 0 to {layers}, got {stated!r}")
        stated = 0
    width, shared = config.number("moe_intermediate_size"), config.get("n_shared_experts", 0)
    if not isinstance(shared, int) or isinstance(shared, bool) or shared < 0:
        config.problems.append(f"n_shared_experts: expected a whole number of at least 0, got {shared!r}")
        shared = 0
    experts = Experts(
        total=config.number("n_routed_experts"),
        active=config.number("num_experts_per_tok"),
        expert=FeedForward(width=width),
        shared=FeedForward(width=shared * width) if shared else None,
    )
    dense = FeedForward(width=config.number("intermediate_size"))
    return [dense if layer < stated else experts for layer in range(layers)]


def _further_heads(config: Config) -> tuple[Notice, ...]:
    """A notice where the weights also have layers that predict further tokens, which are not part of the model."""
    count = config.get("num_nextn_predict_layers", 0)
    if not count:
        return ()
    words = f"num_nextn_predict_layers: {count} layers that predict further tokens while training are not counted"
    return (Notice(code="part_not_counted", message=words),)
