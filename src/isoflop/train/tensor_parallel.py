"""How each tensor of a model is divided over the processes that every matrix is split over.

Fused matrices are cut into the parts that are split one by one: queries, keys and values by heads, gate and up by
columns of the feed-forward. Splitting the fused rows evenly would hand one process queries and another keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from isoflop.arch import FAMILIES, Architecture, TensorShape
from isoflop.arch.layout import Layout
from isoflop.errors import InputError

Split = Literal["rows", "columns", "whole"]
"""Each process has a share of the rows (outputs), of the columns (inputs), or all."""

Used = Literal["all", "own", "head"]
"""Rows that a process uses of what it holds: all; of a bias that is whole, those of its own columns; or of keys and
values of fewer heads than processes, the one head that its queries share."""

_ROWS = ("relative_key", "feed_forward_in")
_OWN_BIAS = ("attention_in_bias", "feed_forward_in_bias", "output_bias")
_COLUMNS = ("attention_out", "feed_forward_out")
_PER_HEAD = ("query_norm", "key_norm", "content_bias", "position_bias")
_VOCABULARY = ("embedding", "output_head")
_ALIKE = (
    "position_embedding", "attention_norm", "attention_norm_bias",
    "feed_forward_norm", "feed_forward_norm_bias", "attention_out_bias", "feed_forward_out_bias", "final_norm",
    "final_norm_bias",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TensorSlice:
    """Rows of one tensor that are a parameter of their own in a run of many processes."""

    tensor: str
    """Name of the tensor, as in `Architecture.tensors`."""
    name: str
    """Its own: the tensor's, with `_query`, `_key`, `_value`, `_gate` or `_up` where it is cut."""
    start: int
    stop: int
    """Rows start to stop - 1 of the tensor."""
    split: Split
    summed: bool = False
    """Whole, but each process uses it for its own heads: its gradient is the sum of theirs. Taking one process's for
    the whole trains too, and wrongly."""
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
    known = {*_ROWS, *_OWN_BIAS, *_COLUMNS, *_PER_HEAD, *_VOCABULARY, *_ALIKE, "attention_in"}
    for tensor in arch.tensors():
        last = tensor.name.rsplit(".", 1)[-1]
        if last not in known:
            problems.append(f"tensor: {last} of family {arch.family} has no way to be split; expected 1, got {ways}")
        if not problems:
            problems += [
                f"sharded: expected a divisor of d_model={arch.d_model} or of {(piece.stop - piece.start) // ways}, "
                f"what one of {ways} processes has of the rows of {last}, got {layout.sharded}"
                for piece in slices_of(arch, tensor, ways)
                if shard_dimension(arch, piece, layout) is None
            ]
    if problems:
        raise InputError.gathered("layout", dict.fromkeys(problems))


def shard_dimension(arch: Architecture, piece: TensorSlice, layout: Layout) -> int | None:
    """The dimension along which FSDP shards `piece`, which is split over `layout.tensor` before; None: neither.

    Rows, but where they are split already and what is left of them does not divide evenly: then columns.
    """
    if piece.split != "rows" or (piece.stop - piece.start) // layout.tensor % layout.sharded == 0:
        return 0
    return 1 if arch.d_model % layout.sharded == 0 else None


def vocabulary_splits(arch: Architecture, ways: int) -> bool:
    """Whether each of `ways` processes holds its share of the tokens; else each holds, and computes, all of them."""
    return ways > 1 and arch.vocab_size % ways == 0


def local_architecture(arch: Architecture, ways: int) -> Architecture:
    """The heads and columns that one of `ways` processes computes with."""
    return replace(
        arch, n_heads=arch.n_heads // ways, n_kv_heads=max(1, arch.n_kv_heads // ways), d_ff=arch.d_ff // ways
    )


def slices_of(arch: Architecture, tensor: TensorShape, ways: int) -> tuple[TensorSlice, ...]:
    """The pieces of `tensor` in the order of its rows; names and rows do not depend on `ways`, the processes."""
    last = tensor.name.rsplit(".", 1)[-1]
    rows = tensor.shape[0]
    whole = TensorSlice(tensor=tensor.name, name=tensor.name, start=0, stop=rows, split="whole")
    # biases are too small to be worth a split, and one dimension may not divide evenly once more, see shard_dimension
    own = replace(whole, used="own", summed=True) if last in _OWN_BIAS else replace(whole, split="rows")
    if last.startswith("attention_in"):
        return tuple(_heads(arch, own, ways))
    if last.startswith("feed_forward_in") and FAMILIES[arch.family].gated_feed_forward:
        gate = replace(own, name=f"{tensor.name}_gate", stop=arch.d_ff)
        return gate, replace(own, name=f"{tensor.name}_up", start=arch.d_ff)
    if last in ("embedding", "output_head", "output_bias"):
        return (own if vocabulary_splits(arch, ways) else whole,)
    if last in (*_ROWS, *_OWN_BIAS):
        return (own,)
    return (replace(whole, split="columns") if last in _COLUMNS else replace(whole, summed=last in _PER_HEAD),)


def _heads(arch: Architecture, own: TensorSlice, ways: int) -> Iterator[TensorSlice]:
    queries, keys = arch.attention_width, arch.attention_width + arch.kv_width
    yield replace(own, name=f"{own.name}_query", stop=queries)
    if arch.n_kv_heads % ways:
        own = replace(own, split="whole", used="head", summed=True)
    yield replace(own, name=f"{own.name}_key", start=queries, stop=keys)
    yield replace(own, name=f"{own.name}_value", start=keys)


def used_rows(arch: Architecture, piece: TensorSlice, ways: int, rank: int) -> slice:
    """Rows that process `rank` of `ways` uses of what it holds of `piece`."""
    if piece.used == "head":
        head = rank * arch.n_kv_heads // ways
        return slice(head * arch.head_dim, (head + 1) * arch.head_dim)
    each = (piece.stop - piece.start) // ways
    return slice(rank * each, (rank + 1) * each) if piece.used == "own" else slice(None)
