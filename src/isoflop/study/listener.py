"""Who hears how a study proceeds: the terminal's display, the file that `isoflop status` reads, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isoflop.errors import Notice
from isoflop.runs.driver import RunEvent
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class RunsAhead:
    """The runs of a stage before the first of them is started."""

    missing: tuple[RunSpec, ...]
    """Runs without a result: they are trained now, the longest first."""
    seconds: Mapping[str, float]
    """{run_id: expected seconds on one worker} of the missing runs."""
    workers: int
    """Runs that are trained at a time."""
    begun: Mapping[str, float] = field(default_factory=dict)
    """{run_id: share} of the missing runs of which an earlier start did a share, 0 to 1."""
    ended: tuple[tuple[RunSpec, RunResult], ...] = ()
    """Runs of this stage that have their result."""
    done_before: int = 0
    """Runs of the whole study that have their result."""
    designed: int = 0
    """Runs of the whole study that are designed."""


class Listener:
    """Receives the events of a study, such as the terminal's progress display.

    Its methods do nothing: a subclass overrides those that it has a use for.
    """

    def stage(self, name: str) -> None:
        """A stage begins."""

    def expect(self, seconds: Mapping[str, float]) -> None:
        """The seconds that the stages, by name, are expected to take from their start; 0 for a stage left out."""

    def say(self, line: str) -> None:
        """One line that stays on the screen."""

    def share(self, what: str, done: float) -> None:
        """The share `done` (0 to 1) of the part `what` of this stage is done."""

    def runs(self, ahead: RunsAhead) -> None:
        """These runs are about to be trained."""

    def run(self, event: RunEvent) -> None:
        """The state of a run changed."""

    def stopping(self) -> None:
        """The user stops the study: trainers save their checkpoints, which may take seconds."""

    def notice(self, notice: Notice) -> None:
        """A warning."""
