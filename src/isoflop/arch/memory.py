"""Bytes of memory: to train a shape, device by device, and to serve it.

Training state is exact. Activations assume fused kernels (flash attention, Dao et al. 2022, 2205.14135; norms and gated
activations that keep their inputs only); without dropout that is the count of Korthikanti et al. 2022 (2205.05198),
section 4.1, less its masks: 32 bytes a token, layer and unit of width where they have 34. PyTorch without fused norms,
gates and rotations keeps up to 1.4 times as much, and as much again as its scores where attention is relative
(measured, tests/train/test_activations.py).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

from isoflop.arch.architecture import Architecture
from isoflop.arch.families import family_named
from isoflop.errors import InputError

DTYPE_BYTES: dict[str, float] = {
    "float32": 4,
    "bfloat16": 2,
    "float16": 2,
    "float8": 1,
    "int8": 1,
    "int4": 0.5,
}
"""{format: bytes a value}, for weights and caches that are served; scales of quantised blocks not counted."""
# Layers whose gathered weights a device holds at once when they are sharded: the one that computes and the one that is
# being fetched (Zhao et al. 2023, 2304.11277, section 4.1).
_GATHERED_LAYERS = 2


@dataclass(frozen=True, kw_only=True)
class Formats:
    """Bytes that one parameter, and one activation, take in training."""

    weights: int = 2
    gradients: int = 2
    master: int = 4
    """Second copy of the weights that the optimiser updates; 0 where the weights are that copy."""
    moments: int = 8
    """Both moments of Adam."""
    activations: int = 2

    @property
    def state(self) -> int:
        """Bytes a parameter without activations."""
        return self.weights + self.gradients + self.master + self.moments


MIXED = Formats()
"""16-bit weights, gradients and activations, 32-bit copy and moments (Micikevicius et al. 2018): 16 bytes."""
MIXED_GRADIENTS_32 = Formats(gradients=4)
"""The same with gradients summed up in 32 bits, as Megatron-LM does for bfloat16: 18 bytes."""
FLOAT32 = Formats(weights=4, gradients=4, master=0, activations=4)
"""What isoflop's own trainer keeps: 16 bytes."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one model is laid out over devices; their number is the product of all four."""

    data: int = 1
    """Replicas, each with a whole model and a share of the batch."""
    sharded: int = 1
    """Devices that share the state of one replica, and its batch (ZeRO stage 3, FSDP)."""
    tensor: int = 1
    """Devices that every matrix is split over; activations too, along the sequence where not by heads or columns."""
    pipeline: int = 1
    """Stages that the layers are split over, with one batch in flight a stage (1F1B)."""

    def __post_init__(self) -> None:
        problems = [
            f"{field.name}: expected a whole number of at least 1, got {getattr(self, field.name)!r}"
            for field in fields(self)
            if not isinstance(getattr(self, field.name), int) or getattr(self, field.name) < 1
        ]
        if problems:
            raise InputError.gathered("layout", problems)

    @property
    def devices(self) -> int:
        """Devices of the whole run."""
        return self.data * self.sharded * self.tensor * self.pipeline

    def check(self, arch: Architecture) -> None:
        """Raises InputError where `arch` does not split so: more stages than layers, heads that do not divide."""
        problems = []
        if self.pipeline > arch.n_layers:
            problems.append(f"pipeline: expected at most n_layers={arch.n_layers} stages, got {self.pipeline}")
        if arch.n_heads % self.tensor:
            problems.append(f"tensor: expected a divisor of n_heads={arch.n_heads}, got {self.tensor}")
        if problems:
            raise InputError.gathered("layout", problems)


ONE_DEVICE = Layout()


@dataclass(frozen=True, kw_only=True)
class TrainMemory:
    """Bytes on the fullest device of a training run."""

    weights: int
    gradients: int
    optimizer: int
    """Moments and, in mixed precision, the 32-bit copy of the weights."""
    gathered: int
    """Weights of the layers at work, gathered from the devices that share them; 0 without sharding."""
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.gathered + self.activations

    def as_json(self) -> dict[str, int]:
        """A JSON object with the fields and `total`."""
        return {**asdict(self), "total": self.total}


def params_per_device(arch: Architecture, layout: Layout = ONE_DEVICE) -> int:
    """Parameters of the fullest stage on one of its tensor-parallel devices, before they are sharded.

    Every matrix and table is split; vectors, and heads of keys and values where there are fewer than devices, are
    copied. With several stages a tied embedding lies on the first and on the last one.
    """
    layers = math.ceil(arch.n_layers / layout.pipeline)
    ends = {"first": 0, "last": 0}
    for tensor in arch.tensors():
        if not tensor.name.startswith("blocks."):
            size = tensor.size if tensor.role == "vectors" else math.ceil(tensor.size / layout.tensor)
            ends["first" if tensor.role == "embedding" else "last"] += size
    if layout.pipeline == 1:
        return layers * _layer_params(arch, layout.tensor) + ends["first"] + ends["last"]
    if arch.tied_embedding:
        ends["last"] += math.ceil(arch.vocab_size * arch.d_model / layout.tensor)
    return layers * _layer_params(arch, layout.tensor) + max(ends.values())


