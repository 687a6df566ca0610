"""The planned run of a study or a plan, watched while it trains: a look at each stated share, kept and reported."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from isoflop.errors import InputError, Notice
from isoflop.logs.read import read_logs
from isoflop.logs.run import LoggedRun
from isoflop.plan import SealedForecast, load_forecast
from isoflop.runs.folder import RunFolder
from isoflop.runs.run_event import RunEvent
from isoflop.spec import RunSpec
from isoflop.study.folder import StudyFolder
from isoflop.study.listener import PassingListener
from isoflop.study.sealed_course import finished_runs
from isoflop.study.training_stages import Study
from isoflop.sweep import Design
from isoflop.watch import WatchOptions, watch_run
from isoflop.watch.logbook import SHARES, Logbook, Look, logbook_path, read_logbook, write_logbook


@dataclass
class Watcher:
    """Makes the looks at one run that are due, and keeps them in a file."""

    path: Path
    """Where the looks are kept."""
    run: RunFolder
    spec: RunSpec
    sealed: SealedForecast | None
    """None where nothing was forecast."""
    like: Sequence[Path]
    """Folders of finished runs that it is held against."""
    shares: Sequence[float] = SHARES
    """Shares of the schedule at which it is looked at, rising."""
    logbook: Logbook = field(init=False)
    _finished: tuple[LoggedRun, ...] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Takes up the looks that were made before, unless they were at another run or against another forecast."""
        digest = None if self.sealed is None else self.sealed.digest
        self.logbook = Logbook(run_id=self.run.run_id, forecast_digest=digest)
        try:
            kept = read_logbook(self.path)
        except InputError:  # it is made again from the run's log
            kept = None
        if kept is not None and replace(kept, looks=()) == self.logbook:
            self.logbook = kept

    def is_due(self, tokens: float) -> bool:
        """Whether there is a look to make once `tokens` were trained on."""
        return bool(self._missing(tokens / self.spec.tokens))

    def look(self) -> list[Look]:
        """Makes the looks that are due by what the run has logged; returns those whose verdict is another than before.

        Raises whatever reading and watching raise.
        """
        logged = read_logs(self.run.path)[0]
        losses = logged.training
        if logged.tokens is None or losses is None or not len(losses):
            return []
        # tokens at the first and the last loss; a log line has both
        first, last = (float(logged.tokens.values[at]) / self.spec.tokens for at in (0, -1))
        due = [share for share in self._missing(last) if share >= first]
        if logged.failure and (not due or last > due[-1]) and self._reaches_beyond(last):
            due.append(min(1.0, last))
        news = []
        for share in due:
            look = self._at(logged, share)
            before = self.logbook.last
            self.logbook = replace(self.logbook, looks=(*self.logbook.looks, look))
            if before is None or look.verdict != before.verdict:
                news.append(look)
        if due:
            write_logbook(self.path, self.logbook)
        return news

    def _missing(self, done: float) -> list[float]:
        """The stated shares up to `done` that lie beyond the last look."""
        return [share for share in self.shares if share <= done * (1 + 1e-9) and self._reaches_beyond(share)]

    def _reaches_beyond(self, share: float) -> bool:
        return self.logbook.last is None or share > self.logbook.last.as_of

    def _at(self, logged: LoggedRun, share: float) -> Look:
        if self._finished is None:
            self._finished = tuple(read_logs(list(self.like))) if self.like else ()
        watched = watch_run(
            logged,
            self._finished,
            forecast=None if self.sealed is None else self.sealed.forecast,
            options=WatchOptions(as_of=share),
        )
        return Look.of(watched, share, time.time())


@contextmanager
def watched(study: Study, spec: RunSpec, source: StudyFolder | None) -> Generator[Study]:
    """The study with a listener that also watches the run of `spec`, until the block ends.

    It is held against the finished runs of the sweep of `source`, and to the forecast sealed in the study. What goes
    wrong in watching is reported once, as the warning `not_watched`, and stops nothing.
    """
    listener = _Watching(study, spec, source)
    yield replace(study, listener=listener)
    listener.look()  # what was logged between the last event and the end, also of a run that had ended before


def planned_watched(study: Study) -> AbstractContextManager[Study]:
    """The same of the planned run of a study, once it is designed, against the study's own sweep."""
    folder = study.folder
    if not folder.final_design.exists():
        return nullcontext(study)
    return watched(study, Design.load(folder.final_design).specs[0], folder)


class _Watching(PassingListener):
    """Passes every event on, and looks at the planned run where one shows that a look is due."""

    def __init__(self, study: Study, spec: RunSpec, source: StudyFolder | None) -> None:
        super().__init__(study.listener)
        self._study, self._spec, self._source = study, spec, source
        self._watcher: Watcher | None = None
        self._failed = False

    def run(self, event: RunEvent) -> None:
        """Passes an event on, and looks where it is of the planned run."""
        super().run(event)
        if event.folder.run_id != self._spec.run_id:
            return
        if event.kind == "finished":
            self.look()
        elif event.heartbeat is not None:
            self.look(event.heartbeat.tokens)

    def look(self, tokens: float | None = None) -> None:
        """Makes the looks that are due after `tokens`, or by all that was logged, and tells each new verdict."""
        if self._failed:
            return
        try:
            watcher = self._watcher = self._watcher or self._begin()
            if tokens is not None and not watcher.is_due(tokens):
                return
            news = watcher.look()
        except Exception as error:
            self._failed = True
            message = f"the planned run is not watched any more: {error or type(error).__name__}"
            self.notice(Notice(code="not_watched", message=message))
            return
        for look in news:
            self.watched(self._spec, look)

    def _begin(self) -> Watcher:
        folder = self._study.folder
        sealed = load_forecast(folder.forecast) if folder.forecast.exists() else None
        run = RunFolder(folder.runs / self._spec.run_id)
        like = [] if self._source is None else finished_runs(self._source)
        return Watcher(path=logbook_path(folder.forecast), run=run, spec=self._spec, sealed=sealed, like=like)
