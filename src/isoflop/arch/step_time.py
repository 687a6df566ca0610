"""Seconds of one optimiser step of a shape in a layout on a kind of device, by what they are spent on.

The hardware's FLOPs at the rate that products reach on the device, the memory traffic between products at its
bandwidth, and the communication that computation cannot hide, stretched by the pipeline's bubble. Two shares are in no
data sheet, that of the peak (`Hardware.product_share`) and that of the links (`LINK_SHARE`): both come from other runs
than those with which docs/devices.md compares the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from isoflop.arch.activations import layer_values
from isoflop.arch.architecture import Architecture
from isoflop.arch.families.table import family_named
from isoflop.arch.flops import flops_per_token
from isoflop.arch.layout import Layout, Recompute, TrainingSetup
from isoflop.arch.memory import expert_params_per_device, held_per_device, params_per_device
from isoflop.codec import JsonObject
from isoflop.errors import InputError
from isoflop.hardware import Hardware

LINK_SHARE = 370 / 450
"""Share of a link's bandwidth that a large all-reduce reaches: 370 of 450 GB/s on eight H100 (Austin et al. 2025, How
to Scale Your Model, section on GPUs)."""
# How often each value that a layer keeps crosses the memory bus outside products: written and read in the forward pass,
# read in the backward pass, where its gradient is written and read; written and read once more where it is recomputed.
_PASSES, _PASSES_AGAIN = 5, 2

PUBLISHED_OVER_PREDICTED = (0.875, 1.306)
"""Least and greatest ratio of a published step's seconds to those predicted: 24 steps, docs/devices.md."""


@dataclass(frozen=True, kw_only=True)
class StepTime:
    """Seconds of one optimiser step, by what they are spent on; they add up."""

    compute: float
    """Matrix products and the values between them, on the busiest stage."""
    tensor: float
    """Collectives of tensor parallelism, none of them hidden: the next product needs their result."""
    sharded: float
    """Gathering sharded weights and scattering gradients, beyond what computation hides."""
    experts: float
    """Sending tokens to the devices that hold their experts, and back, none of it hidden."""
    pipeline: float
    """The pipeline's bubble, and sending activations to the next stage."""
    data: float
    """Summing gradients over replicas once a step, none of it hidden: neither PaLM (Chowdhery et al. 2022, section 4)
    nor Megatron-LM (Korthikanti et al. 2022, section 6.3) hid it."""
    optimizer: float
    """Reading and writing the optimiser's state once."""
    tokens: int
    """Tokens of one step, over all devices."""
    peak_flops: float
    """Peak FLOP/s of all devices together."""
    model_flops: float
    """`palm_mfu` FLOPs of the step: nothing computed twice."""

    @property
    def seconds(self) -> float:
        """Seconds of the whole step."""
        return self.compute + self.tensor + self.sharded + self.experts + self.pipeline + self.data + self.optimizer

    @property
    def seconds_range(self) -> tuple[float, float]:
        """`seconds` times the range of published over predicted steps: all published ones lie within theirs."""
        fast, slow = PUBLISHED_OVER_PREDICTED
        return fast * self.seconds, slow * self.seconds

    @property
    def utilization_range(self) -> tuple[float, float]:
        """`utilization` at the slow and at the fast end of `seconds_range`."""
        fast, slow = PUBLISHED_OVER_PREDICTED
        return self.utilization / slow, self.utilization / fast

    @property
    def utilization(self) -> float:
        """Model FLOPs over the peak, attention included (Chowdhery et al. 2022, Appendix B)."""
        return self.model_flops / self.peak_flops / self.seconds

    @property
    def tokens_per_second(self) -> float:
        """Tokens per second of all devices together."""
        return self.tokens / self.seconds

    def as_json(self) -> JsonObject:
        """A JSON object: seconds by part, and what follows from their sum."""
        parts = ("compute", "tensor", "sharded", "experts", "pipeline", "data", "optimizer")
        return {
            "seconds": self.seconds,
            "seconds_range": list(self.seconds_range),
            "seconds_by_part": {part: getattr(self, part) for part in parts},
            "utilization": self.utilization,
            "utilization_range": list(self.utilization_range),
            "tokens": self.tokens,
            "tokens_per_second": self.tokens_per_second,
        }


