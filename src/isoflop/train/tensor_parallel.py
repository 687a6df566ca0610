"""How each tensor of a model is divided over the processes of a tensor-parallel group (Shoeybi et al. 2019, section 3).

Fused matrices are cut into slices that are split one by one: queries, keys and values by heads, gate and up by columns
of the feed-forward. Splitting the fused rows evenly would give one process queries and another keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from isoflop.arch import FAMILIES, Architecture, TensorShape
from isoflop.arch.layout import Layout
from isoflop.errors import InputError

Split = Literal["rows", "columns", "whole"]
"""Each process holds a share of the rows (outputs), a share of the columns (inputs), or the whole."""

Used = Literal["all", "own", "head"]
"""Rows that a process uses of what it holds: all; of a whole bias, those of its own columns (`own`); of keys and values
with fewer heads than processes, the one head that its queries share (`head`)."""

# Column-parallel linear layers in Shoeybi et al.'s words: outputs are split, inputs replicated.
_ROWS = ("relative_key", "feed_forward_in", "expert_in")
_OWN_BIAS = ("attention_in_bias", "feed_forward_in_bias", "output_bias")
# Row-parallel layers: inputs are split, and the outputs are partial sums.
_COLUMNS = ("attention_out", "feed_forward_out", "expert_out")
# Whole, and used by each process for its own heads, or for its own columns of the experts.
_PER_HEAD = ("query_norm", "key_norm", "content_bias", "position_bias", "router")
_VOCABULARY = ("embedding", "output_head")
# Used in full on the replicated residual stream: every process computes the same with them, and the same gradient.
_REPLICATED = (
    "position_embedding", "attention_norm", "attention_norm_bias",
    "feed_forward_norm", "feed_forward_norm_bias", "attention_out_bias", "feed_forward_out_bias", "final_norm",
    "final_norm_bias",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TensorSlice:
    """Rows of one tensor that are a parameter of their own in a run of several processes."""

    tensor: str
    """Name of the tensor, as in `Architecture.tensors`."""
    name: str
    """Name of the slice: the tensor's, with `_query`, `_key`, `_value`, `_gate` or `_up` where it is cut."""
    start: int
    stop: int
    """Rows `start` to `stop` - 1 of the tensor."""
    split: Split
    summed: bool = False
    """Whether it is whole but used by each process for its own heads, so that its gradient is the sum over processes.
    Taking one process's gradient for the whole would train too, and wrongly."""
    used: Used = "all"


def check_split(arch: Architecture, layout: Layout) -> None:
    """Raises InputError where the matrices of `arch` do not split over `layout.tensor` processes."""
    layout.check(arch)
    ways, problems = layout.tensor, []
    if ways == 1:
        return
    if arch.d_ff % ways:
        problems.append(f"tensor: expected a divisor of d_ff={arch.d_ff}, got {ways}")
    if arch.n_kv_heads % ways and ways % arch.n_kv_heads:
        problems.append(f"tensor: expected a divisor or a multiple of n_kv_heads={arch.n_kv_heads}, got {ways}")
    known = {*_ROWS, *_OWN_BIAS, *_COLUMNS, *_PER_HEAD, *_VOCABULARY, *_REPLICATED, "attention_in"}
    for tensor in arch.tensors():
        last = _kind(tensor)
        if last not in known:
            problems.append(f"tensor: {last} of family {arch.family} has no way to be split; expected 1, got {ways}")
        if not problems:
            problems += [
                f"sharded: expected a divisor of d_model={arch.d_model} or of {(part.stop - part.start) // ways}, "
                f"what one of {ways} processes has of the rows of {last}, got {layout.sharded}"
                for part in slices_of(arch, tensor, ways)
                if shard_dimension(arch, part, layout) is None
            ]
    if problems:
        raise InputError.gathered("layout", dict.fromkeys(problems))


def shard_dimension(arch: Architecture, part: TensorSlice, layout: Layout) -> int | None:
    """The dimension along which FSDP shards `part`, already split over `layout.tensor`; None if neither divides.

    Rows, unless tensor parallelism has split them already and the rest does not divide evenly: then columns.
    """
    if part.split != "rows" or (part.stop - part.start) // layout.tensor % layout.sharded == 0:
        return 0
    return 1 if arch.d_model % layout.sharded == 0 else None


def _kind(tensor: TensorShape) -> str:
    """The last part of its name, without the number of an expert."""
    return re.sub(r"_\d+_", "_", tensor.name.rsplit(".", 1)[-1])


def vocabulary_splits(arch: Architecture, ways: int) -> bool:
    """Whether each of `ways` processes holds a share of the vocabulary; else each holds all and computes all logits."""
    return ways > 1 and arch.vocab_size % ways == 0


def local_architecture(arch: Architecture, ways: int) -> Architecture:
    """The shape with the heads and feed-forward columns of one of `ways` processes, of every expert's too."""
    return replace(
        arch, n_heads=arch.n_heads // ways, n_kv_heads=max(1, arch.n_kv_heads // ways), d_ff=arch.d_ff // ways
    )


def slices_of(arch: Architecture, tensor: TensorShape, ways: int) -> tuple[TensorSlice, ...]:
    """The slices of `tensor` in the order of its rows; their names and rows do not depend on `ways`, the processes."""
    last = _kind(tensor)
    rows = tensor.shape[0]
    whole = TensorSlice(tensor=tensor.name, name=tensor.name, start=0, stop=rows, split="whole")
    # Biases stay whole: they are too small to be worth a split, and have no second dimension to be sharded along, see
    # shard_dimension. Each process uses its own rows, so that the gradients of all make up the whole's.
    own = replace(whole, used="own", summed=True) if last in _OWN_BIAS else replace(whole, split="rows")
    if last.startswith("attention_in"):
        return tuple(_heads(arch, own, ways))
    if last.startswith(("feed_forward_in", "expert_in")) and FAMILIES[arch.family].gated_feed_forward:
        half = rows // 2
        return replace(own, name=f"{tensor.name}_gate", stop=half), replace(own, name=f"{tensor.name}_up", start=half)
    if last in ("embedding", "output_head", "output_bias"):
        return (own if vocabulary_splits(arch, ways) else whole,)
    if last in (*_ROWS, *_OWN_BIAS):
        return (own,)
    return (replace(whole, split="columns") if last in _COLUMNS else replace(whole, summed=last in _PER_HEAD),)


def _heads(arch: Architecture, own: TensorSlice, ways: int) -> Iterator[TensorSlice]:
    queries, keys = arch.attention_width, arch.attention_width + arch.kv_width
    yield replace(own, name=f"{own.name}_query", stop=queries)
    # fewer key heads than processes: each holds all of them and computes with the one that its queries share
    if arch.n_kv_heads % ways:
        own = replace(own, split="whole", used="head", summed=True)
    yield replace(own, name=f"{own.name}_key", start=queries, stop=keys)
    yield replace(own, name=f"{own.name}_value", start=keys)


def used_rows(arch: Architecture, part: TensorSlice, ways: int, rank: int) -> slice:
    """Rows that process `rank` of `ways` uses of what it holds of `part`."""
    if part.used == "head":
        head = rank * arch.n_kv_heads // ways
        return slice(head * arch.head_dim, (head + 1) * arch.head_dim)
    each = (part.stop - part.start) // ways
    return slice(rank * each, (rank + 1) * each) if part.used == "own" else slice(None)
