"""The tables of engines and trackers. Options of the command line, tables of study.toml and plan.toml, the words of a
dry run and the extras to install derive from them: an engine is a file in engines/ and an entry here, a tracker a file
in trackers/ and an entry here.

Importing this module imports none of them: an entry names the place of its class, which is imported when it is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, cast

from isoflop.errors import InputError

if TYPE_CHECKING:
    from isoflop.runs.engine import Engine
    from isoflop.runs.engines.processes import Processes
    from isoflop.runs.engines.settings import EngineRequest, EngineSettings
    from isoflop.runs.trackers.base import Tracker


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An engine or tracker that is made when it is chosen."""

    kind: ClassVar[str]
    name: str
    """As it is given to --engine or --log; also the name of its extra and of its table in study.toml."""
    place: str
    """`module:class`, imported on use."""
    library: str | None = None
    """The module that it needs and nothing else does; None: it needs none."""

    def load(self) -> type:
        """The class at `place`."""
        module, _, name = self.place.partition(":")
        return cast(type, getattr(import_module(module), name))

    def require(self) -> None:
        """Raises InputError, with the command that installs it, when the library is missing."""
        if self.library is not None and find_spec(self.library) is None:
            raise InputError(
                f"{self.library}: not installed; the {self.kind} {self.name} needs it: "
                f"pip install 'isoflop[{self.name}]'"
            )


@dataclass(frozen=True, kw_only=True)
class EngineInfo(Entry):
    """An engine: who starts the trainers of runs."""

    kind: ClassVar[str] = "engine"
    what: str
    """What it trains a run in, in words: `a Slurm job`."""
    has_table: bool = True
    """Whether study.toml and plan.toml may have a table [name] for it."""

    @property
    def settings(self) -> type[EngineSettings]:
        """The class of its table, which also makes the engine."""
        return cast("type[EngineSettings]", self.load())


@dataclass(frozen=True, kw_only=True)
class TrackerInfo(Entry):
    """A tracker: where curves of runs are shown. Its class takes `folder` and `project`."""

    kind: ClassVar[str] = "tracker"


ENGINES: dict[str, EngineInfo] = {
    info.name: info
    for info in (
        EngineInfo(
            name="local",
            what="processes on this machine",
            place="isoflop.runs.engines.local_jobs:LocalSettings",
            has_table=False,
        ),
        EngineInfo(
            name="slurm",
            what="a Slurm job",
            place="isoflop.runs.engines.slurm_settings:SlurmSettings",
            library="submitit",
        ),
        EngineInfo(name="ray", what="a Ray task", place="isoflop.runs.engines.ray:RaySettings", library="ray"),
        EngineInfo(name="olmo", what="OLMo-core", place="isoflop.runs.engines.olmo:OlmoSettings", library="olmo_core"),
    )
}
"""{name: engine}"""
TRACKERS: dict[str, TrackerInfo] = {
    info.name: info
    for info in (
        TrackerInfo(name="tensorboard", place="isoflop.runs.trackers.tensorboard:TensorBoard", library="tensorboard"),
        TrackerInfo(name="wandb", place="isoflop.runs.trackers.wandb:Wandb", library="wandb"),
        TrackerInfo(name="mlflow", place="isoflop.runs.trackers.mlflow:MLflow", library="mlflow"),
    )
}
"""{name: tracker}"""


def engine_tables() -> tuple[str, ...]:
    """Names of the tables of engines that study.toml and plan.toml may have."""
    return tuple(name for name, info in ENGINES.items() if info.has_table)


def require_extra(*names: str) -> None:
    """Raises InputError, with the command that installs it, when the library of one of these entries is missing."""
    for name in names:
        (TRACKERS.get(name) or ENGINES[name]).require()


def extra(name: str, *parts: str) -> ModuleType:
    """The library of an engine or tracker, or a module in it. Raises InputError as `require_extra` does."""
    require_extra(name)
    return import_module(".".join([str((TRACKERS.get(name) or ENGINES[name]).library), *parts]))


def settings_of(name: str, tables: Mapping[str, EngineSettings]) -> EngineSettings:
    """The settings of engine `name` in `tables`; its defaults where they have none."""
    return tables.get(name) or ENGINES[name].settings()


def starter_of(name: str, tables: Mapping[str, EngineSettings]) -> str:
    """The engine that starts the processes of engine `name`: itself, or the one that its settings delegate to."""
    return settings_of(name, tables).started_by or name


def check_reach(name: str, tables: Mapping[str, EngineSettings], processes: Processes) -> None:
    """Raises InputError where a run of `processes` needs more machines than engine `name` gives to one run."""
    starter = starter_of(name, tables)
    reason = settings_of(starter, tables).one_machine
    if processes.machines > 1 and reason:
        raise InputError(
            f"engine {starter}: the layout takes {processes.machines} machines of {processes.each} {processes.device} "
            f"processes, and {reason}; use --engine slurm, or plan for fewer devices"
        )


def make_engine(name: str, tables: Mapping[str, EngineSettings], request: EngineRequest) -> Engine:
    """The engine `name` with its settings in `tables`, for `request`; the caller closes it.

    Raises InputError when its library is missing, when it cannot be had on this machine, and for a run over more
    machines than it reaches.
    """
    check_reach(name, tables, request.processes)
    settings = settings_of(name, tables)
    return settings_of(starter_of(name, tables), tables).make(settings.adapted(request))


def make_tracker(name: str, folder: Path, project: str) -> Tracker:
    """The tracker `name`, its files in `folder`, runs under `project`.

    Raises InputError, with the command that installs it, when its library is missing.
    """
    made: Tracker = TRACKERS[name].load()(folder=folder, project=project)
    return made
