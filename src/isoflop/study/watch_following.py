"""A run that is followed while it trains: an answer each time that its log says something new, until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from isoflop.logs import LoggedRun, read_logs
from isoflop.logs.growing import GrowingLog
from isoflop.runs.folder import RunFolder
from isoflop.study.watch_sources import RunPlace, WatchContext, WatchRequest, picked_run, place_of, read_context
from isoflop.units import format_duration
from isoflop.watch import Watched, WatchOptions, watch_run
from isoflop.watch.stated_schedule import StatedSchedule, completed

EVERY_SECONDS = 2.0
"""Between two looks at whether a log has changed, each a call or two of the system."""
_SHARE_OF_TIME = 0.05
"""Of one processor, at most, that answers take while a log grows."""
QUIET_SECONDS = 60.0
"""Without a new line, after which it is looked for whether the writer is gone, and said."""


@dataclass(frozen=True, kw_only=True)
class WatchAsked:
    """What is asked about a run."""

    request: WatchRequest
    options: WatchOptions
    schedule: StatedSchedule | None = None
    total_steps: float | None = None


@dataclass(frozen=True, kw_only=True)
class WatchAnswer:
    """The answer, and what it was made of."""

    found: Watched
    run: LoggedRun
    like: tuple[LoggedRun, ...]
    context: WatchContext


def watch_once(asked: WatchAsked) -> WatchAnswer:
    """The answer about a run by its log as it is now.

    Raises InputError for files that are missing, no logs or damaged, and where none of several runs is
    named; RefusedError as `watch_run` does.
    """
    place = place_of(asked.request.run)
    runs = read_logs(place.log, asked.request.reading)
    return answer_of(asked, runs, place.log, read_context(asked.request, place))


def follow(asked: WatchAsked, say: Callable[[str], None], every: float = EVERY_SECONDS) -> Iterator[WatchAnswer]:
    """Yields an answer each time that the log has grown, until the run has ended.

    Waits for a log that is not there yet. `say` gets what a person should know meanwhile: what is waited for, that the
    log was read again, that nothing comes any more. Raises as `watch_once` does.
    """
    place = _awaited_place(asked.request.run, say, every)
    context = read_context(asked.request, place)
    log, silence, waited = GrowingLog(place.log, asked.request.reading), _Silence(place, say), False
    while True:
        started = time.monotonic()
        now = log.look()
        if now is not None and now.read_anew:
            say(f"{now.read_anew}: it is read again")
        if now is not None and now.runs:
            silence.broken()
            answer = answer_of(asked, now.runs, place.log, context)
            yield answer
            if answer.run.ended or answer.run.failure or answer.found.final is not None:
                return
        elif not waited and not log.exists():
            say(f"{place.log}: not there yet; waiting for it")
            waited = True
        else:
            silence.goes_on()
        busy = time.monotonic() - started
        time.sleep(max(every, busy / _SHARE_OF_TIME))


def answer_of(asked: WatchAsked, runs: Sequence[LoggedRun], path: Path, context: WatchContext) -> WatchAnswer:
    """The answer about one of the `runs` of the log at `path`. Raises as `watch_once` does."""
    run, others = picked_run(runs, path, asked.request.name)
    like = context.like or others
    forecast = None if context.sealed is None else context.sealed.forecast
    tokens = None if forecast is None else float(forecast.tokens)
    whole = completed(run, like, asked.options, asked.schedule, asked.total_steps, tokens)
    found = watch_run(whole.run, whole.like, forecast=forecast, options=whole.options)
    notices = [*found.notices, *whole.notices, *context.notices]
    # that a run under way has not ended is no news
    found = replace(found, notices=tuple(one for one in notices if one.code != "unfinished_schedule"))
    return WatchAnswer(found=found, run=run, like=like, context=context)


def _awaited_place(path: Path, say: Callable[[str], None], every: float) -> RunPlace:
    """The place of the run, once what was named is there. Raises InputError as `place_of` does for what is there."""
    if not path.exists():
        say(f"{path}: not there yet; waiting for it")
    while not path.exists():
        time.sleep(every)
    return place_of(path)


class _Silence:
    """Tells once, when a log has been quiet for a while, whether its writer is still there."""

    def __init__(self, place: RunPlace, say: Callable[[str], None]) -> None:
        self._folder = RunFolder(place.log) if place.is_run_folder else None
        self._path, self._say = place.log, say
        self.broken()

    def broken(self) -> None:
        """Something new came."""
        self._since, self._told = time.monotonic(), False

    def goes_on(self) -> None:
        """Nothing new came."""
        quiet = time.monotonic() - self._since
        if self._told or quiet < QUIET_SECONDS:
            return
        self._told = True
        stopped = self._folder is not None and self._folder.status() == "interrupted"
        why = "its trainer has stopped" if stopped else "the run may have stopped"
        self._say(f"{self._path}: nothing new for {format_duration(quiet)}: {why}; waiting for more")
