"""The `moe` family: llama with routed experts in place of the feed-forward, and experts that every token uses.

Jiang et al. 2024 (2401.04088), section 2.1, without shared experts and query-key norm: Mixtral 8x7B has 46.7 billion
parameters, of which a token uses 12.9. Shared experts as in Dai et al. 2024 (2401.06066), section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from isoflop.arch.families.llama import gated_feed_forward, with_feed_forward
from isoflop.arch.tensors import TensorShape

if TYPE_CHECKING:
    from isoflop.arch.architecture import Architecture


def tensors(arch: Architecture) -> Iterator[TensorShape]:
    """Every tensor of a moe model; the shared experts are one feed-forward, as wide as all of them.

    A token uses as many experts as are marked active here, whichever they are: all have one shape.
    """
    return with_feed_forward(arch, lambda block: _experts(arch, block))


def _experts(arch: Architecture, block: str) -> Iterator[TensorShape]:
    d, ff, shared = arch.d_model, arch.d_ff, arch.d_ff * (arch.shared_experts or 0)
    # every token is multiplied by the whole router
    yield TensorShape(name=block + "router", shape=(arch.n_experts or 0, d), role="feed_forward")
    for expert in range(arch.n_experts or 0):
        name, used = f"{block}expert_{expert}", expert < (arch.active_experts or 0)
        yield TensorShape(name=name + "_in", shape=(2 * ff, d), role="feed_forward", active=used)
        yield TensorShape(name=name + "_out", shape=(d, ff), role="feed_forward", active=used)
    if shared:
        yield from gated_feed_forward(block, d, shared)
