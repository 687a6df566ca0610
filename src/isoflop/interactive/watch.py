"""`isoflop.watch(run)`: a run under way held against finished ones and its forecast, with its history as a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.interactive.answer import Answer
from isoflop.interactive.frames import frame_of
from isoflop.logs import LoggedRun, LogOptions, read_logs
from isoflop.logs.in_memory import runs_in_memory
from isoflop.observations.frames import library_of
from isoflop.plan import SealedForecast
from isoflop.report.drawing import Drawing
from isoflop.report.watch_json import watch_json
from isoflop.report.watch_words import watch_lines
from isoflop.schedule import Kind, Schedule
from isoflop.study.watch_following import WatchAnswer, WatchAsked, answer_of
from isoflop.study.watch_sources import RunPlace, WatchContext, WatchRequest, place_of, read_context
from isoflop.units import Quantity, parse_quantity
from isoflop.watch import Watched, WatchOptions
from isoflop.watch.options import LEVEL
from isoflop.watch.stated_schedule import StatedSchedule

if TYPE_CHECKING:
    from isoflop.codec import JsonObject
    from isoflop.observations.frames import InMemory

    RunSource: TypeAlias = str | Path | LoggedRun | InMemory
    """A path of a run folder, a study, a log or a folder of logs; a run as `read_logs` gives it; a table in memory."""
    Like: TypeAlias = RunSource | Sequence[str | Path | LoggedRun]

_LOOKS = 20
"""Looks in the history of a whole run."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RunUnderWay(Answer):
    """What `isoflop.watch` found of a run; `result` has all of it as values."""

    result: Watched
    answer: WatchAnswer = field(repr=False)
    """With the run and the finished ones as they were read."""
    asked: WatchAsked = field(repr=False)
    library: str = field(default="", repr=False)
    """Whose frames `history` and `curve` are: that of the run; empty: of the first that is installed."""

    @property
    def verdict(self) -> str:
        """`on_course`, `above`, `below`, `off_shape`, `diverging` or `too_early`."""
        return self.result.verdict

    @property
    def predicted_final(self) -> float | None:
        """The final loss, by all methods together; None where none says anything yet."""
        return self.result.predicted_final

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the final loss is expected with probability `result.level`."""
        return self.result.interval

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What looked odd, and what was done about it."""
        return self.result.notices

    def as_of(self, share: float) -> RunUnderWay:
        """The answer as if the log ended at `share` of the schedule. Raises InputError before its first loss."""
        asked = replace(self.asked, options=replace(self.asked.options, as_of=share))
        context = replace(self.answer.context, like=self.answer.like)
        answer = answer_of(asked, [self.answer.run], Path(self.result.name), context)
        return replace(self, result=answer.found, answer=answer, asked=asked)

    @cached_property
    def history(self) -> Any:
        """A frame with a row a look, at every twentieth of the schedule up to now: what would have been said then."""
        found = [self.as_of(float(share)).result for share in self._looks()]
        return frame_of(
            {
                "share": [one.share for one in found],
                "tokens": [one.tokens for one in found],
                "loss": [one.loss for one in found],
                "expected_low": [None if one.expected is None else one.expected[0] for one in found],
                "expected": [None if one.expected is None else one.expected[1] for one in found],
                "expected_high": [None if one.expected is None else one.expected[2] for one in found],
                "predicted_final": [one.predicted_final for one in found],
                "low": [None if one.interval is None else one.interval[0] for one in found],
                "high": [None if one.interval is None else one.interval[1] for one in found],
                "inside_forecast_probability": [one.inside_forecast_probability for one in found],
                "verdict": [one.verdict for one in found],
            },
            self.library,
        )

    @cached_property
    def methods(self) -> Any:
        """A frame with a row a method: its final loss, interval and weight."""
        rows = self.result.methods
        return frame_of(
            {
                "method": list(rows),
                "predicted_final": [one.predicted_final for one in rows.values()],
                "low": [one.interval[0] for one in rows.values()],
                "high": [one.interval[1] for one in rows.values()],
                "weight": [self.result.weights.get(name) for name in rows],
            },
            self.library,
        )

    def as_json(self) -> JsonObject:
        """The object that `isoflop watch --json` prints."""
        return watch_json(self.result)

    def lines(self) -> tuple[str, str, str]:
        """The verdict; the predicted final loss; the odds and what it is held against: what `repr` prints."""
        return watch_lines(self.result)

    def first_drawing(self) -> Drawing | None:
        """None: the figure of a run under way is that of its study's report."""
        return None

    def _looks(self) -> list[float]:
        shares = np.arange(1, _LOOKS + 1) / _LOOKS
        return [float(share) for share in shares if share < self.result.share - 1e-9] + [min(1.0, self.result.share)]