def step_time(
    arch: Architecture, setup: TrainingSetup, hardware: Hardware, *, batch: int, product_share: float | None = None
) -> StepTime:
    """One step of `batch` sequences in total, in micro-batches as `setup` says.

    `product_share` replaces the catalogue's. Raises InputError where the batch does not divide into
    micro-batches, the shape does not split so, or the catalogue lacks what the layout needs of the device.
    """
    layout, formats = setup.layout, setup.formats
    layout.check(arch)
    micro_batches, over = divmod(batch, layout.batch_ways * setup.sequences)
    if over or not micro_batches:
        raise InputError(
            f"batch: expected a multiple of {layout.batch_ways} x {setup.sequences} sequences, "
            f"the devices that share it times the micro-batch, got {batch}"
        )
    rate = _product_rate(hardware, product_share)
    compute, tensor = _stage(arch, setup, hardware, rate)
    sending, exchanged = _sending(arch, setup, hardware), _exchanging(arch, setup, hardware)
    held = held_per_device(arch, layout)
    return StepTime(
        compute=micro_batches * compute,
        tensor=micro_batches * tensor,
        sharded=_sharding(arch, setup, hardware, micro_batches, compute),
        experts=micro_batches * exchanged,
        pipeline=micro_batches * sending
        + (layout.pipeline - 1) / layout.interleaved * (compute + tensor + exchanged + sending),
        data=_ring(hardware, layout.data, layout.sharded * layout.tensor, 2 * held * formats.gradients),
        optimizer=(2 * formats.state + formats.gradients) * held / hardware.bandwidth,
        tokens=batch * setup.seq_len,
        peak_flops=layout.devices * hardware.peak_flops[hardware.training_format],
        model_flops=batch * setup.seq_len * flops_per_token(arch, setup.seq_len, "palm_mfu"),
    )


def _product_rate(hardware: Hardware, share: float | None) -> float:
    """FLOP/s of one device's matrix products in training."""
    share = hardware.product_share if share is None else share
    if share is None:
        raise InputError(
            f"{hardware.name}: no published runs say how fast its products are in training, so its step time is unknown"
        )
    return hardware.peak_flops[hardware.training_format] * share


def _stage(arch: Architecture, setup: TrainingSetup, hardware: Hardware, rate: float) -> tuple[float, float]:
    """Seconds of one micro-batch on the busiest stage: (computing, collectives of tensor parallelism)."""
    layout, formats, tokens = setup.layout, setup.formats, setup.micro_batch_tokens
    ways = layout.tensor
    layer_flops, head_flops = _flops(arch, setup.seq_len, setup.recompute)
    layer = tokens * (layer_flops / ways / rate + _traffic(arch, setup) / hardware.bandwidth)
    head = tokens * (head_flops / ways / rate + 2 * formats.logits * arch.vocab_size / ways / hardware.bandwidth)
    # An all-reduce after attention and after the feed-forward (one for both in a parallel block), forward and backward,
    # and once more where the layer is recomputed (Shoeybi et al. 2019, section 3). With sequence parallelism it is a
    # scatter and a gather of the same bytes (Korthikanti et al. 2022, section 4.2.2): 2 x (ways - 1) / ways of them.
    sums = (1 if family_named(arch.family).parallel_block else 2) * (3 if setup.recompute == "full" else 2)
    summing = sums * _ring(hardware, ways, 1, 2 * tokens * arch.d_model * formats.activations)
    # the busiest stage is the last one, which has the head, or one of those with the most layers
    most = math.ceil(arch.n_layers / layout.pipeline)
    last = max(arch.n_layers - most * (layout.pipeline - 1), 0)
    if last * (layer + summing) + head >= most * (layer + summing):
        return last * layer + head, last * summing
    return most * layer, most * summing


def exchanged_bytes(arch: Architecture, setup: TrainingSetup) -> float:
    """Bytes a token and layer, forward, of sending it to its experts and of bringing their outputs back.

    2 x experts that it uses x d_model x the bytes of an activation, where every expert is on another device; of those
    spread over n devices 1 in n is on its own.
    """
    away = 1 - 1 / setup.layout.expert
    return 2 * (arch.active_experts or 0) * arch.d_model * setup.formats.activations * away


def _exchanging(arch: Architecture, setup: TrainingSetup, hardware: Hardware) -> float:
    """Seconds of one micro-batch's exchanges of tokens on the fullest stage; tensor-parallel devices share them.

    Forward, and the same again backward for gradients; once more where the layer is recomputed.
    """
    layout = setup.layout
    if layout.expert == 1:
        return 0.0
    times = 3 if setup.recompute == "full" else 2
    layers = math.ceil(arch.n_layers / layout.pipeline)
    amount = times * layers * setup.micro_batch_tokens * exchanged_bytes(arch, setup) / layout.tensor
    return amount / _bandwidth(hardware, layout.expert, layout.tensor)


