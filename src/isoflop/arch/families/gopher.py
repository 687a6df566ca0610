"""The `gopher` family: RMSNorm, Transformer-XL relative positions, GELU, tied embedding; Chinchilla is one of it.

Rae et al. 2021 (2112.11446), Hoffmann et al. 2022 (2203.15556), Dai et al. 2019 (1901.02860).
N = L (5 d a + 2 d f + 10 d) + V d + V with a = n_heads * head_dim reproduces all 50 rows of Hoffmann et al.,
Table A9, to the printed million. The totals fix how many vectors a layer has (10 d, and V at the end), not which:
the reading here is the biases of the feed-forward (4 d + d), two norm gains (2 d), the content and position biases
of the attention (2 d) and its output bias (d). The content and position biases are of width d even where a != d
(else six rows of the table miss), so they are added to the input of the query projection: W_q (x + u) = W_q x + W_q u,
which is the bias of Dai et al. in another basis. The norm before the output head has no gain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from isoflop.arch.tensors import TensorShape

if TYPE_CHECKING:
    from isoflop.arch.architecture import Architecture


def tensors(arch: Architecture) -> Iterator[TensorShape]:
    """Every tensor of a gopher model."""
    d, ff, a = arch.d_model, arch.d_ff, arch.attention_width
    yield TensorShape(name="embedding", shape=(arch.vocab_size, d), role="embedding")
    for layer in range(arch.n_layers):
        block = f"blocks.{layer}."
        yield TensorShape(name=block + "attention_norm", shape=(d,), role="vectors")
        yield TensorShape(name=block + "attention_in", shape=(a + 2 * arch.kv_width, d), role="attention")
        yield TensorShape(name=block + "relative_key", shape=(a, d), role="position")
        yield TensorShape(name=block + "content_bias", shape=(d,), role="vectors")
        yield TensorShape(name=block + "position_bias", shape=(d,), role="vectors")
        yield TensorShape(name=block + "attention_out", shape=(d, a), role="attention")
        yield TensorShape(name=block + "attention_out_bias", shape=(d,), role="vectors")
        yield TensorShape(name=block + "feed_forward_norm", shape=(d,), role="vectors")
        yield TensorShape(name=block + "feed_forward_in", shape=(ff, d), role="feed_forward")
        yield TensorShape(name=block + "feed_forward_in_bias", shape=(ff,), role="vectors")
        yield TensorShape(name=block + "feed_forward_out", shape=(d, ff), role="feed_forward")
        yield TensorShape(name=block + "feed_forward_out_bias", shape=(d,), role="vectors")
    if not arch.tied_embedding:
        yield TensorShape(name="output_head", shape=(arch.vocab_size, d), role="output_head")
    yield TensorShape(name="output_bias", shape=(arch.vocab_size,), role="vectors")


def position_flops_per_token(arch: Architecture, seq_len: int) -> int:
    """Training FLOPs per token, over all layers, that relative positions add to the matrix products of `flops.py`.

    Scores against positions: 2 T a forward, twice that backward. The projected positions are constants, so the
    backward pass of their projection has no input gradient: 2 d a less than the 6 d a of an ordinary matrix.
    """
    a = arch.attention_width
    return arch.n_layers * (6 * seq_len * a - 2 * arch.d_model * a)
