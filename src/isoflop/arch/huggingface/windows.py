"""Which layers of a configuration have a window, and which have experts."""

from __future__ import annotations

from isoflop.arch.huggingface.config import Config
from isoflop.errors import quoted

_FULL_LAYERS = 28
"""`max_window_layers` of transformers' Qwen configs where a file has none: layers below it see the whole context."""
_CHUNK = 8192
"""`attention_chunk_size` of transformers' Llama4TextConfig where a file has none."""
_WINDOWED = ("sliding_attention", "chunked_attention")
_KNOWN = (*_WINDOWED, "full_attention")


def windows(config: Config, layers: int, *, default: int | None, pattern: int | None = None) -> list[int | None]:
    """The window of each of `layers` layers in tokens, None where all previous tokens are seen.

    `layer_types` decides where a file has it; else every layer but each `pattern`-th has the window, without a pattern
    all of them. `default` is the window of the library's own config where the file has none.
    """
    stated = config.get("sliding_window", default)
    types = _layer_types(config, layers)
    if stated is None:
        return [None] * layers
    window = config.number("sliding_window", default)
    if types is None:
        return [None if pattern and (layer + 1) % pattern == 0 else window for layer in range(layers)]
    return _by_types(types, window)


def no_windows(config: Config, layers: int) -> list[int | None]:
    """Of models whose code knows no window, whatever `sliding_window` says."""
    config.get("sliding_window")
    types = _layer_types(config, layers)
    if types is not None and set(types) & set(_WINDOWED):
        config.problems.append(f"layer_types: layers with a window, and models of type {config.kind} have none")
    return [None] * layers


def qwen_windows(config: Config, layers: int) -> list[int | None]:
    """Of Qwen: windows only with `use_sliding_window`, then in the layers from `max_window_layers` on."""
    used, types = config.flag("use_sliding_window", False), _layer_types(config, layers)
    below = config.get("max_window_layers", _FULL_LAYERS)
    stated = config.get("sliding_window")
    if not used or stated is None:
        if types is not None and set(types) & set(_WINDOWED):
            config.problems.append("layer_types: layers with a window, and use_sliding_window is false")
        return [None] * layers
    window = config.number("sliding_window")
    if types is not None:
        return _by_types(types, window)
    if not isinstance(below, int) or isinstance(below, bool) or below < 0:
        config.problems.append(f"max_window_layers: expected a whole number of at least 0, got {below!r}")
        return [None] * layers
    return [None if layer < below else window for layer in range(layers)]


def llama4_windows(config: Config, layers: int) -> list[int | None]:
    """Of Llama 4: layers with rotary positions attend within chunks of the context, three of four by default."""
    chunk = config.get("attention_chunk_size", _CHUNK)
    types, rotary = _layer_types(config, layers), config.get("no_rope_layers")
    if chunk is None:
        return [None] * layers
    size = config.number("attention_chunk_size", _CHUNK)
    if types is not None:
        return _by_types(types, size)
    if isinstance(rotary, list) and rotary:
        if len(rotary) != layers:
            config.problems.append(f"no_rope_layers: expected one entry a layer, {layers}, got {len(rotary)}")
        return [size if entry else None for entry in rotary]
    return [None if (layer + 1) % 4 == 0 else size for layer in range(layers)]


def expert_layers(config: Config, layers: int) -> list[bool]:
    """Which layers have experts: every `decoder_sparse_step`-th but those of `mlp_only_layers` (Qwen)."""
    step = config.number("decoder_sparse_step", 1)
    dense = config.get("mlp_only_layers", [])
    if not isinstance(dense, list | None) or not all(isinstance(layer, int) for layer in dense or ()):
        config.problems.append(f"mlp_only_layers: expected a list of numbers of layers, got {quoted(dense)}")
    without = dense if isinstance(dense, list) else []
    return [layer not in without and (layer + 1) % step == 0 for layer in range(layers)]


def check_expert_layers(config: Config, found: list[bool]) -> None:
    """A problem where `mlp_layer_types`, which newer files have too, is not what the other fields say of each layer."""
    types = config.words("mlp_layer_types")
    if types is not None and types != ["sparse" if has else "dense" for has in found]:
        config.problems.append(
            f"mlp_layer_types: {quoted(types)} is not what the other fields say: {sum(found)} of {len(found)} layers "
            "with experts"
        )


def _layer_types(config: Config, layers: int) -> list[str] | None:
    """The kind of attention of each layer; None where the file has none. Another kind than windows is a problem."""
    types = config.words("layer_types")
    if types is None:
        return None
    unknown = sorted(set(types) - set(_KNOWN))
    if unknown:
        config.problems.append(f"layer_types: expected {', '.join(_KNOWN)}, got {', '.join(unknown)}")
    if len(types) != layers:
        config.problems.append(f"layer_types: expected one entry a layer, {layers}, got {len(types)}")
    return types


def _by_types(types: list[str], window: int) -> list[int | None]:
    return [window if kind in _WINDOWED else None for kind in types]