def _sending(arch: Architecture, setup: TrainingSetup, hardware: Hardware) -> float:
    """Seconds of sending one micro-batch's activations to the next stage and its gradients back.

    Each device sends its share of the width, once per interleaved piece. Stages are tensor x sharded x data ranks
    apart.
    """
    layout = setup.layout
    if layout.pipeline == 1:
        return 0.0
    share = setup.micro_batch_tokens * arch.d_model * setup.formats.activations / layout.tensor
    return 2 * layout.interleaved * share / _bandwidth(hardware, 2, layout.tensor * layout.batch_ways)


@cache
def _flops(arch: Architecture, seq_len: int, recompute: Recompute) -> tuple[float, float]:
    """(of one layer, of the head): training FLOPs per token that the hardware does, recomputation included.

    The head is not recomputed. `selective` recomputes the products whose outputs `layer_values` omits: keys, the output
    of attention and, with a gate, the second product into the feed-forward; without a gate its last product is not
    needed again.
    """
    head = 6.0 * arch.vocab_size * arch.d_model
    layer = (flops_per_token(arch, seq_len, "matmul") - head) / arch.n_layers
    # the backward pass is two forward passes, and full recomputation a third forward one
    if recompute == "full":
        return layer * 4 / 3, head
    if recompute == "none":
        return layer, head
    gate = arch.feed_forward_width if family_named(arch.family).gated_feed_forward else 0
    return layer + 2.0 * arch.d_model * (arch.kv_width + arch.attention_width + gate), head


def _traffic(arch: Architecture, setup: TrainingSetup) -> float:
    """Bytes per token and layer that cross the memory bus between products."""
    passes = _PASSES + (_PASSES_AGAIN if setup.recompute != "none" else 0)
    return passes * setup.formats.activations * layer_values(arch, setup.layout.tensor)


def _bandwidth(hardware: Hardware, ways: int, stride: int) -> float:
    """Bytes per second that a collective over `ways` devices, `stride` ranks apart, moves through each of them.

    Devices of one node use its links; beyond it, all devices of one group in a node use the network in parallel. Raises
    InputError where the catalogue lacks these.
    """
    if hardware.node_devices is None or hardware.node_bandwidth is None:
        raise InputError(f"{hardware.name}: its links are not in the catalogue, so its step time is unknown")
    if ways * stride <= hardware.node_devices:
        return LINK_SHARE * hardware.node_bandwidth
    if hardware.network_bandwidth is None:
        raise InputError(f"{hardware.name}: the network between its nodes is not in the catalogue: no step time")
    in_parallel = max(1, hardware.node_devices // stride)
    return LINK_SHARE * min(hardware.node_bandwidth, in_parallel * hardware.network_bandwidth)


def _ring(hardware: Hardware, ways: int, stride: int, amount: float) -> float:
    """Seconds to gather or to scatter `amount` bytes over `ways` devices, `stride` ranks apart.

    A ring moves (ways - 1) / ways of them through each device (Thakur et al. 2005); an all-reduce is a
    scatter and a gather, so twice the amount.
    """
    return 0.0 if ways == 1 else amount * (ways - 1) / ways / _bandwidth(hardware, ways, stride)


def _sharding(
    arch: Architecture, setup: TrainingSetup, hardware: Hardware, micro_batches: int, compute: float
) -> float:
    """Seconds of gathers and scatters that computation does not hide.

    Without a pipeline each micro-batch gathers the weights twice and scatters their gradients, layer by layer, while
    other layers compute (Zhao et al. 2023, 2304.11277, section 3.3). In a pipeline both happen once a step, during the
    first and the last micro-batch (Grattafiori et al. 2024, 2407.21783, section 3.3.2). Experts that are spread are
    gathered among the devices that hold the same ones.
    """
    layout, formats = setup.layout, setup.formats
    if layout.sharded == 1:
        return 0.0
    if layout.pipeline > 1:
        once = _gathering(arch, layout, hardware, formats.activations + formats.gradients)
        return max(0.0, once - compute)
    once = _gathering(arch, layout, hardware, 2 * formats.activations + formats.gradients)
    return micro_batches * max(0.0, once - compute)


def _gathering(arch: Architecture, layout: Layout, hardware: Hardware, value_bytes: int) -> float:
    """Seconds in which every device gathers, or scatters, `value_bytes` of each parameter of its stage."""
    experts = expert_params_per_device(arch, layout)
    others = params_per_device(arch, layout) - experts
    whole = _ring(hardware, layout.sharded, layout.tensor, others * value_bytes)
    among = max(1, layout.sharded // layout.expert)
    return whole + _ring(hardware, among, layout.tensor * layout.expert, experts * value_bytes)
