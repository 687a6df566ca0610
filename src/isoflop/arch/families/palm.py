"""The `palm` family: attention parallel to feed-forward, multi-query attention, SwiGLU, rotary positions, no biases.

Chowdhery et al. 2022 (2204.02311), section 2. N = L (2 d a + 2 d q + 3 d f) + V d with a = n_heads q, heads of q = 256
and f = 4 d gives the printed 8.63, 62.50 and 540.35 billion. Gains of the norms, one a layer and one at the end, would
make the largest 540.36: the count leaves no room for them, so the norms have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from isoflop.arch.tensors import TensorShape

if TYPE_CHECKING:
    from isoflop.arch.architecture import Architecture


def tensors(arch: Architecture) -> Iterator[TensorShape]:
    """Every tensor of a palm model."""
    d, ff, a = arch.d_model, arch.d_ff, arch.attention_width
    yield TensorShape(name="embedding", shape=(arch.vocab_size, d), role="embedding")
    for layer in range(arch.n_layers):
        block = f"blocks.{layer}."
        yield TensorShape(name=block + "attention_in", shape=(a + 2 * arch.kv_width, d), role="attention")
        # gate and up in one matrix: one product instead of two
        yield TensorShape(name=block + "feed_forward_in", shape=(2 * ff, d), role="feed_forward")
        yield TensorShape(name=block + "attention_out", shape=(d, a), role="attention")
        yield TensorShape(name=block + "feed_forward_out", shape=(d, ff), role="feed_forward")
    if not arch.tied_embedding:
        yield TensorShape(name="output_head", shape=(arch.vocab_size, d), role="output_head")


def position_flops_per_token(arch: Architecture, seq_len: int) -> int:
    """Zero: rotary positions multiply no matrix."""
    del arch, seq_len
    return 0
