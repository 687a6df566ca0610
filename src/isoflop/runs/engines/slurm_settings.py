"""What the jobs of engine `slurm` ask for, from table [slurm] of study.toml to the options of submitit and sbatch."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from isoflop.errors import Notice
from isoflop.runs.engines.processes import ONE_PROCESS, RENDEZVOUS, STEP_CPUS, Processes
from isoflop.runs.engines.sbatch import MEMORY, CheckedLine, CheckedSbatch, asks_for_gpus, checked_sbatch, one_line
from isoflop.runs.engines.settings import EngineRequest, EngineSettings, JobPreview, shown
from isoflop.runs.engines.slurm import Slurm
from isoflop.runs.engines.slurm_nodes import states_no_memory
from isoflop.runs.folder import RunFolder
from isoflop.state_folder import fresh_folder, state_home

_NAMED = ("partition", "account", "qos", "constraint")
_HARMLESS = {"cluster", *_NAMED, "minutes", "cpus", "memory_gb", "memory"}
"""Keys that say how large a job is and where it waits; any other may have the cluster run something."""
_GIB = 2**30
"""What submitit and Slurm mean by the GB of a job's memory (sbatch(1), --mem)."""
JOBS = "JOBS"
"""Stands in a preview for the new folder, under a drawn name, that a submission makes for its jobs."""
_Line = Annotated[str, CheckedLine()]


@dataclass(frozen=True, kw_only=True)
class SlurmSettings(EngineSettings):
    """Table [slurm] of study.toml: what each job asks for; where a key is left out, the cluster's default holds."""

    one_machine: ClassVar[str] = ""
    memory_key: ClassVar[str] = "memory_gb in [slurm]"

    cluster: Literal["slurm", "local"] = "slurm"
    """`local`: processes on this machine stand in for the cluster, to try things out."""
    partition: _Line | None = None
    account: _Line | None = None
    qos: _Line | None = None
    constraint: _Line | None = None
    minutes: Annotated[int, Ge(5)] = 240
    """Time limit of a job. A run that needs longer continues in a new one, from a checkpoint saved before the end."""
    cpus: Annotated[int, Ge(1)] = 1
    """CPUs of a process: a job of several on one machine asks for as many times these, and the memory."""
    memory_gb: Annotated[float, Gt(0)] = 4.0
    """Memory of a process. Where it trains on a GPU, its job also asks for what checkpoints and final weights take."""
    memory: Literal["auto", "none"] = "auto"
    """`none`: jobs do not ask for memory (--mem), where a cluster forbids that. `auto`: they ask for `memory_gb`,
    unless no node states how much it has."""
    setup: tuple[str, ...] = ()
    """Shell lines before the trainer, such as `module load python`."""
    sbatch: Annotated[Mapping[str, str | bool], CheckedSbatch()] = field(default_factory=dict)
    """Any other option of sbatch, {name: value, or True for one without}. It replaces what isoflop would ask for: one
    for memory --mem, one for GPUs --gpus-per-node, cpus-per-gpu --cpus-per-task."""

    def __post_init__(self) -> None:
        """Raises ValueError for an option given twice, and for what would end its line of a batch script."""
        checked_sbatch(self.sbatch)
        for name in _NAMED:
            value = getattr(self, name)
            if value is not None:
                one_line(value)
                if name in self.sbatch:
                    raise ValueError(f"{name}: given twice, as a key of [slurm] and in sbatch; take one of them out")

    @property
    def asks_for_memory(self) -> bool:
        """Whether jobs ask for `memory_gb`."""
        return self.memory != "none" and not MEMORY & self.sbatch.keys()

    @property
    def job_memory_bytes(self) -> float:
        """Memory of a process."""
        return self.memory_gb * _GIB

    def for_cluster(self) -> tuple[SlurmSettings, tuple[Notice, ...]]:
        """These settings without a demand for memory where no node states any, which Slurm is asked for."""
        partition = self.partition or str(self.sbatch.get("partition", "")) or None
        if self.cluster != "slurm" or not self.asks_for_memory or not states_no_memory(partition):
            return self, ()
        where = f"partition {partition}" if partition else "the cluster"
        message = (
            f"the nodes of {where} state no memory (RealMemory), so that Slurm refuses jobs that ask for it: jobs ask "
            'for none. Set memory = "none" under [slurm] to have it so without this warning'
        )
        return replace(self, memory="none"), (Notice(code="memory_not_asked", message=message),)

    def commands(self) -> list[str]:
        """Shell lines, and options of sbatch, which may name programs."""
        lines = []
        for part in fields(self):
            value = getattr(self, part.name)
            if part.name in _HARMLESS or not value:
                continue
            if isinstance(value, Mapping):
                lines += [f"{part.name}: {shown(key)} = {shown(inner)}" for key, inner in value.items()]
            else:
                lines += [f"{part.name}, in every job: {shown(inner)}" for inner in value]
        return lines

    def options(self, processes: Processes = ONE_PROCESS) -> dict[str, object]:
        """The parameters of submitit's executor for a run of `processes`: a task, the supervisor, on each machine."""
        named: dict[str, object] = {f"slurm_{name}": getattr(self, name) for name in _NAMED}
        named["slurm_setup"] = [STEP_CPUS, *self.setup, *([RENDEZVOUS] if processes.machines > 1 else [])]
        named["slurm_additional_parameters"] = dict(self.sbatch) or None
        options = {name: value for name, value in named.items() if value is not None}
        if processes.machines > 1:
            options |= {"nodes": processes.machines, "tasks_per_node": 1}
        if processes.gpus_each and not asks_for_gpus(self.sbatch):
            options["gpus_per_node"] = processes.gpus_each
        each = processes.each
        if self.asks_for_memory:
            options["mem_gb"] = self.memory_gb * each + math.ceil(processes.shared_bytes / _GIB)
        if "cpus-per-gpu" not in self.sbatch:
            options["cpus_per_task"] = self.cpus * each
        return {"timeout_min": self.minutes, **options}

    def preview(self, folder: RunFolder, processes: Processes) -> JobPreview:
        """The batch script and the options in it; submitit's parameters where processes on this machine stand in."""
        options = self.options(processes)
        if self.cluster != "slurm":
            return JobPreview(asks=options)
        script = Slurm(logs=state_home() / "slurm" / JOBS, options=options, dry=True).script(folder)
        asked = re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", script, re.MULTILINE)
        return JobPreview(asks={name: value or True for name, value in asked}, script=script)

    def system(self, request: EngineRequest) -> Slurm:
        """The cluster. Raises InputError where this machine has no Slurm."""
        return Slurm(logs=fresh_folder("slurm"), cluster=self.cluster, options=self.options(request.processes))