def _layer_params(arch: Architecture, ways: int) -> int:
    count = 0
    for tensor in arch.tensors():
        if not tensor.name.startswith("blocks.0."):
            continue
        if tensor.role == "vectors":
            count += tensor.size
        elif tensor.name.endswith("attention_in"):
            count += arch.d_model * (arch.attention_width // ways + 2 * arch.head_dim * _kv_heads(arch, ways))
        else:
            count += math.ceil(tensor.size / ways)
    return count


def _kv_heads(arch: Architecture, ways: int) -> int:
    """Heads of keys and values on each of `ways` tensor-parallel devices: never less than one."""
    return math.ceil(arch.n_kv_heads / ways)


def layer_values(arch: Architecture, ways: int = 1) -> float:
    """Values that one layer keeps of one token for its backward pass, on each of `ways` tensor-parallel devices.

    Input and output of the norms (4 d; 2 d where attention and feed-forward share one), queries, keys, values and what
    attention makes of them (2 a + 2 kv; queries and keys once more where they are normed), and of the feed-forward its
    inner values (2 f; gate, up and product, 3 f, where it is gated).
    """
    family = family_named(arch.family)
    normed = 1 if "query_key_norm" in set(family.optional) - set(arch.without) else 0
    norms = (2 if family.parallel_block else 4) * arch.d_model
    inner = (3 if family.gated_feed_forward else 2) * arch.d_ff
    heads = (2 + normed) * (arch.attention_width / ways + arch.head_dim * _kv_heads(arch, ways))
    return (norms + inner) / ways + heads


def activation_bytes(
    arch: Architecture,
    tokens: int,
    value_bytes: int = 4,
    *,
    recompute: bool = False,
    layout: Layout = ONE_DEVICE,
) -> int:
    """Bytes of activations that a backward pass over batches of `tokens` keeps on the fullest device.

    With `recompute` a layer keeps its input only, and one layer at a time is computed again. At the end there are the
    logits and their gradient. The first of several stages holds as many batches as there are stages, the last one and
    the logits.
    """
    layers = math.ceil(arch.n_layers / layout.pipeline)
    one = layer_values(arch, layout.tensor)
    kept, at_work = (arch.d_model / layout.tensor, one) if recompute else (one, 0.0)
    logits = 2 * arch.vocab_size / layout.tensor
    if layout.pipeline == 1:
        values = layers * kept + at_work + logits
    else:
        values = max(layout.pipeline * layers * kept + at_work, layers * kept + at_work + logits)
    return math.ceil(tokens * value_bytes * values)


def train_memory(
    arch: Architecture,
    seq_len: int,
    *,
    sequences: int = 1,
    layout: Layout = ONE_DEVICE,
    formats: Formats = MIXED,
    recompute: bool = False,
) -> TrainMemory:
    """Bytes on the fullest device when each batch in flight is `sequences` of `seq_len` tokens a device.

    Raises InputError where the shape does not split into `layout`.
    """
    layout.check(arch)
    mine = params_per_device(arch, layout)
    held = math.ceil(mine / layout.sharded)
    gathered = 0
    if layout.sharded > 1:
        gathered = min(_GATHERED_LAYERS * _layer_params(arch, layout.tensor), mine) * formats.weights
    return TrainMemory(
        weights=held * formats.weights,
        gradients=held * formats.gradients,
        optimizer=held * (formats.master + formats.moments),
        gathered=gathered,
        activations=activation_bytes(
            arch, sequences * seq_len, formats.activations, recompute=recompute, layout=layout
        ),
    )


def kv_cache_bytes(arch: Architecture, seq_len: int, batch: int = 1, value_bytes: float = 2) -> int:
    """Bytes of the key-value cache of `batch` sequences of `seq_len` tokens."""
    return math.ceil(2 * arch.n_layers * arch.kv_width * seq_len * batch * value_bytes)


def serve_bytes(
    arch: Architecture, seq_len: int, batch: int = 1, weight_bytes: float = 2, value_bytes: float = 2
) -> int:
    """Bytes of weights and key-value cache needed to serve `batch` sequences of `seq_len` tokens."""
    return math.ceil(arch.params().total * weight_bytes) + kv_cache_bytes(arch, seq_len, batch, value_bytes)


def memory_bytes(
    arch: Architecture, seq_len: int, *, batch: int = 1, weights: str = "bfloat16", cache: str = "bfloat16"
) -> dict[str, int]:
    """Bytes to train `arch` in mixed precision on one device, and to serve it, for `batch` sequences of `seq_len`.

    `train` is `train_state` (of `train_weights`, `train_gradients` and `train_optimizer`) and `train_activations`;
    `train_recomputed` is it with `train_activations_recomputed`. `serve` is `serve_weights`, in the format
    `weights`, and `serve_kv_cache`, in `cache`. Raises InputError for a format that is not in DTYPE_BYTES.
    """
    for name in (weights, cache):
        if name not in DTYPE_BYTES:
            raise InputError(f"format: expected one of {', '.join(DTYPE_BYTES)}, got {name!r}")
    kept, again = (train_memory(arch, seq_len, sequences=batch, recompute=recompute) for recompute in (False, True))
    per_weight, per_value = DTYPE_BYTES[weights], DTYPE_BYTES[cache]
    return {
        "train": kept.total,
        "train_recomputed": again.total,
        "train_state": kept.total - kept.activations,
        "train_weights": kept.weights,
        "train_gradients": kept.gradients,
        "train_optimizer": kept.optimizer,
        "train_activations": kept.activations,
        "train_activations_recomputed": again.activations,
        "serve": serve_bytes(arch, seq_len, batch, per_weight, per_value),
        "serve_weights": serve_bytes(arch, seq_len, 0, per_weight, per_value),
        "serve_kv_cache": kv_cache_bytes(arch, seq_len, batch, per_value),
    }
