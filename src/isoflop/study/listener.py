"""Who hears how a study proceeds: the terminal's display, the file that `isoflop status` reads, or nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isoflop.errors import Notice
from isoflop.runs.result import RunResult
from isoflop.runs.run_event import RunEvent
from isoflop.spec import RunSpec

if TYPE_CHECKING:
    from isoflop.watch.logbook import Look


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
    sides: Mapping[str, str] = field(default_factory=dict)
    """{run_id: the recipe that it trains} of a comparison; empty where all train one recipe."""


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

    def watched(self, spec: RunSpec, look: Look) -> None:
        """The verdict about the planned run of `spec` is another since `look`."""

    def stopping(self) -> None:
        """The user stops the study: trainers save their checkpoints, which may take seconds."""

    def notice(self, notice: Notice) -> None:
        """A warning."""


class PassingListener(Listener):
    """Passes every event on to another listener. A subclass does more with those that it has a use for."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def stage(self, name: str) -> None:
        """Passes on that a stage begins."""
        self._listener.stage(name)

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Passes on what the stages are expected to take."""
        self._listener.expect(seconds)

    def say(self, line: str) -> None:
        """Passes a line on."""
        self._listener.say(line)

    def share(self, what: str, done: float) -> None:
        """Passes the share of a stage on."""
        self._listener.share(what, done)

    def runs(self, ahead: RunsAhead) -> None:
        """Passes the runs of a stage on."""
        self._listener.runs(ahead)

    def run(self, event: RunEvent) -> None:
        """Passes an event of a run on."""
        self._listener.run(event)

    def watched(self, spec: RunSpec, look: Look) -> None:
        """Passes a verdict on."""
        self._listener.watched(spec, look)

    def stopping(self) -> None:
        """Passes on that the study is being stopped."""
        self._listener.stopping()

    def notice(self, notice: Notice) -> None:
        """Passes a warning on."""
        self._listener.notice(notice)
