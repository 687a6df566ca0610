"""The processes that train one run together: who they are, and how they come to one mind.

torchrun starts them and tells each its number by the environment; a trainer started alone is a group of one, and
nothing here costs it anything.
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
from isoflop.runs.out_of_memory import config_after_out_of_memory
from isoflop.runs.parallel_config import MatmulPrecision, ParallelConfig, parallel_config_file, read_parallel_config
from isoflop.train.device import kind_of, mfu, name_of, products_on

_Done = TypeVar("_Done")


class FailedOnAnotherRank(IsoflopError):
    """Another process of the group could not go on; it says why, and this one ends with the same exit code."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("another process of this run could not go on")
        self.exit_code = exit_code


@dataclass(frozen=True, kw_only=True)
class ProcessGroup:
    """The processes of one run, laid out as its launch says."""

    launch: ParallelConfig
    device: str = "cpu"
    """Where this process computes: `cpu`, `cuda`, or `cuda:3` for the fourth process of a machine."""
    rank: int = 0
    """Number of this process, from 0. Processes of one tensor group are neighbours, on the fastest network."""
    mesh: DeviceMesh | None = None
    """Process groups of the layout, dimensions `data`, `sharded` and `tensor`; None in a group of one."""
    checkpoint_group: distributed.ProcessGroup | None = None
    """The same processes, for the threads that write checkpoints while they train; None in a group of one."""

    @property
    def layout(self) -> Layout:
        """How the group shares the model and the batch."""
        return self.launch.layout

    @property
    def size(self) -> int:
        """Processes."""
        return self.layout.devices

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that holds the lock and writes the facts."""
        return self.rank == 0

    @property
    def device_description(self) -> str:
        """The device of a result: `cpu`, or `4 x NVIDIA H100 80GB HBM3`."""
        name = name_of(self.device)
        return name if self.size == 1 else f"{self.size} x {name}"

    @property
    def products(self) -> MatmulPrecision:
        """What matrix products are computed in."""
        return products_on(self.device, self.launch.products)

    @property
    def compiled(self) -> bool:
        """Whether kernels of the layers are made. Layers of many processes are not tried yet, and must be asked for."""
        asked = self.launch.compiled
        return self.size == 1 and kind_of(self.device) == "cuda" if asked is None else asked

    def local_sequences(self, sequences: int) -> tuple[int, int]:
        """First and last + 1 of the sequences of a batch that this process takes; shares differ by one at the most."""
        ways, mine = self.layout.batch_ways, self.rank // self.layout.tensor
        return mine * sequences // ways, (mine + 1) * sequences // ways

    def chunks(self, sequences: int, at_a_time: int | None) -> list[tuple[int, int]]:
        """(first, last + 1) of what this process takes at a time; as many turns in every process, some empty."""
        first, last = self.local_sequences(sequences)
        largest = -(-sequences // self.layout.batch_ways)
        size = min(at_a_time or largest, largest)
        count = -(-largest // size)
        return [(min(first + i * size, last), min(first + (i + 1) * size, last)) for i in range(count)]

    def micro_batch(self, sequences: int) -> int:
        """How many of the `sequences` of a batch this process takes at a time, as the launch says."""
        largest = -(-sequences // self.layout.batch_ways)
        return min(self.launch.micro_batch_sequences or largest, largest)

    def micro_batches(self, sequences: int) -> list[tuple[int, int]]:
        """`chunks` of a batch, as the launch says."""
        return self.chunks(sequences, self.micro_batch(sequences))

    def all_reduce_sum(self, *values: float) -> list[float]:
        """Each value summed over all processes."""
        return list(values) if self.size == 1 else _all_reduce_sum(values)

    def broadcast_from_main(self, values: Sequence[float]) -> list[float]:
        """`values` of the first process, in every process."""
        (count,) = self.all_reduce_sum(len(values) if self.is_main else 0)
        return self.all_reduce_sum(*(values if self.is_main else [0.0] * int(count))) if count else []

    def mfu(self, flops_per_second: float) -> float | None:
        """`flops_per_second` of all processes over the peak of their devices; None where that is not known."""
        return mfu(flops_per_second, name=name_of(self.device), products=self.products, devices=self.size)


SINGLE_PROCESS = ProcessGroup(launch=ParallelConfig())


def _all_reduce_sum(
    values: tuple[float, ...] | list[float], over: distributed.ProcessGroup | None = None
) -> list[float]:
    tensor = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(tensor, group=over)
    summed: list[float] = tensor.tolist()
    return summed


def on_all_ranks(action: Callable[[], _Done], over: distributed.ProcessGroup | None = None) -> _Done:
    """What `action`, which talks to no other process, returns, once it has succeeded in all that torchrun started.

    They agree in the group `over`, or in that of all there is. A thread needs one of its own.
    Raises its error in the first process that has one, and FailedOnAnotherRank in the others.
    """
    if not distributed.is_initialized():
        return action()
    problem: IsoflopError | None = None
    codes = [0.0] * distributed.get_world_size()
    try:
        done = action()
    except IsoflopError as error:
        problem = error
        codes[distributed.get_rank()] = float(error.exit_code)
    codes = _all_reduce_sum(codes, over)
    if not any(codes):
        return done
    speaker = next(rank for rank, code in enumerate(codes) if code)
    if problem is not None and speaker == distributed.get_rank():
        raise problem
    raise FailedOnAnotherRank(int(codes[speaker]))


def is_launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def connect(device: str) -> str:
    """Join the processes that torchrun started; returns the device of this one, a GPU each on `cuda`."""
    if device == "cuda":
        device = f"cuda:{int(os.environ['LOCAL_RANK'])}"
        torch.cuda.set_device(torch.device(device))
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

    Raises InputError when that asks for another number of processes, FailedOnAnotherRank when it does in another one.
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
