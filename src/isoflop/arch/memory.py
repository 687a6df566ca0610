"""Bytes of memory to train a shape, device by device, and to serve it.

Training state is exact; what activations assume is stated in activations.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

from isoflop.arch.activations import activation_bytes, kv_heads_each
from isoflop.arch.architecture import Architecture
from isoflop.arch.layout import MIXED, ONE_DEVICE, Formats, HiddenOptimizer, Layout, TrainingSetup
from isoflop.codec import JsonObject, fields_to_json
from isoflop.errors import InputError

DTYPE_BYTES: dict[str, float] = {
    "float32": 4,
    "bfloat16": 2,
    "float16": 2,
    "float8": 1,
    "int8": 1,
    "int4": 0.5,
}
"""{format: bytes per value}, for served weights and caches; scales of quantised blocks are not counted."""
# Layers whose gathered weights a device holds at once when they are sharded: the one that computes and the one that is
# being fetched (Zhao et al. 2023, 2304.11277, section 4.1).
_GATHERED_LAYERS = 2
PUBLISHED_OVER_ACCOUNT = (0.990, 1.242)
"""Least and greatest ratio of published memory of a device to this account's: 7 runs of torchtitan, docs/devices.md."""


@dataclass(frozen=True, kw_only=True)
class TrainMemory:
    """Bytes on the fullest device of a training run."""

    json_also: ClassVar = ("total", "total_range")

    weights: int
    gradients: int
    optimizer: int
    """Moments and, in mixed precision, the 32-bit copy of the weights."""
    gathered: int
    """Weights gathered from the devices that share them: of the layers being computed and of embedding and head, or, in
    a pipeline, of the whole stage; 0 without sharding."""
    activations: int

    @property
    def total(self) -> int:
        """Sum of all parts."""
        return self.weights + self.gradients + self.optimizer + self.gathered + self.activations

    @property
    def total_range(self) -> tuple[float, float]:
        """`total` times the range of published over predicted memory: all published runs lie within theirs."""
        least, most = PUBLISHED_OVER_ACCOUNT
        return least * self.total, most * self.total

    def as_json(self) -> JsonObject:
        """A JSON object with the fields, `total` and `total_range`."""
        return fields_to_json(self)


def params_per_device(arch: Architecture, layout: Layout = ONE_DEVICE) -> int:
    """Parameters of the fullest stage on one of its tensor-parallel devices, before they are sharded.

    Every matrix and table is split; vectors and routers are copied, and so are heads of keys and values where there
    are fewer than devices. Of routed experts it has its own where they are spread over several devices. With several
    stages a tied embedding is on the first and on the last one.
    """
    layers = math.ceil(arch.n_layers / layout.pipeline)  # of the fullest stage
    first, last = _end_params(arch, layout.tensor)
    each = layer_params(arch, layout.tensor, layout.expert)
    if layout.pipeline == 1:
        return layers * each + first + last
    if arch.tied_embedding:
        last += math.ceil(arch.vocab_size * arch.d_model / layout.tensor)
    return layers * each + max(first, last)


def expert_params_per_device(arch: Architecture, layout: Layout = ONE_DEVICE) -> int:
    """Parameters of routed experts among `params_per_device`."""
    if arch.n_experts is None:
        return 0
    layers = math.ceil(arch.n_layers / layout.pipeline)
    return layers * (layer_params(arch, layout.tensor, layout.expert) - _layer_without_experts(arch, layout.tensor))


