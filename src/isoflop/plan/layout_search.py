"""The layout in which so many devices train a shape fastest, of those that fit into their memory."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache

from isoflop.arch import Architecture
from isoflop.arch.layout import MIXED, RECOMPUTE, Formats, Layout, Recompute, TrainingSetup
from isoflop.arch.memory import TrainMemory, train_memory
from isoflop.arch.step_time import StepTime, step_time
from isoflop.codec import JsonObject, to_json
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.hardware import Hardware

MEMORY_SHARE = 0.9
"""Share of a device's memory that a run may fill by this account: the rest is for the allocator and for communication.
The account is 6 % below what torchtitan measured on 8 and on 128 H100 (docs/devices.md)."""
# Devices that a matrix is split over at most: a node of GPUs has 8; PaLM on its pods took 12.
_MOST_TENSOR = 16
# Devices that share one state at most. A step's time knows bandwidths and no latencies, so that larger groups than
# published runs formed (PaLM: 256; Llama 3: 128) would look better than they are.
_MOST_SHARDED = 256
# Pieces of a stage that are tried: 3 in Korthikanti et al. 2022, 8 in Llama 3 (Grattafiori et al. 2024).
_INTERLEAVED = (1, 2, 4, 8)
# By how much the fullest stage may hold more layers than the mean: 128 slots for the 126 layers of Llama 3 are 1.016.
_MOST_UNEVEN = 1.1


@dataclass(frozen=True, kw_only=True)
class LayoutEstimate:
    """A layout on devices, with the memory and the time of a step that are predicted for it."""

    device: str
    layout: Layout
    micro_batch_sequences: int
    """Sequences that each group of devices works on at once."""
    micro_batches: int
    """Micro-batches of one step, one after another, whose gradients are summed."""
    recompute: Recompute
    seq_len: int
    memory: TrainMemory
    """Memory on the fullest device."""
    device_bytes: float
    """Memory of one device."""
    time: StepTime
    """Time of one step."""

    @property
    def batch_sequences(self) -> int:
        """Sequences of one step."""
        return self.layout.batch_ways * self.micro_batch_sequences * self.micro_batches

    def as_json(self) -> JsonObject:
        """The fields with the degrees of the layout among them, and what follows from them."""
        return {
            "device": self.device,
            "count": self.layout.devices,
            **asdict(self.layout),
            "micro_batch_sequences": self.micro_batch_sequences,
            "micro_batches": self.micro_batches,
            "batch_sequences": self.batch_sequences,
            "batch_tokens": self.batch_sequences * self.seq_len,
            "recompute": self.recompute,
            "memory_bytes": to_json(self.memory),
            "device_bytes": self.device_bytes,
            "step": to_json(self.time),
        }


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What is trained on which kind of device: the part of the question that every layout of a search shares."""

    arch: Architecture
    seq_len: int
    hardware: Hardware
    formats: Formats
    recompute: tuple[Recompute, ...]
    """Settings that may be used, the one that recomputes least first."""

    def _setup(self, layout: Layout, sequences: int, recompute: Recompute) -> TrainingSetup:
        return TrainingSetup(
            seq_len=self.seq_len, sequences=sequences, layout=layout, formats=self.formats, recompute=recompute
        )

    def memory(self, layout: Layout, sequences: int, recompute: Recompute) -> TrainMemory:
        """Memory on the fullest device with micro-batches of `sequences`."""
        return train_memory(self.arch, self._setup(layout, sequences, recompute))

    def least_recompute(self, layout: Layout, sequences: int) -> tuple[Recompute, TrainMemory] | None:
        """The setting that recomputes least and fits, with its memory; None where none fits."""
        for recompute in self.recompute:
            memory = self.memory(layout, sequences, recompute)
            if memory.total <= MEMORY_SHARE * self.hardware.memory_bytes:
                return recompute, memory
        return None

    def estimate(
        self, layout: Layout, sequences: int, steps: int, memory_of: tuple[Recompute, TrainMemory]
    ) -> LayoutEstimate:
        """The estimate of a layout whose step is `steps` micro-batches of `sequences`."""
        recompute, memory = memory_of
        return LayoutEstimate(
            device=self.hardware.name,
            layout=layout,
            micro_batch_sequences=sequences,
            micro_batches=steps,
            recompute=recompute,
            seq_len=self.seq_len,
            memory=memory,
            device_bytes=self.hardware.memory_bytes,
            time=step_time(
                self.arch,
                self._setup(layout, sequences, recompute),
                self.hardware,
                batch=layout.batch_ways * sequences * steps,
            ),
        )


