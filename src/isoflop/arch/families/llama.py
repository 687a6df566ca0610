"""The `llama` family: RMSNorm, rotary positions, SwiGLU, query-key norm, untied embedding by default.

Touvron et al. 2023 (2302.13971); query-key norm after Henry et al. 2020 (2010.04245) and Dehghani et al. 2023.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from isoflop.arch.tensors import TensorShape

if TYPE_CHECKING:
    from isoflop.arch.architecture import Architecture


def tensors(arch: Architecture) -> Iterator[TensorShape]:
    """Every tensor of a llama model; projections are fused, since calls cost a small model more than products."""
    return with_feed_forward(arch, lambda block: gated_feed_forward(block, arch.d_model, arch.d_ff))


def gated_feed_forward(name: str, d: int, width: int) -> Iterator[TensorShape]:
    """The two matrices of SwiGLU, `width` columns wide, in the block `name`."""
    # gate and up in one matrix: one product instead of two
    yield TensorShape(name=name + "feed_forward_in", shape=(2 * width, d), role="feed_forward")
    yield TensorShape(name=name + "feed_forward_out", shape=(d, width), role="feed_forward")


def with_feed_forward(
    arch: Architecture, feed_forward: Callable[[str], Iterator[TensorShape]]
) -> Iterator[TensorShape]:
    """Every tensor of a model whose blocks are those of llama, but for the `feed_forward` of the block of a name."""
    d = arch.d_model
    yield TensorShape(name="embedding", shape=(arch.vocab_size, d), role="embedding")
    for layer in range(arch.n_layers):
        block = f"blocks.{layer}."
        yield TensorShape(name=block + "attention_norm", shape=(d,), role="vectors")
        qkv = arch.attention_width + 2 * arch.kv_width
        yield TensorShape(name=block + "attention_in", shape=(qkv, d), role="attention")
        yield TensorShape(name=block + "query_norm", shape=(arch.head_dim,), role="vectors")
        yield TensorShape(name=block + "key_norm", shape=(arch.head_dim,), role="vectors")
        yield TensorShape(name=block + "attention_out", shape=(d, arch.attention_width), role="attention")
        yield TensorShape(name=block + "feed_forward_norm", shape=(d,), role="vectors")
        yield from feed_forward(block)
    yield TensorShape(name="final_norm", shape=(d,), role="vectors")
    if not arch.tied_embedding:
        yield TensorShape(name="output_head", shape=(arch.vocab_size, d), role="output_head")


def position_flops_per_token(arch: Architecture, seq_len: int) -> int:
    """Zero: rotary positions multiply no matrix."""
    del arch, seq_len
    return 0
