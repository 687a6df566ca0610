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

_ROWS = ("relative_key", "feed_forward_in", "feed_forward_in_bias")
_COLUMNS = ("attention_out", "feed_forward_out")
_PER_HEAD = ("query_norm", "key_norm", "content_bias", "position_bias")
_VOCABULARY = ("embedding", "output_head", "output_bias")
_ALIKE = (
    "position_embedding", "attention_norm", "attention_norm_bias",
    "feed_forward_norm", "feed_forward_norm_bias", "attention_out_bias", "feed_forward_out_bias", "final_norm",
    "final_norm_bias",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Piece:
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
    shared_heads: bool = False
    """Keys or values of fewer heads than processes: each uses the rows of the one head that its queries share."""


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
    for tensor in arch.tensors():
        last = tensor.name.rsplit(".", 1)[-1]
        if last not in (*_ROWS, *_COLUMNS, *_PER_HEAD, *_VOCABULARY, *_ALIKE, "attention_in", "attention_in_bias"):
            problems.append(f"tensor: {last} of family {arch.family} has no way to be split; expected tensor=1")
    if problems:
        raise InputError.gathered("layout", dict.fromkeys(problems))


def vocabulary_splits(arch: Architecture, ways: int) -> bool:
    """Whether each of `ways` processes holds its share of the tokens; else each holds, and computes, all of them."""
    return ways > 1 and arch.vocab_size % ways == 0


def local_architecture(arch: Architecture, ways: int) -> Architecture:
    """The heads and columns that one of `ways` processes computes with."""
    return replace(
        arch, n_heads=arch.n_heads // ways, n_kv_heads=max(1, arch.n_kv_heads // ways), d_ff=arch.d_ff // ways
    )


def pieces_of(arch: Architecture, tensor: TensorShape, ways: int) -> tuple[Piece, ...]:
    """The pieces of `tensor` in the order of its rows; names and rows do not depend on `ways`, the processes."""
    last = tensor.name.rsplit(".", 1)[-1]
    rows = tensor.shape[0]
    whole = Piece(tensor=tensor.name, name=tensor.name, start=0, stop=rows, split="whole")
    if last.startswith("attention_in"):
        return tuple(_heads(arch, whole, ways))
    if last in _ROWS:
        gated = last.startswith("feed_forward_in") and FAMILIES[arch.family].gated_feed_forward
        parts = {"_gate": (0, arch.d_ff), "_up": (arch.d_ff, rows)} if gated else {"": (0, rows)}
        return tuple(
            replace(whole, name=tensor.name + part, start=start, stop=stop, split="rows")
            for part, (start, stop) in parts.items()
        )
    if last in _COLUMNS:
        return (replace(whole, split="columns"),)
    if last in _VOCABULARY and vocabulary_splits(arch, ways):
        return (replace(whole, split="rows"),)
    return (replace(whole, summed=last in _PER_HEAD),)


def _heads(arch: Architecture, whole: Piece, ways: int) -> Iterator[Piece]:
    queries, keys = arch.attention_width, arch.attention_width + arch.kv_width
    shared = arch.n_kv_heads % ways != 0
    yield replace(whole, name=whole.name + "_query", stop=queries, split="rows")
    for part, start, stop in (("_key", queries, keys), ("_value", keys, whole.stop)):
        yield replace(
            whole,
            name=whole.name + part,
            start=start,
            stop=stop,
            split="whole" if shared else "rows",
            summed=shared,
            shared_heads=shared,
        )


def shared_rows(arch: Architecture, ways: int, rank: int) -> slice:
    """Rows of a piece with `shared_heads` that process `rank` of `ways` uses."""
    head = rank * arch.n_kv_heads // ways
    return slice(head * arch.head_dim, (head + 1) * arch.head_dim)