def _any(layout: Layout) -> bool:
    """True: a trainer that takes every layout."""
    del layout
    return True


def find_layout(
    arch: Architecture,
    seq_len: int,
    hardware: Hardware,
    count: int,
    *,
    batch: int,
    batch_slack: float = 0.0,
    formats: Formats = MIXED,
    recompute: tuple[Recompute, ...] = RECOMPUTE,
    takes: Callable[[Layout], bool] = _any,
) -> LayoutEstimate:
    """The layout of `count` devices that trains most tokens a second, of those that fit into their memory.

    A step has `batch` sequences of `seq_len` tokens, or the nearest number that divides over the devices within
    `batch_slack` of it. Each layout recomputes only what it must, in one of the ways `recompute`, least first, that
    its trainer has; layouts that the trainer does not take (`takes`) are left out. Raises RefusedError `does_not_fit`
    with the least number of devices that would do, or `no_layout` where no layout shares such a batch; InputError where
    the catalogue lacks what a step's time needs of the device.
    """
    job = _Job(arch=arch, seq_len=seq_len, hardware=hardware, formats=formats, recompute=recompute)
    best: LayoutEstimate | None = None
    shared = False
    for layout in filter(takes, _layouts(arch, hardware, count)):
        for micro, steps in _micro_batches(layout.batch_ways, batch, batch_slack):
            shared = True
            fitting = job.least_recompute(layout, micro)
            if fitting is None:
                break  # larger micro-batches, which come next, take more memory
            estimate = job.estimate(layout, micro, steps, fitting)
            if best is None or estimate.time.tokens_per_second > best.time.tokens_per_second:
                best = estimate
    if best is not None:
        return best
    if not shared:
        raise RefusedError(
            "no_layout",
            f"no layout of {count} {hardware.name} shares a batch of {batch} sequences evenly; "
            f"take another number of devices, or a larger batch",
        )
    raise RefusedError("does_not_fit", _too_few(job, count, batch, takes))


def evaluate_layout(
    arch: Architecture,
    seq_len: int,
    hardware: Hardware,
    layout: Layout,
    *,
    batch: int,
    batch_slack: float = 0.0,
    sequences: int = 1,
    formats: Formats = MIXED,
    recompute: Recompute | None = None,
) -> LayoutEstimate:
    """The estimate of one layout, whether it fits or not, with micro-batches of `sequences` of `seq_len` tokens.

    A step has `batch` sequences, or the nearest number that divides within `batch_slack` of it. Without `recompute`,
    the setting that recomputes least and fits, or `full` where none does. Raises InputError where batch or shape do
    not divide so, or the catalogue lacks what a step's time needs of the device.
    """
    at_once = layout.batch_ways * sequences
    steps = round(batch / at_once)
    if steps < 1 or abs(steps * at_once / batch - 1) > batch_slack:
        raise InputError(
            f"batch: expected a multiple of {layout.batch_ways} x {sequences} sequences of {seq_len} tokens, the "
            f"devices that share it times the micro-batch, got {batch}"
        )
    job = _Job(arch=arch, seq_len=seq_len, hardware=hardware, formats=formats, recompute=RECOMPUTE)
    memory_of = None if recompute else job.least_recompute(layout, sequences)
    if memory_of is None:
        setting = recompute or "full"
        memory_of = setting, job.memory(layout, sequences, setting)
    return job.estimate(layout, sequences, steps, memory_of)


