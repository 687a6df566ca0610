"""The shape that a Hugging Face `config.json` describes, where one of the families is exactly that model.

Exactly: the same tensors, hence the same count and the same products. What a family has no tensors for (biases in a
llama, cross-attention, mixtures of experts) is refused by name. A sliding window of all layers is counted in FLOPs and
cache, one of some layers is refused; activation functions and the scaling of rotary positions have no tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from isoflop.arch.architecture import Architecture
from isoflop.arch.huggingface.config import Config

_QWEN_FULL_LAYERS = 28
"""`max_window_layers` of transformers' Qwen3Config where a file has none: layers below it see the whole context."""
_MISTRAL_WINDOW = 4096
"""`sliding_window` of transformers' configs where a file has none; those without a window say null."""


def _sliding_window(config: Config) -> int | None:
    """The window of all layers in tokens, or None; one of some layers only is a problem: a shape's layers are equal.

    Mistral's config has a window unless it is null, Qwen's only with `use_sliding_window`; Llama's code ignores it.
    """
    kind, layers = config.kind, config.values.get("layer_types")
    if isinstance(layers, list) and {"full_attention", "sliding_attention"} <= set(map(str, layers)):
        config.problems.append("layer_types: no family has a sliding window in some layers and none in others")
        return None
    if isinstance(layers, list) and "sliding_attention" not in layers:
        return None
    if kind == "qwen3":
        if not config.flag("use_sliding_window", False):
            return None
        # without `layer_types` the window is that of the layers from `max_window_layers` on: of all only if that is 0
        if not isinstance(layers, list) and config.values.get("max_window_layers", _QWEN_FULL_LAYERS) != 0:
            config.problems.append(
                "use_sliding_window: no family has a window in the layers above max_window_layers only"
            )
            return None
    if kind == "llama" or config.values.get("sliding_window", _MISTRAL_WINDOW) is None:
        return None
    return config.number("sliding_window", _MISTRAL_WINDOW)


def _llama(config: Config) -> partial[Architecture]:
    kind = config.kind
    for name in ("attention_bias", "mlp_bias"):
        config.must_be_false(name)
    heads, width = config.number("num_attention_heads"), config.number("hidden_size")
    # not called yet: only a config without problems becomes a shape
    return partial(
        Architecture,
        family="llama",
        n_layers=config.number("num_hidden_layers"),
        d_model=width,
        n_heads=heads,
        n_kv_heads=config.number("num_key_value_heads", heads if kind == "llama" else None),
        head_dim=config.number("head_dim", 128 if kind == "qwen3" else max(1, width // heads)),
        d_ff=config.number("intermediate_size"),
        vocab_size=config.number("vocab_size"),
        tied_embedding=config.flag("tie_word_embeddings", False),
        without=() if kind == "qwen3" else ("query_key_norm",),
        sliding_window=_sliding_window(config),
    )


def _gpt(config: Config) -> partial[Architecture]:
    config.must_be_false("add_cross_attention")
    width, heads = config.number("n_embd"), config.number("n_head")
    if width % heads:
        config.problems.append(f"n_embd: expected a multiple of n_head={heads}, got {width}")
    multi_query = config.kind == "gpt_bigcode" and config.flag("multi_query", True)
    # not called yet: only a config without problems becomes a shape
    return partial(
        Architecture,
        family="gpt",
        n_layers=config.number("n_layer"),
        d_model=width,
        n_heads=heads,
        n_kv_heads=1 if multi_query else heads,
        head_dim=max(1, width // heads),
        d_ff=config.number("n_inner", 4 * width),
        vocab_size=config.number("vocab_size"),
        tied_embedding=config.flag("tie_word_embeddings", True),
        n_positions=config.number("n_positions"),
    )


# Defaults are those of the library's own config classes, for fields that published files leave out.
EXACT_READERS: dict[str, tuple[Callable[[Config], partial[Architecture]], str]] = {
    "llama": (_llama, "max_position_embeddings"),
    "mistral": (_llama, "max_position_embeddings"),
    "qwen3": (_llama, "max_position_embeddings"),
    "gpt2": (_gpt, "n_positions"),
    "gpt_bigcode": (_gpt, "n_positions"),
}
"""{`model_type`: (its reader, the field of its longest context)}."""
