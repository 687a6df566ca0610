"""Progress of a study on stderr: stage, runs, best losses, time so far and time left. Answers go to stdout."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

import click

from isoflop.cli.output.progress_text import about, best_line, counted, last_line, look_line, size_of, stage_words
from isoflop.cli.output.wrapping import wrapped, wrapped_for
from isoflop.errors import Notice, printable
from isoflop.runs.run_event import RunEvent
from isoflop.spec import RunSpec
from isoflop.study import Listener
from isoflop.study.listener import RunsAhead
from isoflop.study.progress import Progress

if TYPE_CHECKING:
    from rich.live import Live

    from isoflop.watch.logbook import Look

QUIET_SECONDS = 30.0
"""The longest time without a line where there is no terminal."""
STOPPING = "stopping: the trainers save their checkpoints; Ctrl-C again ends them at once"


class StudyProgress(Listener):
    """A Listener that draws in a terminal, and elsewhere writes a line when there is news and every 30 s."""

    def __init__(self) -> None:
        self.progress = Progress()
        self._live: Live | None = None
        self._shown: set[tuple[str, str]] = set()
        self._is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._ended = threading.Event()
        self._spoke = time.monotonic()

    def __enter__(self) -> StudyProgress:
        if self._is_terminal:
            from rich.console import Console
            from rich.live import Live

            from isoflop.cli.output.progress_screen import screen

            # redrawn by rich: 3 to 6 ms (30 to 10,000 runs), .6 to 1.2 % of one core at twice a second
            self._live = Live(
                console=Console(stderr=True, highlight=False),
                get_renderable=lambda: screen(self.progress),
                refresh_per_second=2,
                transient=True,
            )
            self._live.start()
        else:
            threading.Thread(target=self._speak_now_and_then, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._live is not None:
            self._live.stop()

    def stage(self, name: str) -> None:
        """Shows the start of a stage, and what the runs of the stage before came to."""
        if self.progress.left is not None:
            self.say(f"  {last_line(self.progress)}")
            if self._live is not None:
                from isoflop.cli.output.progress_screen import best_table

                self._live.console.print(best_table(self.progress))
        self.progress.stage(name)
        self.say(f"{stage_words(name)} ...")

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Takes what the stages are expected to take."""
        self.progress.expect(seconds)

    def say(self, line: str) -> None:
        """Writes one line that stays on the screen."""
        self._spoke, line = time.monotonic(), printable(line)
        if self._live is not None:
            console = self._live.console
            console.print(wrapped(line, console.width), markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(wrapped_for(sys.stderr, line), err=True)

    def share(self, what: str, done: float) -> None:
        """Shows the progress of the stage."""
        self.progress.share(what, done)

    def runs(self, ahead: RunsAhead) -> None:
        """Shows the runs of a stage before they start."""
        is_first = not self.progress.designed
        self.progress.runs(ahead)
        if is_first and ahead.done_before:
            self.say(f"  {ahead.done_before} of {ahead.designed} runs were done before")

    def run(self, event: RunEvent) -> None:
        """Shows an event of a run."""
        progress, name = self.progress, event.folder.run_id
        progress.run(event)
        if name not in progress.specs:
            return
        if event.kind == "finished" and event.result is not None:
            if event.result.val_loss_nats is None:
                failed = f"failed: {event.result.reason}: {event.result.message}"
                self.say(f"  {counted(progress)}: {size_of(progress.specs[name])}: {failed}")
            elif progress.improved is not None and self._live is None:
                self.say(f"  {best_line(progress, progress.improved)}")
        elif event.message:
            self.say(f"  {size_of(progress.specs[name])}: {event.kind}: {event.message}")

    def watched(self, spec: RunSpec, look: Look) -> None:
        """Shows a new verdict about the planned run."""
        self.progress.watched(spec, look)
        if look.verdict != "too_early":
            self.say(f"  {size_of(spec)}: {look_line(look)}")

    def stopping(self) -> None:
        """Shows that trainers save their checkpoints."""
        self.say(STOPPING)

    def notice(self, notice: Notice) -> None:
        """Shows a warning once."""
        if (notice.code, notice.message) not in self._shown:
            self._shown.add((notice.code, notice.message))
            self.say(f"warning: {notice.message} [{notice.code}]")

    def _speak_now_and_then(self) -> None:
        """Writes where the study is whenever nothing was written for QUIET_SECONDS."""
        while not self._ended.wait(max(0.1, self._spoke + QUIET_SECONDS - time.monotonic())):
            if time.monotonic() >= self._spoke + QUIET_SECONDS:
                self.say(f"  {about(self.progress)}")
