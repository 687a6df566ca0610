"""Readers of dense models. Defaults are those of transformers' own config classes, which published files leave out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from isoflop.arch.composed.model import AnyFeedForward, ComposedModel, Layer
from isoflop.arch.composed.parts import Attention, FeedForward, QueryKeyNorm
from isoflop.arch.huggingface.config import Config
from isoflop.arch.huggingface.windows import no_windows, qwen_windows, windows


def attention_of(
    config: Config,
    *,
    kv_default: int | None = None,
    head_dim: int | None = None,
    bias: tuple[bool, bool] = (False, False),
    norm: QueryKeyNorm = "none",
    heads_default: int | None = None,
) -> Attention:
    """Attention under the usual names; `bias` of queries, keys and values, and of the output."""
    heads, width = config.number("num_attention_heads", heads_default), config.number("hidden_size")
    return Attention(
        n_heads=heads,
        n_kv_heads=config.number("num_key_value_heads", kv_default or heads),
        head_dim=config.number("head_dim", head_dim or max(1, width // heads)),
        query_bias=bias[0],
        output_bias=bias[1],
        query_key_norm=norm,
    )


def model_of(
    config: Config,
    attention: Attention,
    feed_forward: AnyFeedForward | Sequence[AnyFeedForward],
    found: Sequence[int | None],
    *,
    tied: bool,
    norm_vectors: int = 2,
    end_vectors: int = 1,
    context: int = 0,
    vocab: int | None = None,
) -> ComposedModel:
    """A model whose layers differ in their window and their feed-forward part only; `found` are the windows."""
    parts = [feed_forward] * len(found) if isinstance(feed_forward, AnyFeedForward) else list(feed_forward)
    layers = tuple(
        Layer(attention=replace(attention, window=window), feed_forward=part, norm_vectors=norm_vectors)
        for window, part in zip(found, parts, strict=False)  # unequal lengths are among the problems by now
    )
    return ComposedModel(
        kind=config.kind,
        d_model=config.number("hidden_size"),
        vocab_size=config.number("vocab_size", vocab),
        layers=layers,
        tied_embedding=config.flag("tie_word_embeddings", tied),
        context=config.number("max_position_embeddings", context or None),
        end_vectors=end_vectors,
    )


def llama(config: Config) -> ComposedModel:
    """Llama, Mistral, SmolLM3, Granite: three matrices with a gate, two norms a layer; biases where they are stated."""
    both, layers = config.flag("attention_bias", False), config.number("num_hidden_layers")
    smol = config.kind == "smollm3"
    config.get("no_rope_layers")  # positions multiply no matrix
    attention = attention_of(config, bias=(both, both))
    part = FeedForward(width=config.number("intermediate_size"), bias=config.flag("mlp_bias", False))
    if config.kind == "mistral":
        found = windows(config, layers, default=4096)
    else:
        found = qwen_windows(config, layers) if smol else no_windows(config, layers)
    return model_of(config, attention, part, found, tied=smol)


def qwen2(config: Config) -> ComposedModel:
    """Qwen 2 and 2.5: biases of queries, keys and values."""
    layers = config.number("num_hidden_layers")
    part = FeedForward(width=config.number("intermediate_size"))
    attention = attention_of(config, kv_default=32, bias=(True, False))
    return model_of(config, attention, part, qwen_windows(config, layers), tied=False)


def qwen3(config: Config) -> ComposedModel:
    """Qwen 3: norms of queries and keys."""
    layers, both = config.number("num_hidden_layers"), config.flag("attention_bias", False)
    part = FeedForward(width=config.number("intermediate_size"))
    attention = attention_of(config, kv_default=32, head_dim=128, bias=(both, both), norm="heads")
    return model_of(config, attention, part, qwen_windows(config, layers), tied=False)


def gemma(config: Config) -> ComposedModel:
    """Gemma 1, 2 and 3: tied, heads of 256; from 2 on two more norms a layer and windows, in 3 norms of queries."""
    generation = {"gemma": 1, "gemma2": 2}.get(config.kind, 3)
    both, layers = config.flag("attention_bias", False), config.number("num_hidden_layers", 26)
    heads, keys = ((16, 16), (8, 4), (8, 4))[generation - 1]
    attention = attention_of(
        config,
        heads_default=heads,
        kv_default=keys,
        head_dim=256,
        bias=(both, both),
        norm="heads" if generation == 3 else "none",
    )
    if generation == 1:
        found = no_windows(config, layers)
    else:
        pattern = 2 if generation == 2 else config.number("_sliding_window_pattern", 6)
        pattern = config.number("sliding_window_pattern", pattern)
        found = windows(config, layers, default=4096, pattern=pattern)
    part = FeedForward(width=config.number("intermediate_size", 9216 if generation > 1 else None))
    norms, newest = 2 if generation == 1 else 4, generation == 3
    return model_of(
        config,
        attention,
        part,
        found,
        tied=True,
        norm_vectors=norms,
        context=131_072 if newest else 0,
        vocab=262_208 if newest else None,
    )


def phi3(config: Config) -> ComposedModel:
    """Phi 3 and 4."""
    layers = config.number("num_hidden_layers")
    part = FeedForward(width=config.number("intermediate_size"))
    return model_of(config, attention_of(config), part, windows(config, layers, default=None), tied=False)


def phi(config: Config) -> ComposedModel:
    """Phi 1 and 2: two matrices and biases everywhere, one norm a layer for both parts."""
    layers = config.number("num_hidden_layers")
    config.must_be_false("qk_layernorm")
    part = FeedForward(width=config.number("intermediate_size"), gated=False, bias=True)
    attention = attention_of(config, bias=(True, True))
    found = no_windows(config, layers)
    model = model_of(config, attention, part, found, tied=False, norm_vectors=2, end_vectors=2)
    return replace(model, head_bias=True)


def olmo(config: Config) -> ComposedModel:
    """OLMo 1, 2 and 3: norms without gains in 1, norms over all queries and keys from 2 on, windows in 3."""
    both, layers = config.flag("attention_bias", False), config.number("num_hidden_layers")
    first = config.kind == "olmo"
    attention = attention_of(config, bias=(both, both), norm="none" if first else "whole")
    part = FeedForward(width=config.number("intermediate_size"))
    found = windows(config, layers, default=4096, pattern=4) if config.kind == "olmo3" else no_windows(config, layers)
    ends = 0 if first else 1
    return model_of(config, attention, part, found, tied=False, norm_vectors=2 * ends, end_vectors=ends)


def glm4(config: Config) -> ComposedModel:
    """GLM 4, dense: four norms a layer, biases of queries, keys and values."""
    layers = config.number("num_hidden_layers")
    attention = attention_of(config, bias=(config.flag("attention_bias", False), False), head_dim=128)
    part = FeedForward(width=config.number("intermediate_size"))
    return model_of(config, attention, part, no_windows(config, layers), tied=False, norm_vectors=4)


def gpt_neox(config: Config) -> ComposedModel:
    """GPT-NeoX and Pythia: two matrices, norms and products with biases."""
    layers, both = config.number("num_hidden_layers"), config.flag("attention_bias", True)
    part = FeedForward(width=config.number("intermediate_size"), gated=False, bias=True)
    heads, width = config.number("num_attention_heads"), config.number("hidden_size")
    attention = Attention(
        n_heads=heads, n_kv_heads=heads, head_dim=max(1, width // heads), query_bias=both, output_bias=both
    )
    return model_of(config, attention, part, no_windows(config, layers), tied=False, norm_vectors=4, end_vectors=2)


def starcoder2(config: Config) -> ComposedModel:
    """StarCoder 2: two matrices, norms and products with biases, tied."""
    layers, both = config.number("num_hidden_layers"), config.flag("use_bias", True)
    part = FeedForward(width=config.number("intermediate_size"), gated=False, bias=both)
    attention = attention_of(config, kv_default=2, bias=(both, both))
    found = windows(config, layers, default=None)
    return model_of(config, attention, part, found, tied=True, norm_vectors=4, end_vectors=2)
