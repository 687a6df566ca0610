"""Where the runs of a study are trained: keys of study.toml that decide no number, and the engine made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from isoflop.errors import InputError, Notice
from isoflop.runs.engine import Engine
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.engines.processes import ONE_PROCESS, RENDEZVOUS, STEP_CPUS, Processes
from isoflop.runs.engines.sbatch import MEMORY, asks_for_gpus, checked_sbatch, one_line
from isoflop.runs.engines.slurm_nodes import states_no_memory
from isoflop.state_folder import fresh_folder

if TYPE_CHECKING:
    from isoflop.runs.engines.jobs import JobSystem

EngineName = Literal["local", "slurm", "ray", "olmo"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


class SlurmSettings(BaseModel):
    """Table [slurm] of study.toml: what each job asks for. Where nothing is said, the cluster's default holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cluster: Literal["slurm", "local"] = "slurm"
    """`local`: processes on this machine stand in for the cluster, to try things out."""
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    minutes: int = Field(default=240, ge=5)
    """Time limit of a job. A run that needs longer continues in a new one, from a checkpoint saved before the end."""
    cpus: int = Field(default=1, ge=1)
    """Of a process: a job of several on one machine asks for as many times these, and the memory."""
    memory_gb: float = Field(default=4.0, gt=0)
    """Of a process. Where it trains on a GPU, its job asks for what checkpoints and final weights take besides."""
    memory: Literal["auto", "none"] = "auto"
    """`none`: jobs do not ask for memory (--mem), where a cluster forbids that. `auto`: they ask for `memory_gb`, but
    where no node states how much it has."""
    setup: tuple[str, ...] = ()
    """Shell lines before the trainer, such as `module load python`."""
    sbatch: dict[str, str | bool] = Field(default_factory=dict)
    """Any other option of sbatch, {name: value, or True for one without}. It takes the place of what isoflop would ask
    for: one for memory that of --mem, one for GPUs that of --gpus-per-node, cpus-per-gpu that of --cpus-per-task."""

    @field_validator("partition", "account", "qos", "constraint")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        # it becomes a line of a batch script, which a line break in it would go on as shell
        return None if value is None else one_line(value)

    @field_validator("sbatch", mode="before")
    @classmethod
    def _known_options(cls, value: Any) -> dict[str, str | bool]:
        return checked_sbatch(value)

    @model_validator(mode="after")
    def _once(self) -> SlurmSettings:
        for name in ("partition", "account", "qos", "constraint"):
            if getattr(self, name) is not None and name in self.sbatch:
                raise ValueError(f"{name}: given twice, as a key of [slurm] and in sbatch; take one of them out")
        return self

    @property
    def asks_for_memory(self) -> bool:
        """Whether jobs ask for `memory_gb`."""
        return self.memory != "none" and not MEMORY & self.sbatch.keys()

    def for_cluster(self) -> tuple[SlurmSettings, tuple[Notice, ...]]:
        """(these settings as the cluster takes them, what is to be said of that): memory that no node states is not
        asked for. Slurm is asked for it."""
        partition = self.partition or str(self.sbatch.get("partition", "")) or None
        if self.cluster != "slurm" or not self.asks_for_memory or not states_no_memory(partition):
            return self, ()
        where = f"partition {partition}" if partition else "the cluster"
        message = (
            f"the nodes of {where} state no memory (RealMemory), so that Slurm refuses jobs that ask for it: jobs ask "
            'for none. Say memory = "none" under [slurm] to have it so without this warning'
        )
        return self.model_copy(update={"memory": "none"}), (Notice(code="memory_not_asked", message=message),)

    def options(self, processes: Processes = ONE_PROCESS) -> dict[str, Any]:
        """What submitit's executor is told for a run of `processes`: a task, the supervisor, on each machine."""
        named = {f"slurm_{name}": getattr(self, name) for name in ("partition", "account", "qos", "constraint")}
        named["slurm_setup"] = [STEP_CPUS, *self.setup, *([RENDEZVOUS] if processes.machines > 1 else [])]
        named["slurm_additional_parameters"] = dict(self.sbatch) or None
        given = {name: value for name, value in named.items() if value is not None}
        if processes.machines > 1:
            given |= {"nodes": processes.machines, "tasks_per_node": 1}
        if processes.gpus_each and not asks_for_gpus(self.sbatch):
            given["gpus_per_node"] = processes.gpus_each
        each = processes.each
        if self.asks_for_memory:
            given["mem_gb"] = self.memory_gb * each + math.ceil(processes.shared_bytes / 2**30)
        if "cpus-per-gpu" not in self.sbatch:
            given["cpus_per_task"] = self.cpus * each
        return {"timeout_min": self.minutes, **given}


