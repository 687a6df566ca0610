"""Activations that a device stores for the backward pass.

Fused kernels are assumed (flash attention, Dao et al. 2022, 2205.14135; norms and gated activations that store their
inputs only); without dropout that is the count of Korthikanti et al. 2022 (2205.05198), section 4.1, less its masks: 32
bytes per token, layer and unit of width where they have 34. PyTorch without fused norms, gates and rotations stores up
to 1.4 times as much, and with relative attention its scores in addition (measured, tests/train/test_activations.py).
"""

from __future__ import annotations

import math
from functools import cache

from isoflop.arch.architecture import Architecture
from isoflop.arch.families.table import family_named
from isoflop.arch.layout import Recompute, TrainingSetup


def kv_heads_each(arch: Architecture, ways: int) -> int:
    """Heads of keys and values on each of `ways` tensor-parallel devices: never less than one."""
    return math.ceil(arch.n_kv_heads / ways)


@cache
def layer_values(
    arch: Architecture, ways: int = 1, recompute: Recompute = "none", *, sequence_parallel: bool = True
) -> float:
    """Values that one layer stores per token for its backward pass, on each of `ways` tensor-parallel devices.

    Without recomputation: input and output of the norms (4 d; 2 d where attention and feed-forward share one), queries,
    keys, values and the output of attention (2 a + 2 kv; queries and keys once more where they are normed), and the
    inner values of the feed-forward (2 f; gate, up and product, 3 f, where it is gated). With `selective`: the input,
    queries, values, the output of attention, the first product of the feed-forward and, with a gate, its last (1 or 2 d
    + 2 a + kv + f). With `full`: the input. d is `d_model`, a the attention width, kv that of keys, and f `d_ff`, or
    the columns of all experts that a token uses; with k routed ones among them what is sent to them (k d) and, without
    recomputation, what comes back (k d) and the router's probabilities.
    """
    # The terms in d have the whole width on every device; sequence parallelism splits them along the sequence, and
    # without it every device stores all of them (Korthikanti et al. 2022, Table 2).
    across = ways if sequence_parallel else 1
    family = family_named(arch.family)
    if recompute == "full":
        return arch.d_model / across
    kv_width = arch.head_dim * kv_heads_each(arch, ways)
    if recompute == "selective":
        ends = (2 if family.gated_feed_forward else 1) * arch.d_model
        sent = (arch.active_experts or 0) * arch.d_model
        return ends / across + (2 * arch.attention_width + arch.feed_forward_width + sent) / ways + kv_width
    normed = 1 if "query_key_norm" in set(family.optional) - set(arch.without) else 0
    norms = (2 if family.parallel_block else 4) * arch.d_model
    inner = (3 if family.gated_feed_forward else 2) * arch.feed_forward_width
    inner += 2 * (arch.active_experts or 0) * arch.d_model + (arch.n_experts or 0)
    return norms / across + inner / ways + (2 + normed) * (arch.attention_width / ways + kv_width)


def activation_bytes(arch: Architecture, setup: TrainingSetup) -> int:
    """Bytes of activations on the fullest device.

    What the layers store, and the larger of two transient peaks: the logits, at the end of the forward pass, and the
    values of the one layer that is being recomputed.
    """
    layout, formats, tokens = setup.layout, setup.formats, setup.micro_batch_tokens
    layers, ways = math.ceil(arch.n_layers / layout.pipeline), layout.tensor
    stored = layer_values(arch, ways, setup.recompute, sequence_parallel=setup.sequence_parallel)
    kept = formats.activations * stored
    computed = formats.activations * layer_values(arch, ways, sequence_parallel=setup.sequence_parallel)
    again = 0.0 if setup.recompute == "none" else computed
    logits = formats.logits * arch.vocab_size / ways
    # tensor-parallel devices hold the whole width twice: gathered before one product, not yet scattered after another
    whole = 2 * arch.d_model * formats.activations if ways > 1 else 0
    if layout.pipeline == 1:
        return math.ceil(tokens * (layers * kept + max(again, logits) + whole))
    # The first of p stages has p micro-batches in flight, and (p - 1) / v more where stages are interleaved in v pieces
    # (Korthikanti et al. 2022, section 4.2.3); the last one has a single micro-batch, and the logits.
    in_flight = layout.pipeline + (layout.pipeline - 1) / layout.interleaved * (layout.interleaved > 1)
    return math.ceil(tokens * (max(in_flight * layers * kept + again, layers * kept + max(again, logits)) + whole))
