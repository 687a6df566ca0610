"""How one model is laid out over devices, and in which formats it is stored."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from isoflop.arch.architecture import Architecture
from isoflop.errors import InputError

Recompute = Literal["none", "selective", "full"]
"""What the backward pass recomputes. `none`: nothing. `selective`: every second matrix product and everything cheap, as
PyTorch's selective checkpointing does in torchtitan. `full`: whole layers, of which only the input is stored."""
HiddenOptimizer = Literal["adamw", "muon"]
"""What trains the hidden matrices; AdamW trains everything else."""
RECOMPUTE: tuple[Recompute, ...] = get_args(Recompute)


@dataclass(frozen=True, kw_only=True)
class Formats:
    """Bytes per parameter, activation and logit in training."""

    weights: int = 2
    gradients: int = 2
    """In the format in which they are accumulated."""
    gradients_again: int = 0
    """A second copy, where the backward pass produces them in another format than that of accumulation."""
    master: int = 4
    """The copy of the weights that the optimiser updates; 0 where it updates the weights themselves."""
    moments: int = 8
    """Both moments of Adam."""
    hidden_moments: int | None = None
    """Of the hidden matrices where they have another optimiser: the one momentum of Muon is 4; None: as the rest."""
    activations: int = 2
    """Also of weights gathered for computation."""
    logits: int = 12
    """Per logit, at the peak: its log-probability, the gradient of that and its own gradient, 32 bits each, as in
    PyTorch's cross-entropy (tests/train/test_activations.py)."""

    @property
    def state(self) -> int:
        """Bytes per parameter, without activations."""
        return self.weights + self.gradients + self.gradients_again + self.master + self.moments

    def with_optimizer(self, hidden: HiddenOptimizer) -> Formats:
        """These formats where `hidden` trains the hidden matrices: Muon has one momentum of 32 bits, Adam both."""
        return replace(self, hidden_moments=4) if hidden == "muon" else self


MIXED = Formats()
"""16-bit weights, gradients and activations, 32-bit copy and moments (Micikevicius et al. 2018): 16 bytes."""
MIXED_GRADIENTS_32 = Formats(gradients=4)
"""The same with gradients summed up in 32 bits, as Megatron-LM does for bfloat16: 18 bytes."""
MIXED_GRADIENTS_TWICE = Formats(gradients=4, gradients_again=2)
"""16-bit gradients in addition to those sums, as Smith et al. 2022, section 2.1, and DeepSpeed's pipeline: 20 bytes."""
SHARDS_32 = Formats(weights=4, gradients=4, master=0)
"""32-bit shards of weights and gradients, gathered to compute with in 16 bits, as PyTorch's FSDP does: 16 bytes."""
FLOAT32 = Formats(weights=4, gradients=4, master=0, activations=4)
"""The formats of isoflop's own trainer: 16 bytes."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one model is laid out over devices; their number is the product of the first four.

    With experts spread (`expert`), devices that share a batch send each token to those that hold its experts.
    """

    data: int = 1
    """Replicas, each with the whole model and a share of the batch."""
    sharded: int = 1
    """Devices that shard the state of one replica, and its batch: the whole state (ZeRO stage 3, FSDP), or, in a
    pipeline, the optimiser's (ZeRO stage 1), since gathering weights for every micro-batch would cost too much."""
    tensor: int = 1
    """Devices over which every matrix is split; activations too, by heads or columns, else along the sequence."""
    pipeline: int = 1
    """Stages over which the layers are split, with one micro-batch in flight per stage (1F1B)."""
    interleaved: int = 1
    """Pieces of each stage's layers, alternating with the other stages' (Narayanan et al. 2021, 2104.04473, 2.2)."""
    expert: int = 1
    """Devices among `data` x `sharded` over which the routed experts of a layer are spread, each with whole ones
    (Lepikhin et al. 2020, 2006.16668, section 3.2)."""

    def __post_init__(self) -> None:
        problems = [
            f"{field.name}: expected a whole number of at least 1, got {getattr(self, field.name)!r}"
            for field in fields(self)
            if not isinstance(getattr(self, field.name), int) or getattr(self, field.name) < 1
        ]
        if not problems and (
            self.batch_ways % self.expert or (self.sharded % self.expert and self.expert % self.sharded)
        ):
            problems.append(
                f"expert: expected a divisor of data x sharded = {self.batch_ways}, and a divisor or a multiple of "
                f"sharded = {self.sharded}, got {self.expert}"
            )
        if problems:
            raise InputError.gathered("layout", problems)

    @property
    def devices(self) -> int:
        """Devices of the whole run."""
        return self.data * self.sharded * self.tensor * self.pipeline

    @property
    def batch_ways(self) -> int:
        """Number of devices, or groups of them, that each have a share of the batch."""
        return self.data * self.sharded

    def check(self, arch: Architecture) -> None:
        """Raises InputError where `arch` does not split into it: more stages than layers, heads that do not divide."""
        problems = []
        if self.pipeline > arch.n_layers:
            problems.append(f"pipeline: expected at most n_layers={arch.n_layers} stages, got {self.pipeline}")
        # + 2: embedding and head may be pieces of their own, as in Llama 3 (Grattafiori et al. 2024, section 3.3.2)
        elif self.pipeline * self.interleaved > arch.n_layers + 2:
            problems.append(
                f"interleaved: expected at most {(arch.n_layers + 2) // self.pipeline} pieces of a stage of "
                f"{arch.n_layers} layers in {self.pipeline}, got {self.interleaved}"
            )
        if arch.n_heads % self.tensor:
            problems.append(f"tensor: expected a divisor of n_heads={arch.n_heads}, got {self.tensor}")
        if self.expert > 1 and (arch.n_experts or 1) % self.expert:
            problems.append(f"expert: expected a divisor of the experts, {arch.n_experts or 'none'}, got {self.expert}")
        if problems:
            raise InputError.gathered("layout", problems)


ONE_DEVICE = Layout()


@dataclass(frozen=True, kw_only=True)
class TrainingSetup:
    """How a shape is trained: with the device, all that decides memory and step time besides the shape."""

    seq_len: int
    """Tokens of a sequence."""
    sequences: int = 1
    """Sequences of a micro-batch, for each group of devices that shares one."""
    layout: Layout = ONE_DEVICE
    formats: Formats = MIXED
    recompute: Recompute = "none"
    sequence_parallel: bool = True
    """Whether activations that tensor parallelism does not split are split along the sequence. Engines before 2022, and
    isoflop's own trainer, keep sequences whole on tensor-parallel devices."""

    @property
    def micro_batch_tokens(self) -> int:
        """Tokens of a micro-batch."""
        return self.sequences * self.seq_len
