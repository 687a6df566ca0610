"""Progress of a study on stderr: stage, runs, losses and time left. Answers go to stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

import click

from isoflop.errors import Notice, printable
from isoflop.runs.driver import RunEvent
from isoflop.spec import RunSpec
from isoflop.study.training_stages import Listener
from isoflop.units import format_duration, format_flops, format_quantity

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

STAGES = {
    "corpus": "building the corpus",
    "machine": "measuring this machine",
    "design": "designing the sweep",
    "sweep": "training the sweep",
    "fit": "fitting three ways, and backtesting",
    "plan": "planning, and sealing the forecast",
    "final": "training the planned model and the larger one",
    "planned": "training the planned model",
    "serve": "measuring what serving both costs",
    "score": "scoring the forecast",
    "report": "writing the report",
}


@dataclass
class _Batch:
    """The runs of a stage, and the progress of each in expected seconds."""

    specs: dict[str, RunSpec]
    seconds: dict[str, float]
    workers: int
    done: dict[str, float] = field(default_factory=dict)
    """{run_id: share done}; 1 for a run that ended."""
    losses: dict[str, float] = field(default_factory=dict)
    started: float | None = None
    """Time of the first report of a trainer. The seconds in which workers start say nothing about their speed."""
    head_start: float = 0.0
    """Expected seconds of the work that an earlier start had done."""

    @property
    def finished(self) -> int:
        return sum(share >= 1 for share in self.done.values())

    @property
    def seconds_done(self) -> float:
        return sum(self.seconds[name] * share for name, share in self.done.items())

    def record(self, name: str, share: float) -> None:
        """Records the share of a run that is done."""
        self.done[name] = share
        if self.started is None:
            self.started, self.head_start = time.monotonic(), self.seconds_done

    def seconds_left(self) -> float:
        """Returns the expected seconds left, corrected by the speed so far."""
        whole = sum(self.seconds.values())
        expected = (whole - self.seconds_done) / self.workers
        done = self.seconds_done - self.head_start
        if self.started is not None and done > 0.05 * whole:
            return expected * (time.monotonic() - self.started) * self.workers / done
        return expected


class StudyProgress(Listener):
    """A Listener that draws in a terminal, and elsewhere writes one line per event."""

    def __init__(self) -> None:
        self._batch: _Batch | None = None
        self._stage = ""
        self._detail = ""
        self._live: Live | None = None
        self._shown: set[tuple[str, str]] = set()
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> StudyProgress:
        if self._is_terminal:
            from rich.console import Console
            from rich.live import Live

            # get_renderable: redrawn four times a second by rich, not by us
            self._live = Live(
                console=Console(stderr=True), get_renderable=self._render, refresh_per_second=4, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def stage(self, name: str) -> None:
        """Shows the start of a stage."""
        self._stage, self._detail, self._batch = name, "", None
        self.say(f"{STAGES[name]} ...")

    def say(self, line: str) -> None:
        """Writes one line that stays on the screen."""
        line = printable(line)
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False)
        else:
            click.echo(line, err=True)

    def share(self, what: str, done: float) -> None:
        """Shows the progress of the stage."""
        self._detail = f"{what} {done:.0%}"

    def runs(self, specs: list[RunSpec], seconds: Callable[[RunSpec], float], workers: int) -> None:
        """Shows the runs of a stage before they start."""
        by_id = {spec.run_id: spec for spec in specs}
        self._batch = _Batch(
            specs=by_id, seconds={name: seconds(spec) for name, spec in by_id.items()}, workers=workers
        )

    def run(self, event: RunEvent) -> None:
        """Shows an event of a run."""
        batch, name = self._batch, event.folder.run_id
        if batch is None or name not in batch.specs:
            return
        spec = batch.specs[name]
        if event.kind == "started":
            batch.done.setdefault(name, 0.0)
        elif event.kind == "progress" and event.heartbeat is not None:
            batch.record(name, min(0.999, event.heartbeat.tokens / spec.tokens))
            if event.heartbeat.train_loss_nats is not None:
                batch.losses[name] = event.heartbeat.train_loss_nats
        elif event.kind == "finished" and event.result is not None:
            batch.record(name, 1.0)
            loss = event.result.val_loss_nats
            outcome = f"{loss:.4f} nats a token" if loss is not None else f"failed: {event.result.reason}"
            left = f", {format_duration(batch.seconds_left())} left" if batch.finished < len(batch.specs) else ""
            self.say(f"  {batch.finished}/{len(batch.specs)} {_size(spec)}: {outcome}{left}")
        elif event.message:
            self.say(f"  {_size(spec)}: {event.kind}: {event.message}")

    def notice(self, notice: Notice) -> None:
        """Shows a warning once."""
        if (notice.code, notice.message) not in self._shown:
            self._shown.add((notice.code, notice.message))
            self.say(f"warning: {notice.message} [{notice.code}]")

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        batch = self._batch
        if batch is None:
            return f"{STAGES.get(self._stage, '')}  {self._detail}".strip()
        table = Table.grid(padding=(0, 2))
        left = f"{batch.finished} of {len(batch.specs)} runs, {format_duration(batch.seconds_left())} left"
        going = [name for name, share in batch.done.items() if share < 1]
        for name in going:
            loss = batch.losses.get(name)
            table.add_row(_size(batch.specs[name]), f"{batch.done[name]:.0%}", f"loss {loss:.3f}" if loss else "")
        return Group(Text(f"{STAGES[self._stage]}: {left}"), table)


def _size(spec: RunSpec) -> str:
    budget = f" at {format_flops(spec.budget_flops)} FLOPs" if spec.budget_flops else ""
    return f"{format_quantity(spec.architecture.params().non_embedding)} params{budget}"