def held_per_device(arch: Architecture, layout: Layout = ONE_DEVICE) -> int:
    """Parameters whose state one device holds: `params_per_device` over the devices that shard them.

    Those of experts that are spread already are sharded over the rest of them.
    """
    experts = expert_params_per_device(arch, layout)
    others = params_per_device(arch, layout) - experts
    among = max(1, layout.sharded // layout.expert)
    return -(-(others * among + experts * layout.sharded) // (layout.sharded * among))


@cache
def _end_params(arch: Architecture, ways: int) -> tuple[int, int]:
    """(before the layers, after them): parameters of embeddings, and of the last norm and the head, on each device."""
    ends = {"first": 0, "last": 0}
    for tensor in replace(arch, n_layers=1).tensors():
        if not tensor.name.startswith("blocks."):
            size = tensor.size if tensor.role == "vectors" else math.ceil(tensor.size / ways)
            ends["first" if tensor.role == "embedding" else "last"] += size
    return ends["first"], ends["last"]


def layer_params(arch: Architecture, ways: int = 1, spread: int = 1) -> int:
    """Parameters of one layer on each of `ways` tensor-parallel devices, before they are sharded.

    Its experts are spread over `spread` devices.
    """
    if arch.n_experts is None:
        return _layer_without_experts(arch, ways)
    experts = arch.n_experts // spread
    each = 3 * math.ceil(arch.d_model * arch.d_ff / ways)
    return _layer_without_experts(arch, ways) + experts * each


@cache
def _layer_without_experts(arch: Architecture, ways: int) -> int:
    count = 0
    # one layer of the tensor list: all are equal
    for tensor in replace(arch, n_layers=1).tensors():
        if not tensor.name.startswith("blocks.0.") or ".expert_" in tensor.name:
            continue
        if tensor.role == "vectors" or tensor.name.endswith("router"):
            count += tensor.size
        elif tensor.name.endswith("attention_in"):
            # queries split by heads; of keys and values each device has at least one head, see `kv_heads_each`
            count += arch.d_model * (arch.attention_width // ways + 2 * arch.head_dim * kv_heads_each(arch, ways))
        else:
            count += math.ceil(tensor.size / ways)
    return count


def train_memory(arch: Architecture, setup: TrainingSetup) -> TrainMemory:
    """Bytes on the fullest device. Raises InputError where the shape does not split into the layout of `setup`."""
    layout, formats = setup.layout, setup.formats
    layout.check(arch)
    mine = params_per_device(arch, layout)
    held = held_per_device(arch, layout)
    staged = layout.pipeline > 1
    # In a pipeline sharding is ZeRO stage 1: weights and gradients stay whole, since every micro-batch needs them, and
    # only the optimiser is sharded. Without one it is stage 3 (Rajbhandari et al. 2020, 1910.02054, section 5).
    if layout.sharded == 1:
        gathered = 0
    elif staged:
        gathered = mine
    else:
        gathered = min(
            _GATHERED_LAYERS * layer_params(arch, layout.tensor, layout.expert) + sum(_end_params(arch, layout.tensor)),
            mine,
        )
    return TrainMemory(
        weights=held * formats.weights,
        gradients=(mine if staged else held) * (formats.gradients + formats.gradients_again),
        optimizer=held * (formats.master + formats.moments) - _spared(arch, held, formats),
        gathered=gathered * formats.activations,
        activations=activation_bytes(arch, setup),
    )


def _spared(arch: Architecture, held: int, formats: Formats) -> int:
    """Bytes that the hidden matrices among `held` parameters take less than two moments, where they have one.

    Their share is that of the whole model: exact on one device.
    """
    if formats.hidden_moments is None:
        return 0
    count = arch.params()
    hidden = count.attention + count.feed_forward + count.position
    return (formats.moments - formats.hidden_moments) * (held * hidden // count.total)


def kv_cache_bytes(arch: Architecture, seq_len: int, batch: int = 1, value_bytes: float = 2) -> int:
    """Bytes of the key-value cache of `batch` sequences of `seq_len` tokens; with a sliding window, of the window's."""
    return math.ceil(2 * arch.n_layers * arch.kv_width * arch.attended(seq_len) * batch * value_bytes)


def serve_bytes(
    arch: Architecture, seq_len: int, batch: int = 1, weight_bytes: float = 2, value_bytes: float = 2
) -> int:
    """Bytes of weights and key-value cache needed to serve `batch` sequences of `seq_len` tokens."""
    return math.ceil(arch.params().total * weight_bytes) + kv_cache_bytes(arch, seq_len, batch, value_bytes)


def memory_bytes(
    arch: Architecture,
    seq_len: int,
    *,
    batch: int = 1,
    weights: str = "bfloat16",
    cache: str = "bfloat16",
    optimizer: HiddenOptimizer = "adamw",
) -> dict[str, int]:
    """Bytes to train `arch` in mixed precision on one device, and to serve it, for `batch` sequences of `seq_len`.

    `train` is `train_state` (of `train_weights`, `train_gradients` and `train_optimizer`) and `train_activations`;
    `train_recomputed` is it with `train_activations_recomputed`. `serve` is `serve_weights`, in the format
    `weights`, and `serve_kv_cache`, in `cache`. Raises InputError for a format that is not in DTYPE_BYTES.
    """
    for name in (weights, cache):
        if name not in DTYPE_BYTES:
            raise InputError(f"format: expected one of {', '.join(DTYPE_BYTES)}, got {name!r}")
    setup = TrainingSetup(seq_len=seq_len, sequences=batch, formats=MIXED.with_optimizer(optimizer))
    stored = train_memory(arch, setup)
    recomputed = train_memory(arch, replace(setup, recompute="full"))
    per_weight, per_value = DTYPE_BYTES[weights], DTYPE_BYTES[cache]
    return {
        "train": stored.total,
        "train_recomputed": recomputed.total,
        "train_state": stored.total - stored.activations,
        "train_weights": stored.weights,
        "train_gradients": stored.gradients,
        "train_optimizer": stored.optimizer,
        "train_activations": stored.activations,
        "train_activations_recomputed": recomputed.activations,
        "serve": serve_bytes(arch, seq_len, batch, per_weight, per_value),
        "serve_weights": serve_bytes(arch, seq_len, 0, per_weight, per_value),
        "serve_kv_cache": kv_cache_bytes(arch, seq_len, batch, per_value),
    }
