"""What the panel of the planned run under way shows: its band, its loss, each verdict, and its end as it was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from isoflop.arrays import Array
from isoflop.report.panel import Absent
from isoflop.report.record import StudyRecord
from isoflop.watch.logbook import Look
from isoflop.watch.verdict_words import is_off_course, verdict_words

Interval: TypeAlias = tuple[float, float]
_AVERAGED = 0.1
"""A loss is drawn as the mean over this part of the way there, as the band is made (watch/band.py)."""
_FROM = 0.06
"""Share of the schedule from which on the run is drawn: before it the loss falls from that of uniform guessing."""


@dataclass(frozen=True, kw_only=True)
class BandPlace:
    """The band at one share of the schedule."""

    share: float
    low: float
    expected: float
    high: float


@dataclass(frozen=True, kw_only=True)
class VerdictPlace:
    """A verdict where it was first given."""

    share: float
    loss: float
    """Averaged loss of the run there."""
    words: str
    off_course: bool


@dataclass(frozen=True, kw_only=True)
class FinalSeen:
    """The final loss as one method, or all together, saw it from a share of the schedule."""

    share: float
    predicted: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class WatchedRun:
    """The planned run on its way."""

    band: tuple[BandPlace, ...]
    """Empty where there was none."""
    sealed: bool
    """Whether the band was sealed with the forecast; else it was made while the run was watched."""
    level: float
    """Level of the band and of all intervals."""
    total_tokens: int
    shares: tuple[float, ...]
    loss: tuple[float, ...]
    """Averaged training loss at each of `shares`."""
    logged: tuple[float, ...]
    """As logged there."""
    verdicts: tuple[VerdictPlace, ...]
    """Without those that say that it is too early."""
    changes: tuple[Look, ...]
    """The looks that gave them, the first of all looks too."""
    together: tuple[FinalSeen, ...]
    methods: tuple[tuple[str, tuple[FinalSeen, ...]], ...]
    """(name, what it saw), where there is more than one."""
    forecast: float | None
    forecast_interval: Interval | None
    actual: float | None
    """The final loss, of a run that ended."""


def watched_run(record: StudyRecord) -> WatchedRun | Absent:
    """What is known of the planned run on its way; Absent before the first look."""
    if record.watch is None or not record.watch.loss:
        return Absent(sentence="The planned run under way: it has not been looked at.")
    watch, forecast = record.watch, record.forecast
    looks = watch.logbook.looks
    shares = np.asarray(watch.tokens) / watch.total_tokens
    averaged = _averaged(shares, np.asarray(watch.loss))
    drawn = shares >= _FROM
    band = _band(record, looks)
    names = list(dict.fromkeys(name for look in looks for name in look.methods))
    by_method = [(name, tuple(_seen(look, name) for look in looks if name in look.methods)) for name in names]
    changes = tuple(look for look in watch.logbook.changes if look.verdict != "too_early")
    sealed = forecast.sealed.forecast if forecast else None
    return WatchedRun(
        band=band,
        sealed=sealed is not None and sealed.course is not None,
        level=looks[-1].level,
        total_tokens=watch.total_tokens,
        shares=tuple(shares[drawn].tolist()),
        loss=tuple(averaged[drawn].tolist()),
        logged=tuple(np.asarray(watch.loss)[drawn].tolist()),
        verdicts=tuple(
            VerdictPlace(
                share=look.share,
                loss=float(np.interp(look.share, shares, averaged)),
                words=verdict_words(look.verdict),
                off_course=is_off_course(look.verdict),
            )
            for look in changes
        ),
        changes=changes,
        together=tuple(
            FinalSeen(share=look.share, predicted=look.predicted_final, interval=look.interval)
            for look in looks
            if look.predicted_final is not None and look.interval is not None
        ),
        methods=tuple(by_method) if len(by_method) > 1 else (),
        forecast=sealed.loss if sealed else None,
        forecast_interval=sealed.interval if sealed else None,
        actual=forecast.score.actual if forecast and forecast.score else None,
    )


def _averaged(shares: Array, loss: Array) -> Array:
    """Geometric mean of the losses over the last tenth of the way to each share."""
    sums = np.concatenate([[0.0], np.cumsum(np.log(loss))])
    first = np.searchsorted(shares, (1 - _AVERAGED) * shares, side="right")
    stop = np.arange(1, len(shares) + 1)
    first = np.minimum(first, stop - 1)
    return np.asarray(np.exp((sums[stop] - sums[first]) / (stop - first)))


def _band(record: StudyRecord, looks: Sequence[Look]) -> tuple[BandPlace, ...]:
    """The sealed band, or that of the looks where none was sealed."""
    course = record.forecast.sealed.forecast.course if record.forecast else None
    if course is not None:
        columns = zip(course.shares, course.low, course.loss, course.high, strict=True)
        return tuple(BandPlace(share=s, low=low, expected=mid, high=high) for s, low, mid, high in columns)
    return tuple(
        BandPlace(share=look.share, low=look.expected[0], expected=look.expected[1], high=look.expected[2])
        for look in looks
        if look.expected is not None
    )


def _seen(look: Look, name: str) -> FinalSeen:
    one = look.methods[name]
    return FinalSeen(share=look.share, predicted=one.predicted_final, interval=one.interval)
