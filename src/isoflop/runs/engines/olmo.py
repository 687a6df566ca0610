"""Engine `olmo`: OLMo-core takes the steps of each run, in workers on this machine or in the jobs of another engine.

The trainer program and the folders are the same; only its option `--library` differs. The trainers alone import
OLMo-core.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from isoflop.runs.engines.settings import EngineRequest, EngineSettings, Library
from isoflop.runs.registry import ENGINES, require_extra

OLMO_FAMILIES = ("llama",)
"""Families that OLMo-core's modules can hold, tensor by tensor."""


@dataclass(frozen=True, kw_only=True)
class OlmoSettings(EngineSettings):
    """Table [olmo] of study.toml."""

    library: ClassVar[Library] = "olmo"
    families: ClassVar[tuple[str, ...] | None] = OLMO_FAMILIES

    where: str = "local"
    """The engine that starts the trainers, with its own table."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Device of the workers on this machine."""

    def __post_init__(self) -> None:
        """Raises ValueError for an engine that there is not, and for a GPU that no job would ask for."""
        starters = [name for name in ENGINES if name != "olmo"]
        if self.where not in starters:
            raise ValueError(f"where: expected one of {', '.join(starters)}, got {self.where!r}")
        if self.device == "cuda" and self.where != "local":
            raise ValueError(f"device: expected cpu with where = {self.where!r}, whose jobs ask for no GPU, got cuda")

    @property
    def started_by(self) -> str:
        """As `where` says."""
        return self.where

    def adapted(self, request: EngineRequest) -> EngineRequest:
        """The request with OLMo-core as the library that takes the steps.

        Raises InputError where trainers on this machine would not find it; jobs may.
        """
        if self.where == "local":
            require_extra("olmo")
        return replace(request, library=self.library, worker_device=self.device)