def estimate_or_notice(
    search: Callable[[], LayoutEstimate],
) -> tuple[LayoutEstimate | None, tuple[Notice, ...]]:
    """(the estimate that `search` returns, no notice) or (None, `no_placement` with the reason that it raised)."""
    try:
        return search(), ()
    except (InputError, RefusedError) as error:
        return None, (Notice(code="no_placement", message=str(error)),)


def _layouts(arch: Architecture, hardware: Hardware, count: int) -> Iterator[Layout]:
    """Layouts of `count` devices that a search evaluates, in no order."""
    node = min(hardware.node_devices or _MOST_TENSOR, _MOST_TENSOR)
    for tensor in _divisors(count):
        # tensor parallelism communicates in every layer: it stays within a node, and splits whole heads
        if tensor > node or arch.n_heads % tensor:
            continue
        for pipeline in _stages(arch, count // tensor):
            rest = count // (tensor * pipeline)
            for sharded in (ways for ways in _divisors(rest) if ways <= _MOST_SHARDED):
                for pieces in _INTERLEAVED:
                    # + 2: embedding and head may be pieces of their own (Layout.check)
                    if pieces == 1 or (pipeline > 1 and pipeline * pieces <= arch.n_layers + 2):
                        degrees = {"data": rest // sharded, "sharded": sharded, "tensor": tensor, "pipeline": pipeline}
                        for spread in _spreads(arch, rest, sharded):
                            yield Layout(**degrees, interleaved=pieces, expert=spread)


def _spreads(arch: Architecture, ways: int, sharded: int) -> Iterator[int]:
    """Numbers of devices, among the `ways` that share a batch, over which the experts may be spread; 1 without any."""
    for spread in _divisors(math.gcd(arch.n_experts or 1, ways)):
        if sharded % spread == 0 or spread % sharded == 0:
            yield spread


def _stages(arch: Architecture, count: int) -> Iterator[int]:
    """Numbers of stages that divide the devices and nearly divide the layers."""
    for stages in _divisors(count):
        if stages <= arch.n_layers and math.ceil(arch.n_layers / stages) * stages <= _MOST_UNEVEN * arch.n_layers:
            yield stages


@cache
def _divisors(number: int) -> tuple[int, ...]:
    low = [part for part in range(1, math.isqrt(number) + 1) if number % part == 0]
    return tuple(sorted({*low, *(number // part for part in low)}))


@cache
def _micro_batches(ways: int, batch: int, slack: float) -> tuple[tuple[int, int], ...]:
    """(sequences of a micro-batch, micro-batches of a step), the smallest first: `batch` over `ways` groups."""
    share = round(batch / ways)
    if share < 1 or abs(share * ways / batch - 1) > slack:
        return ()
    return tuple((micro, share // micro) for micro in _divisors(share))


def _too_few(job: _Job, count: int, batch: int, takes: Callable[[Layout], bool]) -> str:
    """The message that nothing fits into `count` devices, with the least number of devices that would do."""
    arch, hardware = job.arch, job.hardware
    node = min(hardware.node_devices or _MOST_TENSOR, _MOST_TENSOR)
    enough = None
    for tensor in (ways for ways in _divisors(arch.n_heads) if ways <= node):
        for pipeline in range(1, arch.n_layers + 1):
            if math.ceil(arch.n_layers / pipeline) * pipeline > _MOST_UNEVEN * arch.n_layers:
                continue
            ways = min(batch, _MOST_SHARDED)
            if enough is not None:
                ways = min(ways, (enough - 1) // (tensor * pipeline))  # only fewer devices than are known to do
            every = (Layout(tensor=tensor, pipeline=pipeline, sharded=part) for part in range(1, ways + 1))
            layouts = list(filter(takes, every))
            # the more devices share a state, the less each holds: the first that fits, by bisection
            first = bisect.bisect_left(layouts, True, key=lambda one: job.least_recompute(one, 1) is not None)
            if first < len(layouts):
                enough = layouts[first].devices
    needs = (
        f"{arch.params().total:,} parameters and one sequence of {job.seq_len} tokens do not fit into {count} "
        f"{hardware.name}"
    )
    if enough is None:
        return f"{needs}, nor into any number of them"
    return f"{needs}; the least that would hold them is {enough}"
