"""Where the runs of a study are trained: keys of study.toml that decide no number, and the engine made from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from isoflop.runs.engines.base import Engine
from isoflop.runs.engines.local import LocalEngine

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
    memory_gb: float = Field(default=4.0, gt=0)
    setup: tuple[str, ...] = ()
    """Shell lines before the trainer, such as `module load python`."""

    def options(self) -> dict[str, Any]:
        """What submitit's executor is told."""
        named = {f"slurm_{name}": getattr(self, name) for name in ("partition", "account", "qos", "constraint")}
        if self.setup:
            named["slurm_setup"] = list(self.setup)
        given = {name: value for name, value in named.items() if value is not None}
        return {"timeout_min": self.minutes, "cpus_per_task": self.cpus, "mem_gb": self.memory_gb, **given}


class RaySettings(BaseModel):
    """Table [ray] of study.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = None
    """A cluster to join, such as `auto` or `10.0.0.1:6379`; None: Ray is started here for the study."""
    cpus: float = Field(default=1.0, gt=0)
    """CPUs that a run takes."""


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


def make_engine(
    name: EngineName,
    slurm: SlurmSettings,
    ray: RaySettings,
    olmo: OlmoSettings,
    *,
    workers: int,
    logs: Path,
    corpus: Path,
) -> Engine:
    """The engine `name` for `workers` runs at a time; the caller closes it. Raises InputError when it cannot be had."""
    if name == "local":
        return LocalEngine(workers=workers, logs=logs, corpus=corpus)
    command = None
    if name == "olmo":
        from isoflop.runs.engines.olmo import olmo_command, olmo_workers

        if olmo.where == "local":
            return olmo_workers(workers=workers, logs=logs, corpus=corpus, device=olmo.device)
        name, command = olmo.where, olmo_command(corpus)
    from isoflop.runs.engines.jobs import JobEngine

    system = _slurm(slurm, logs) if name == "slurm" else _ray(ray, workers)
    return JobEngine(system=system, workers=workers, corpus=corpus, command=command)


def _slurm(settings: SlurmSettings, logs: Path) -> JobSystem:
    from isoflop.runs.engines.slurm import Slurm

    return Slurm(logs=logs / "slurm", cluster=settings.cluster, options=settings.options())


def _ray(settings: RaySettings, workers: int) -> JobSystem:
    from isoflop.runs.engines.ray import Ray

    return Ray(slots=workers, address=settings.address, cpus=settings.cpus)
