"""Engine `ray`: a Ray task a run, on a Ray cluster or on one that is started here and ends with the study."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Annotated, Any, ClassVar

from annotated_types import Gt, Le

from isoflop.errors import InputError
from isoflop.runs.engines.jobs import Gone, Report
from isoflop.runs.engines.processes import Processes
from isoflop.runs.engines.settings import EngineRequest, EngineSettings, JobPreview, shown
from isoflop.runs.engines.supervisor import supervise
from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import extra

OBJECT_STORE_BYTES = 80 * 2**20
"""Shared memory of a Ray started here: a task returns a line, and Ray takes no less than 75 MiB."""


@dataclass(frozen=True, kw_only=True)
class RaySettings(EngineSettings):
    """Table [ray] of study.toml."""

    one_machine: ClassVar[str] = "a Ray task is on one"

    address: str | None = None
    """A cluster to join, such as `auto` or `10.0.0.1:6379`; None: Ray is started here for the study."""
    cpus: Annotated[float, Gt(0)] = 1.0
    """CPUs that a process takes."""
    gpus: Annotated[float, Gt(0), Le(1)] = 1.0
    """Share of a GPU that a process on one takes: a fourth has Ray put four small runs on each."""

    def commands(self) -> list[str]:
        """A cluster that somebody chose runs what it likes."""
        return [] if self.address is None else [f"address, a cluster that may run anything here: {shown(self.address)}"]

    def preview(self, folder: RunFolder, processes: Processes) -> JobPreview:
        """What each task asks Ray for."""
        del folder
        gpus = _gpus(self.gpus, processes)
        asks = {"address": self.address, "num_cpus": self.cpus * processes.each, "num_gpus": gpus}
        return JobPreview(asks=asks)

    def system(self, request: EngineRequest) -> Ray:
        """Ray, started or joined. Raises InputError where neither can be done."""
        each = request.processes
        return Ray(slots=request.workers, address=self.address, cpus=self.cpus * each.each, gpus=_gpus(self.gpus, each))


@dataclass(frozen=True)
class RayJob:
    """A task of Ray."""

    ray: ModuleType
    reference: Any

    def report(self) -> Report | None:
        """What its supervisor returned; else what Ray says."""
        ready, _ = self.ray.wait([self.reference], timeout=0)
        if not ready:
            return None
        errors = self.ray.exceptions
        try:
            code, words = self.ray.get(self.reference)
        except errors.RayTaskError as error:
            return Gone(outcome="crashed", message=f"its Ray task failed: {_first_line(error)}")
        except errors.RayError as error:  # a worker or a machine: its trainer may still be alive
            return Gone(outcome="lost", message=f"its Ray worker was lost: {_first_line(error)}")
        return int(code), str(words)

    def waits(self) -> bool:
        """Ray does not say."""
        return False

    def cancel(self) -> None:
        """Ends its worker."""
        with suppress(self.ray.exceptions.RayError):
            self.ray.cancel(self.reference, force=True)


@dataclass(kw_only=True)
class Ray:
    """Tasks on Ray. One that is running in this process already is used as it is and left running."""

    slots: int
    """Runs at a time: what a Ray started here is given, in CPUs of `cpus` each."""
    address: str | None = None
    """A cluster to join, such as `auto` or `10.0.0.1:6379`; None: one is started here."""
    cpus: float = 1.0
    """CPUs that a run takes."""
    gpus: float = 0
    """Accelerators that a run takes, on one machine."""
    _ray: ModuleType = field(init=False)
    _task: Any = field(init=False)
    _started: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        # Ray reports its use to its makers unless switched off; a study sends nothing anywhere.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._ray = ray = extra("ray")
        if not ray.is_initialized():
            self._started = True
            here = {
                "num_cpus": max(1, round(self.slots * self.cpus)),
                "num_gpus": math.ceil(self.slots * self.gpus),
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES,
            }
            try:
                ray.init(
                    address=self.address or "local",
                    log_to_driver=False,
                    logging_level="ERROR",
                    **({} if self.address else here),
                )
            except (ConnectionError, OSError, RuntimeError, ValueError) as error:
                where = f"joins no cluster at {self.address}" if self.address else "does not start here"
                raise InputError(f"engine ray: Ray {where} ({_first_line(error)}); see [ray] in study.toml") from error
        # max_retries: a start that failed is counted and started again by the driver, which knows the folder
        self._task = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=0)(supervise)

    def submit(self, folder: RunFolder, command: Sequence[str]) -> RayJob:
        """A task that keeps a trainer."""
        named = self._task.options(name=f"isoflop-{folder.run_id}")
        return RayJob(self._ray, named.remote(str(folder.path.resolve()), list(command)))

    def close(self) -> None:
        """Shuts down the Ray that was started, or leaves the cluster that was joined."""
        if self._started:
            self._started = False
            self._ray.shutdown()


def _gpus(share: float, processes: Processes) -> float:
    """GPUs that Ray is asked for: a share only for a run of one process, since Ray splits no more than one."""
    return share if processes.gpus_each == 1 else processes.gpus_each


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
