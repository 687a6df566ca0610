"""Readers of models whose configurations have names of their own: GPT-2, StarCoder, Falcon, OPT."""

from __future__ import annotations

from isoflop.arch.composed.model import ComposedModel, Layer
from isoflop.arch.composed.parts import Attention, FeedForward
from isoflop.arch.huggingface.config import Config

_OPT_OFFSET = 2
"""Rows of OPT's table of positions beyond the longest context."""


def gpt2(config: Config) -> ComposedModel:
    """GPT-2, and StarCoder with one head of keys and values."""
    config.must_be_false("add_cross_attention")
    width, heads = config.number("n_embd"), config.number("n_head")
    if width % heads:
        config.problems.append(f"n_embd: expected a multiple of n_head={heads}, got {width}")
    one = config.kind == "gpt_bigcode" and config.flag("multi_query", True)
    config.get("num_key_value_heads")  # follows from `multi_query`
    positions = config.number("n_positions")
    attention = Attention(
        n_heads=heads,
        n_kv_heads=1 if one else heads,
        head_dim=max(1, width // heads),
        query_bias=True,
        output_bias=True,
    )
    part = FeedForward(width=config.number("n_inner", 4 * width), gated=False, bias=True)
    return ComposedModel(
        kind=config.kind,
        d_model=width,
        vocab_size=config.number("vocab_size"),
        layers=(Layer(attention=attention, feed_forward=part, norm_vectors=4),) * config.number("n_layer"),
        tied_embedding=config.flag("tie_word_embeddings", True),
        context=positions,
        end_vectors=2,
        n_positions=positions,
    )


def falcon(config: Config) -> ComposedModel:
    """Falcon: no biases but those of the norms; 7B has one head of keys and values and one norm a layer."""
    width, heads = config.number("hidden_size"), config.number("num_attention_heads")
    newer, parallel = config.flag("new_decoder_architecture", False), config.flag("parallel_attn", True)
    one, keys = config.flag("multi_query", True), config.number("num_kv_heads", heads)
    norms = config.get("num_ln_in_parallel_attn")
    count = (2 if norms is None else norms) if newer else 1 if parallel else 2
    if count not in (1, 2):
        config.problems.append(f"num_ln_in_parallel_attn: expected 1 or 2, got {norms!r}")
    bias = config.flag("bias", False)
    config.flag("alibi", False)
    attention = Attention(
        n_heads=heads,
        n_kv_heads=keys if newer else 1 if one else heads,
        head_dim=max(1, width // heads),
        query_bias=bias,
        output_bias=bias,
    )
    part = FeedForward(width=config.number("ffn_hidden_size", 4 * width), gated=False, bias=bias)
    layer = Layer(attention=attention, feed_forward=part, norm_vectors=4 if count == 2 else 2)
    return ComposedModel(
        kind=config.kind,
        d_model=width,
        vocab_size=config.number("vocab_size"),
        layers=(layer,) * config.number("num_hidden_layers"),
        tied_embedding=config.flag("tie_word_embeddings", True),
        context=config.number("max_position_embeddings", 2048),
        end_vectors=2,
    )


def opt(config: Config) -> ComposedModel:
    """OPT: learned positions; 350M has a narrow embedding and no last norm."""
    width, heads = config.number("hidden_size"), config.number("num_attention_heads")
    bias, affine = config.flag("enable_bias", True), config.flag("layer_norm_elementwise_affine", True)
    last = config.flag("do_layer_norm_before", True) and not config.flag("_remove_final_layer_norm", False)
    context = config.number("max_position_embeddings")
    attention = Attention(
        n_heads=heads, n_kv_heads=heads, head_dim=max(1, width // heads), query_bias=bias, output_bias=bias
    )
    part = FeedForward(width=config.number("ffn_dim"), gated=False, bias=bias)
    layer = Layer(attention=attention, feed_forward=part, norm_vectors=4 if affine else 0)
    return ComposedModel(
        kind=config.kind,
        d_model=width,
        vocab_size=config.number("vocab_size"),
        layers=(layer,) * config.number("num_hidden_layers"),
        tied_embedding=config.flag("tie_word_embeddings", True),
        context=context,
        end_vectors=2 if last and affine else 0,
        n_positions=context + _OPT_OFFSET,
        embedding_dim=config.number("word_embed_proj_dim", width),
    )