class RaySettings(BaseModel):
    """Table [ray] of study.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = None
    """A cluster to join, such as `auto` or `10.0.0.1:6379`; None: Ray is started here for the study."""
    cpus: float = Field(default=1.0, gt=0)
    """CPUs that a process takes."""


class OlmoSettings(BaseModel):
    """Table [olmo] of study.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: Literal["local", "slurm", "ray"] = "local"
    """Who starts the trainers: that engine, with its own table."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Of the workers here."""

    @model_validator(mode="after")
    def _reachable(self) -> OlmoSettings:
        if self.device == "cuda" and self.where != "local":
            raise ValueError(f"device: expected cpu with where = {self.where!r}, whose jobs ask for no GPU, got cuda")
        return self


def with_sbatch(there: Mapping[str, Any], wished: Mapping[str, Any]) -> dict[str, Any]:
    """`wished` settings with options of sbatch, a list under `sbatch`, put into the table [slurm] of those `there`.

    Options of the same name are replaced. Raises InputError for what is no option, and where no Slurm trains.
    """
    changed = dict(wished)
    options = changed.pop("sbatch", None)
    if not options:
        return changed
    engine, olmo = ({**there, **changed}.get(name) for name in ("engine", "olmo"))
    if place_of(engine or "local", OlmoSettings.model_validate(_table(olmo))) != "slurm":
        raise InputError(f"--sbatch: expected with --engine slurm, whose jobs sbatch takes; the engine is {engine}")
    try:
        given = checked_sbatch(options)
    except ValueError as error:
        raise InputError(f"--sbatch: {error}") from error
    slurm = _table(there.get("slurm"))
    kept = checked_sbatch(slurm.get("sbatch") or {})
    return {**changed, "slurm": {**slurm, "sbatch": {**kept, **given}}}


def _table(value: Any) -> dict[str, Any]:
    return value.model_dump() if isinstance(value, BaseModel) else dict(value or {})


def make_engine(
    name: EngineName,
    slurm: SlurmSettings,
    ray: RaySettings,
    olmo: OlmoSettings,
    *,
    workers: int,
    logs: Path,
    corpus: Path,
    processes: Processes = ONE_PROCESS,
) -> Engine:
    """The engine `name` for `workers` runs at a time, each of `processes`; the caller closes it.

    Raises InputError when it cannot be had, and for a run over more machines than it reaches.
    """
    where = place_of(name, olmo)
    check_reach(where, processes)
    alone = processes.count == 1 and processes.device == "cpu"
    command = None
    if name == "olmo":
        from isoflop.runs.engines.olmo import olmo_command, olmo_workers

        if where == "local" and alone:
            return olmo_workers(workers=workers, logs=logs, corpus=corpus, device=olmo.device)
        command = olmo_command(corpus, processes)
    elif where == "local" and alone:
        return LocalEngine(workers=workers, logs=logs, corpus=corpus)
    from isoflop.runs.engines.jobs import JobEngine

    system = _system(where, slurm, ray, workers, processes)
    return JobEngine(system=system, workers=workers, corpus=corpus, command=command, processes=processes)


def place_of(name: EngineName, olmo: OlmoSettings | None) -> EngineName:
    """Who starts the processes of engine `name`: itself, but for olmo, which starts them as [olmo] says."""
    return (olmo or OlmoSettings()).where if name == "olmo" else name


def check_reach(name: EngineName, processes: Processes) -> None:
    """Raises InputError where a run of `processes` needs more machines than the engine gives to one run."""
    if processes.machines > 1 and name != "slurm":
        what = {"local": "this machine is one", "ray": "a Ray task is on one"}.get(name, "this engine uses one")
        raise InputError(
            f"engine {name}: the layout takes {processes.machines} machines of {processes.each} {processes.device} "
            f"processes, and {what}; use --engine slurm, or plan for fewer devices"
        )


def _system(name: EngineName, slurm: SlurmSettings, ray: RaySettings, workers: int, processes: Processes) -> JobSystem:
    if name == "local":
        from isoflop.runs.engines.local_jobs import LocalJobs

        return LocalJobs(slots=workers)
    if name == "slurm":
        from isoflop.runs.engines.slurm import Slurm

        return Slurm(logs=fresh_folder("slurm"), cluster=slurm.cluster, options=slurm.options(processes))
    from isoflop.runs.engines.ray import Ray

    return Ray(slots=workers, address=ray.address, cpus=ray.cpus * processes.each, gpus=processes.gpus_each)
