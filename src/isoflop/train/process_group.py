"""The processes that train one run together, and how they agree.

torchrun starts them and sets each one's rank in the environment; a trainer started alone is a group of one, for which
nothing here communicates.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import distributed
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from isoflop.arch.layout import Layout
from isoflop.errors import InputError, IsoflopError
from isoflop.runs.out_of_memory import config_after_out_of_memory, memory_here
from isoflop.runs.parallel_config import MatmulPrecision, ParallelConfig, parallel_config_file, read_parallel_config
from isoflop.train.device import kind_of, mfu, name_of, products_on

T = TypeVar("T")


class FailedOnAnotherRank(IsoflopError):
    """Another rank of the group failed; it reports the reason, and this process exits with the same code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("another process of this run failed")
        self.exit_code = exit_code


@dataclass(frozen=True, kw_only=True)
class ProcessGroup:
    """The processes of one run, laid out as its launch.json says."""

    launch: ParallelConfig
    device: str = "cpu"
    """Device of this process: `cpu`, `cuda`, or `cuda:3` for the fourth process of a machine."""
    rank: int = 0
    """Rank of this process, from 0. Ranks of one tensor-parallel group are consecutive: on the fastest network."""
    mesh: DeviceMesh | None = None
    """Device mesh of the layout, dimensions `data`, `sharded` and `tensor`; None in a group of one."""
    checkpoint_group: distributed.ProcessGroup | None = None
    """The same processes once more, for the threads that write checkpoints; None in a group of one. Collectives of one
    group must be called in one order, which two threads cannot promise each other."""

    @property
    def layout(self) -> Layout:
        """How the model and the batch are divided over the group."""
        return self.launch.layout

    @property
    def size(self) -> int:
        """Number of processes."""
        return self.layout.devices

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which holds the lock and writes metrics, checkpoints' progress and result."""
        return self.rank == 0

    @property
    def device_description(self) -> str:
        """The device of a result: `cpu`, or `4 x NVIDIA H100 80GB HBM3`."""
        name = name_of(self.device)
        return name if self.size == 1 else f"{self.size} x {name}"

    @property
    def products(self) -> MatmulPrecision:
        """Precision of matrix products."""
        return products_on(self.device, self.launch.products)

    @property
    def compiled(self) -> bool:
        """Whether torch.compile compiles the layers: by default on one GPU; several processes must request it.

        A sweep's worker does not: for every shape it would take longer than a small run trains.
        """
        if self.launch.compiled is not None:
            return self.launch.compiled
        return self.size == 1 and kind_of(self.device) == "cuda" and memory_here() == "core"

    def local_sequences(self, sequences: int) -> tuple[int, int]:
        """(first, last + 1) of the batch's `sequences` on this process; shares differ by at most one sequence."""
        # the ranks of one tensor-parallel group take the same sequences
        ways, index = self.layout.batch_ways, self.rank // self.layout.tensor
        return index * sequences // ways, (index + 1) * sequences // ways

    def chunks(self, sequences: int, at_a_time: int | None) -> list[tuple[int, int]]:
        """(first, last + 1) of each chunk of this process's share, of at most `at_a_time` sequences.

        Every process has as many chunks, some of them empty: each is a forward pass with its collectives.
        """
        first, last = self.local_sequences(sequences)
        largest = -(-sequences // self.layout.batch_ways)
        size = min(at_a_time or largest, largest)
        count = -(-largest // size)
        return [(min(first + i * size, last), min(first + (i + 1) * size, last)) for i in range(count)]

    def micro_batch(self, sequences: int) -> int:
        """Sequences of a micro-batch, of a batch of `sequences`, as launch.json says."""
        largest = -(-sequences // self.layout.batch_ways)
        return min(self.launch.micro_batch_sequences or largest, largest)

    def micro_batches(self, sequences: int) -> list[tuple[int, int]]:
        """`chunks` of a batch in micro-batches, as launch.json says."""
        return self.chunks(sequences, self.micro_batch(sequences))

    def all_reduce_sum(self, *values: float) -> list[float]:
        """Each value summed over all processes, in float64."""
        return list(values) if self.size == 1 else _all_reduce_sum(values)

    def broadcast_from_main(self, values: Sequence[float]) -> list[float]:
        """`values` of the main process, on every process."""
        (count,) = self.all_reduce_sum(len(values) if self.is_main else 0)
        return self.all_reduce_sum(*(values if self.is_main else [0.0] * int(count))) if count else []

    def mfu(self, flops_per_second: float) -> float | None:
        """`flops_per_second` of all processes over the peak of their devices (0 to 1); None where it is not known."""
        return mfu(flops_per_second, name=name_of(self.device), products=self.products, devices=self.size)


SINGLE_PROCESS = ProcessGroup(launch=ParallelConfig())


def _all_reduce_sum(
    values: tuple[float, ...] | list[float], over: distributed.ProcessGroup | None = None
) -> list[float]:
    tensor = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(tensor, group=over)
    summed: list[float] = tensor.tolist()
    return summed


def on_all_ranks(action: Callable[[], T], over: distributed.ProcessGroup | None = None) -> T:
    """What `action`, which must not communicate, returns on this rank, once it has succeeded on all ranks.

    All ranks must decide together: one that stopped alone would deadlock the rest. They agree in the group `over`, by
    default that of all ranks; a thread needs a group of its own. Raises the error on the lowest rank that has one, and
    FailedOnAnotherRank on all others, so that it is reported once.
    """
    if not distributed.is_initialized():
        return action()
    problem: IsoflopError | None = None
    # one place per rank, in which only that rank writes: the sum tells every rank who failed with which exit code
    codes = [0.0] * distributed.get_world_size()
    try:
        value = action()
    except IsoflopError as error:
        problem = error
        codes[distributed.get_rank()] = float(error.exit_code)
    codes = _all_reduce_sum(codes, over)
    if not any(codes):
        return value
    failed = next(rank for rank, code in enumerate(codes) if code)
    if problem is not None and failed == distributed.get_rank():
        raise problem
    raise FailedOnAnotherRank(int(codes[failed]))


def is_launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def connect(device: str) -> str:
    """Join the processes that torchrun started; returns the device of this one: on `cuda`, a GPU of its own."""
    if device == "cuda":
        device = f"cuda:{int(os.environ['LOCAL_RANK'])}"
        torch.cuda.set_device(torch.device(device))
        # sums of a few numbers stay on the CPU, where they do not wait for the GPU's queue
        distributed.init_process_group("cpu:gloo,cuda:nccl")
    else:
        distributed.init_process_group("gloo")
    return device


def disconnect() -> None:
    """Leave the group, if there is one."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def join(folder: Path, device: str) -> ProcessGroup:
    """The group that trains the run folder `folder` on these processes, by its launch.json where there is one.

    Raises InputError when launch.json needs another number of processes, FailedOnAnotherRank when another rank does.
    """
    size = distributed.get_world_size() if distributed.is_initialized() else 1
    launch = on_all_ranks(lambda: _launch(folder, size))
    if size == 1:
        return ProcessGroup(launch=launch, device=device)
    layout = launch.layout
    mesh = init_device_mesh(
        kind_of(device),
        (layout.data, layout.sharded, layout.tensor),
        mesh_dim_names=("data", "sharded", "tensor"),
    )
    checkpoint_group = distributed.new_group(backend="gloo")
    return ProcessGroup(
        launch=launch, device=device, rank=distributed.get_rank(), mesh=mesh, checkpoint_group=checkpoint_group
    )


def _launch(folder: Path, size: int) -> ParallelConfig:
    launch = read_parallel_config(folder) or ParallelConfig(layout=Layout(sharded=size))
    if launch.layout.devices != size:
        raise InputError(
            f"{parallel_config_file(folder)}: lays the run over {launch.layout.devices} processes, this start has "
            f"{size}; "
            f"start torchrun with --nproc-per-node {launch.layout.devices}, or change the file or delete it"
        )
    return config_after_out_of_memory(folder, launch)
