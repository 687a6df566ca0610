"""Printing of what transformers counted of a model that no reader of isoflop's knows."""

from __future__ import annotations

import math

import click

from isoflop.arch.composed.model import STATE_BYTES
from isoflop.arch.huggingface.by_library import LibraryCount
from isoflop.arch.memory import DTYPE_BYTES
from isoflop.cli.output.count_composed import Use
from isoflop.cli.output.tables import print_facts, print_table
from isoflop.codec import JsonObject, to_json
from isoflop.units import format_bytes, format_flops


def library_json(model: LibraryCount, seq_len: int, use: Use) -> JsonObject:
    """The account of `model` at a context of `seq_len` tokens; null what transformers does not say."""
    return {
        "model_type": model.kind,
        "counted_by": f"transformers {model.version}",
        "seq_len": seq_len,
        "params": {
            "total": model.params,
            "non_embedding": model.non_embedding,
            "by_role": {"embedding": model.embedding, "output_head": model.output_head},
        },
        "active_params": None,
        "flops_per_token": to_json(model.flops_by_convention(seq_len)),
        "memory_bytes": to_json(_memory(model, use)),
        "batch": use.batch,
        "optimizer": use.optimizer,
        "layers": None,
        "devices": None,
        "warnings": to_json(model.notices),
    }


def print_library_count(model: LibraryCount, seq_len: int, use: Use, *, title: str) -> None:
    """Prints parameters, FLOPs where they could be counted, and memory without the cache."""
    memory = _memory(model, use)
    facts = [
        ("Model", f"{model.kind}, counted by transformers {model.version}"),
        ("", f"vocabulary {model.vocab_size}, context {seq_len}"),
        ("Parameters", f"{model.params:,}"),
        ("  embedding", f"{model.embedding:,}"),
        ("  output head", f"{model.output_head:,}" if model.output_head else "the embedding"),
        ("  non-embedding", f"{model.non_embedding:,}"),
        ("To train", f"{format_bytes(memory['train_state'])}: 16 bytes a parameter, without activations"),
        ("To serve", f"{format_bytes(memory['serve_weights'])} of weights; the cache is not known"),
    ]
    print_facts(facts, title=title)
    click.echo()
    flops = model.flops_by_convention(seq_len)
    rows = [[name, format_flops(value), f"{value / flops['six_n']:.3f}"] for name, value in flops.items()]
    print_table(["Training FLOPs per token", "FLOPs", "of 6 N"], rows)


def _memory(model: LibraryCount, use: Use) -> dict[str, int]:
    """Bytes of the state of AdamW, and of the served weights."""
    weights = math.ceil(model.params * DTYPE_BYTES[use.weights])
    return {"train_state": STATE_BYTES * model.params, "serve_weights": weights}
