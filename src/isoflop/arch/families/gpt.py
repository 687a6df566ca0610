"""The `gpt` family: LayerNorm, biases, GELU, learned positions, tied embedding; GPT-3 and MT-NLG 530B are of it.

Radford et al. 2019 (GPT-2), Brown et al. 2020 (2005.14165), Smith et al. 2022 (2201.11990). With d_ff = 4 d and heads
as wide together as d, N = L (12 d^2 + 13 d) + (V + S) d + 2 d for a vocabulary V and S positions. The formula that
Narayanan et al. 2021 (2104.04473) and Smith et al. print leaves the last 2 d out, the gain and bias of the final norm:
a shape `without` it counts as they do.

`gpt-rope` is the same with rotary positions (Su et al. 2021, 2104.09864) in place of the table: N is less by S d.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from isoflop.arch.tensors import TensorShape

if TYPE_CHECKING:
    from isoflop.arch.architecture import Architecture


def tensors(arch: Architecture) -> Iterator[TensorShape]:
    """Every tensor of a gpt model."""
    d, ff, a = arch.d_model, arch.d_ff, arch.attention_width
    qkv = a + 2 * arch.kv_width
    yield TensorShape(name="embedding", shape=(arch.vocab_size, d), role="embedding")
    if arch.n_positions is not None:  # none in gpt-rope
        yield TensorShape(name="position_embedding", shape=(arch.n_positions, d), role="embedding")
    for layer in range(arch.n_layers):
        block = f"blocks.{layer}."
        yield TensorShape(name=block + "attention_norm", shape=(d,), role="vectors")
        yield TensorShape(name=block + "attention_norm_bias", shape=(d,), role="vectors")
        yield TensorShape(name=block + "attention_in", shape=(qkv, d), role="attention")
        yield TensorShape(name=block + "attention_in_bias", shape=(qkv,), role="vectors")
        yield TensorShape(name=block + "attention_out", shape=(d, a), role="attention")
        yield TensorShape(name=block + "attention_out_bias", shape=(d,), role="vectors")
        yield TensorShape(name=block + "feed_forward_norm", shape=(d,), role="vectors")
        yield TensorShape(name=block + "feed_forward_norm_bias", shape=(d,), role="vectors")
        yield TensorShape(name=block + "feed_forward_in", shape=(ff, d), role="feed_forward")
        yield TensorShape(name=block + "feed_forward_in_bias", shape=(ff,), role="vectors")
        yield TensorShape(name=block + "feed_forward_out", shape=(d, ff), role="feed_forward")
        yield TensorShape(name=block + "feed_forward_out_bias", shape=(d,), role="vectors")
    yield TensorShape(name="final_norm", shape=(d,), role="vectors")
    yield TensorShape(name="final_norm_bias", shape=(d,), role="vectors")
    if not arch.tied_embedding:
        yield TensorShape(name="output_head", shape=(arch.vocab_size, d), role="output_head")


def position_flops_per_token(arch: Architecture, seq_len: int) -> int:
    """Zero: learned positions are looked up and added, rotary ones multiply no matrix."""
    del arch, seq_len
    return 0