def watch(
    run: RunSource,
    *,
    like: Like | None = None,
    forecast: str | Path | SealedForecast | None = None,
    name: str | None = None,
    as_of: float | None = None,
    level: float = LEVEL,
    loss: str | None = None,
    total_tokens: Quantity | None = None,
    total_steps: Quantity | None = None,
    schedule: Schedule | Kind | None = None,
    params: Quantity | Mapping[str, Quantity] | None = None,
    tokens_per_step: Quantity | Mapping[str, Quantity] | None = None,
    columns: Mapping[str, str] | None = None,
    loss_unit: str | None = None,
) -> RunUnderWay:
    """Where a run that is under way will end, and whether that is where it was expected.

    `run` is a path of a run folder, a study (its planned run), a log or a folder of logs; a run as `read_logs` gives
    it; or a frame of pandas, polars or pyarrow, {column: cells} or a list of records with a row for each point of its
    curve. `like` are finished smaller runs of the recipe, in the same ways, or a list of paths or runs; without it
    those of the run's study, or of its log, serve. `forecast` is a sealed forecast, or the study's own.

    `name` picks the run of a log with several; `as_of` answers as if the log ended at that share of the schedule. From
    `total_tokens` on the keywords state what logs do not tell, as the options of `isoflop watch` do; `params` and
    `tokens_per_step` are of all runs, or {run or pattern: number}.

    Raises InputError for what is no log, RefusedError where the schedule's length is unknown or there is no curve.

    >>> import isoflop
    >>> def rows(run, size, until=100):
    ...     losses = [(2 + size**-.3) * (1 + (1 - step / 100) ** 2) for step in range(1, until + 1)]
    ...     return [
    ...         {"run": run, "params": size, "step": i + 1, "tokens": size * (i + 1) / 5, "val/loss": loss}
    ...         for i, loss in enumerate(losses)
    ...     ]
    >>> like = [*rows("small", 1e6), *rows("middle", 2e6)]
    >>> found = isoflop.watch(rows("big", 4e6, until=40), like=like, total_tokens="80M")
    >>> f"{found.result.share:.0%}: {found.predicted_final:.3f}, and it will be {2 + 4e6 ** -.3:.3f}"
    '40%: 2.010, and it will be 2.010'
    """
    reading = _reading(params, tokens_per_step, columns, loss_unit)
    _check_length(total_tokens, total_steps)
    path = Path(run) if isinstance(run, str | Path) else Path(run.name if isinstance(run, LoggedRun) else "the run")
    asked = WatchAsked(
        request=WatchRequest(run=path, forecast=_path(forecast), name=name, reading=reading),
        options=WatchOptions(level=level, loss=loss, total_tokens=_number(total_tokens, "total_tokens"), as_of=as_of),
        schedule=_shape(schedule),
        total_steps=_number(total_steps, "total_steps"),
    )
    place = place_of(path) if isinstance(run, str | Path) else RunPlace(log=path)
    runs = _runs(place.log if isinstance(run, str | Path) else run, reading, "the run")
    answer = answer_of(asked, runs, place.log, _context(asked.request, place, like, forecast))
    return RunUnderWay(
        result=answer.found,
        answer=answer,
        asked=replace(asked, request=replace(asked.request, name=None)),
        library="" if isinstance(run, str | Path | LoggedRun) else library_of(run),
    )


def _check_length(total_tokens: Quantity | None, total_steps: Quantity | None) -> None:
    if total_tokens is not None and total_steps is not None:
        raise InputError("total_tokens and total_steps state one length: give one of them")


def _reading(
    params: Quantity | Mapping[str, Quantity] | None,
    tokens_per_step: Quantity | Mapping[str, Quantity] | None,
    columns: Mapping[str, str] | None,
    loss_unit: str | None,
) -> LogOptions:
    return LogOptions(
        params=_stated(params, "params"),
        tokens_per_step=_stated(tokens_per_step, "tokens_per_step"),
        columns=columns or {},
        loss_unit=loss_unit,
    )


def _context(
    request: WatchRequest, place: RunPlace, like: Like | None, forecast: str | Path | SealedForecast | None
) -> WatchContext:
    """The finished runs and the forecast, as named or of the run's study."""
    found = read_context(request, place, look_for_runs=like is None)
    if like is not None:
        found = replace(found, like=_finished(like, request.reading))
    return replace(found, sealed=forecast) if isinstance(forecast, SealedForecast) else found


def _finished(like: Like, reading: LogOptions) -> tuple[LoggedRun, ...]:
    """The runs of one source, or of a list of paths and runs."""
    if isinstance(like, list | tuple) and all(isinstance(one, str | Path | LoggedRun) for one in like):
        return tuple(run for one in like for run in _runs(one, reading, "like"))
    return _runs(like, reading, "like")


def _runs(source: Any, reading: LogOptions, name: str) -> tuple[LoggedRun, ...]:
    if isinstance(source, LoggedRun):
        return (source,)
    return (
        tuple(read_logs(source, reading)) if isinstance(source, str | Path) else runs_in_memory(source, reading, name)
    )


def _stated(value: Quantity | Mapping[str, Quantity] | None, what: str) -> dict[str, float]:
    """{run or pattern: number}; one number is of all runs."""
    if value is None:
        return {}
    named = value if isinstance(value, Mapping) else {"*": value}
    return {run: parse_quantity(number, f"{what} of {run}") for run, number in named.items()}


def _number(value: Quantity | None, what: str) -> float | None:
    return None if value is None else parse_quantity(value, what)


def _shape(schedule: Schedule | Kind | None) -> StatedSchedule | None:
    if schedule is None:
        return None
    return StatedSchedule(shape=schedule if isinstance(schedule, Schedule) else Schedule(kind=schedule))


def _path(forecast: str | Path | SealedForecast | None) -> Path | None:
    return Path(forecast) if isinstance(forecast, str | Path) else None
