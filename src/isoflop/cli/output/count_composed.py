"""Printing of the account of a model as its configuration describes it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import click

from isoflop.arch.composed.model import AnyAttention, AnyFeedForward, ComposedModel
from isoflop.arch.composed.parts import Attention, Experts
from isoflop.arch.layout import HiddenOptimizer
from isoflop.arch.memory import DTYPE_BYTES
from isoflop.arch.tensors import PARAMS_CONVENTIONS, ParamCount
from isoflop.cli.output.tables import print_facts, print_table
from isoflop.codec import JsonObject, to_json
from isoflop.units import format_bytes, format_flops

_STATE = {"adamw": "16 bytes a parameter", "muon": "16 bytes a parameter, of hidden matrices 12"}


@dataclass(frozen=True, kw_only=True)
class Use:
    """With which optimiser a model is trained, and in which formats how many sequences are served."""

    batch: int
    weights: str
    """As `cache`, a name in DTYPE_BYTES."""
    cache: str
    optimizer: HiddenOptimizer


def composed_json(model: ComposedModel, seq_len: int, use: Use) -> JsonObject:
    """The account of `model` at a context of `seq_len` tokens."""
    memory = _memory(model, seq_len, use)
    return {
        "model_type": model.kind,
        "seq_len": seq_len,
        "params": _sizes(model.params()),
        "active_params": _sizes(model.active_params()),
        "flops_per_token": to_json(model.flops_by_convention(seq_len)),
        "memory_bytes": to_json(memory),
        "batch": use.batch,
        "optimizer": use.optimizer,
        "layers": [{"count": count, **_layer_json(*key)} for key, count in _kinds_of_layers(model).items()],
        "devices": None,
        "warnings": to_json(model.notices),
    }


def _layer_json(attention: AnyAttention, part: AnyFeedForward) -> JsonObject:
    """The parts of a layer by the names of their fields."""
    return {"attention": to_json(attention), "feed_forward": to_json(part)}


def print_composed(model: ComposedModel, seq_len: int, use: Use, *, title: str) -> None:
    """Prints parameters, all and those that a token uses, FLOPs and memory."""
    stored, active = model.params(), model.active_params()
    memory = _memory(model, seq_len, use)
    texts = "one sequence" if use.batch == 1 else f"{use.batch} sequences"
    facts = [("Model", f"{model.kind}, {len(model.layers)} layers of {model.d_model}")]
    facts += [("", f"{count} x {_words(*key)}") for key, count in _kinds_of_layers(model).items()]
    facts += [
        ("", f"vocabulary {model.vocab_size}, context {seq_len}"),
        ("Parameters", f"{stored.total:,}"),
        *([] if active == stored else [("  a token uses", f"{active.total:,}, the table of the embedding among them")]),
        *((f"  {role.replace('_', ' ')}", f"{count:,}") for role, count in stored.by_role().items() if count),
        ("  non-embedding", _both(stored.non_embedding, active.non_embedding)),
        ("  in products", _both(stored.matmul, active.matmul)),
        ("To train", f"{format_bytes(memory['train_state'])}: {_STATE[use.optimizer]}, without activations"),
        (
            "To serve",
            f"{format_bytes(memory['serve'])}: {format_bytes(memory['serve_weights'])} of weights, "
            f"{format_bytes(memory['serve_kv_cache'])} of cache for {texts}",
        ),
    ]
    print_facts(facts, title=title)
    click.echo()
    used = 6 * active.total
    print_table(
        ["Training FLOPs per token", "FLOPs", "of 6 N" if active == stored else "of 6 N active"],
        [
            [name, format_flops(value), f"{value / used:.3f}"]
            for name, value in model.flops_by_convention(seq_len).items()
        ],
    )


def _both(stored: int, active: int) -> str:
    return f"{stored:,}" if active == stored else f"{stored:,}; a token uses {active:,}"


def _sizes(count: ParamCount) -> JsonObject:
    sizes = {convention: count.by_convention(convention) for convention in PARAMS_CONVENTIONS}
    return {**sizes, "by_role": to_json(count.by_role())}


def _memory(model: ComposedModel, seq_len: int, use: Use) -> dict[str, int]:
    weights = model.weight_bytes(DTYPE_BYTES[use.weights])
    cache = model.cache_bytes(seq_len, use.batch, DTYPE_BYTES[use.cache])
    return {
        "train_state": model.state_bytes(use.optimizer),
        "serve": weights + cache,
        "serve_weights": weights,
        "serve_kv_cache": cache,
    }


def _kinds_of_layers(model: ComposedModel) -> Counter[tuple[AnyAttention, AnyFeedForward]]:
    return Counter((layer.attention, layer.feed_forward) for layer in model.layers)


def _words(attention: AnyAttention, part: AnyFeedForward) -> str:
    if isinstance(attention, Attention):
        heads = f"{attention.n_heads} heads of {attention.head_dim}"
        if attention.n_kv_heads != attention.n_heads:
            heads += f" ({attention.n_kv_heads} for keys and values)"
        if attention.window is not None:
            heads += f" over {attention.window} tokens"
    else:
        heads = f"{attention.n_heads} heads over a cached vector of {attention.kv_rank + attention.rotary_dim}"
    if isinstance(part, Experts):
        shared = "" if part.shared is None else f" and a shared part of {part.shared.width}"
        return f"{heads}, {part.active} of {part.total} experts of {part.expert.width}{shared}"
    return f"{heads}, feed-forward {part.width}"
