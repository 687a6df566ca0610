"""The processes that train one run: how many, on how many machines, and the command that starts those of a machine."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from isoflop.errors import InputError
from isoflop.runs.folder import RunFolder

Device = Literal["cpu", "cuda"]
RENDEZVOUS = (
    'export PET_RDZV_ENDPOINT="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)'
    ':$((20000 + SLURM_JOB_ID % 10000))"'
)
"""Shell line of a Slurm job on several machines: where its torchruns meet, which they read as the default of
--rdzv-endpoint (torch 2.13, torch/distributed/argparse_util.py). The first machine of the job, at a port of its own."""

STEP_CPUS = 'export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}"'
"""Shell line of a Slurm job: since Slurm 22.05 srun takes the cores of a task from this variable alone, and without it
gives a task one (srun(1), --cpus-per-task)."""


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The processes of one run: a process a device."""

    count: int = 1
    device: Device = "cpu"
    """The trainer's option --device; all NVIDIA and AMD accelerators are `cuda` to PyTorch."""
    per_machine: int = 1
    """At most, on one machine."""
    shared_bytes: float = 0.0
    """CPU memory that all on one machine take together, in addition to what each takes."""

    def __post_init__(self) -> None:
        if self.count % self.machines:
            raise InputError(
                f"layout: {self.count} processes do not divide over {self.machines} machines of {self.per_machine}; "
                f"expected a multiple of {self.per_machine}, or at most {self.per_machine}"
            )

    @property
    def machines(self) -> int:
        """Machines that they fill."""
        return -(-self.count // self.per_machine)

    @property
    def each(self) -> int:
        """Processes on one machine."""
        return self.count // self.machines

    @property
    def gpus_each(self) -> int:
        """Accelerators that one machine gives."""
        return self.each if self.device == "cuda" else 0

    def as_json(self) -> dict[str, int | str]:
        """`{processes, machines, processes_per_machine, gpus_per_machine, device}`."""
        return {
            "processes": self.count,
            "machines": self.machines,
            "processes_per_machine": self.each,
            "gpus_per_machine": self.gpus_each,
            "device": self.device,
        }


ONE_PROCESS = Processes()


def trainer_command(
    folder: RunFolder, corpus: Path | None, processes: Processes = ONE_PROCESS, library: str = "own"
) -> list[str]:
    """What one machine runs to train `folder`, on the text in `corpus` or in the one next to runs/, with that library.

    torchrun is started as the module that it is: the program need not be on the path of a cluster's machines. With -P
    nothing is imported from the working folder, which may be a study of somebody else.
    """
    trainer = ["-m", "isoflop.train", str(folder.path.resolve())]
    if corpus is not None:
        trainer += ["--corpus", str(corpus.resolve())]
    if processes.device != "cpu":
        trainer += ["--device", processes.device]
    if library != "own":
        trainer += ["--library", library]
    if processes.count == 1:
        return [sys.executable, "-P", *trainer]
    meeting = ["--standalone"]
    if processes.machines > 1:
        meeting = ["--nnodes", str(processes.machines), "--rdzv-backend", "c10d", "--rdzv-id", folder.run_id]
    return [sys.executable, "-P", "-m", TORCHRUN, *meeting, "--nproc-per-node", str(processes.each), *trainer]


TORCHRUN = "torch.distributed.run"
"""The module behind the program `torchrun`."""
