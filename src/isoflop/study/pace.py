"""How long runs still take, from what they were expected to take and from how fast the last of them went."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from isoflop.sweep.study_design import SPEED_MARGIN

SHORTEST_WINDOW, LONGEST_WINDOW = 60.0, 3600.0
"""Seconds after which what was observed counts 1/e: long enough for the runs of several sizes, whose expected times
are off by 7 % (root mean square, sweep/speed.py), and short enough to follow a machine that others begin to use."""
PRIOR_SECONDS = 10.0
"""The seconds of work for which the expected pace counts: little, since it was measured before other work began."""
DEALT = 500
"""Runs that are dealt to workers one by one to know when the last of them ends."""
KNOWN_SECONDS = 30.0
"""Seconds of observation before which a time left is a guess."""


@dataclass(kw_only=True)
class Pace:
    """Worker seconds taken over worker seconds expected, by the work of the last `window` seconds."""

    window: float
    busy: float = PRIOR_SECONDS * SPEED_MARGIN
    work: float = PRIOR_SECONDS
    observed: float = 0.0
    """Seconds watched."""
    _last: float | None = None

    @property
    def factor(self) -> float:
        """The times as long that the work takes."""
        return self.busy / self.work

    def pass_time(self, now: float, workers: int) -> None:
        """Counts the seconds up to `now` as those in which `workers` workers were busy; the first call counts none."""
        if self._last is not None:
            passed = max(0.0, now - self._last)
            kept = math.exp(-passed / self.window)
            self.busy = self.busy * kept + passed * workers
            self.work *= kept
            self.observed += passed
        self._last = now

    def add(self, expected: float) -> None:
        """Counts work of `expected` seconds as done."""
        self.work += expected


@dataclass(kw_only=True)
class RunsLeft:
    """The runs of a stage, and the seconds until the last of them ends. Times are of one steady clock, in seconds."""

    seconds: Mapping[str, float]
    """{run_id: expected seconds on one worker}, in the order in which they are started."""
    workers: int
    shares: dict[str, float]
    """{run_id: share done, 0 to 1}"""
    pace: Pace
    started: set[str] = field(default_factory=set)
    finished: int = 0
    """Runs that ended."""
    heard: set[str] = field(default_factory=set)
    """Runs that reported where they are."""
    _changed: float | None = None

    @classmethod
    def of(cls, seconds: Mapping[str, float], workers: int, begun: Mapping[str, float], factor: float) -> RunsLeft:
        """Returns the runs before their start, `factor` times as long as expected until they are observed."""
        longest_first = dict(sorted(seconds.items(), key=lambda item: -item[1]))
        mean = sum(seconds.values()) / len(seconds) if seconds else 0.0
        window = min(max(1.5 * mean * factor, SHORTEST_WINDOW), LONGEST_WINDOW)
        return cls(
            seconds=longest_first,
            workers=workers,
            shares=dict.fromkeys(longest_first, 0.0) | dict(begun),
            pace=Pace(window=window, busy=PRIOR_SECONDS * factor),
        )

    @property
    def known(self) -> bool:
        """Whether the pace was observed for long enough to rely on it."""
        return self.pace.observed >= KNOWN_SECONDS

    def start(self, name: str) -> None:
        """Counts a run as started."""
        self.started.add(name)

    def record(self, name: str, share: float, now: float) -> None:
        """Records the share of a run that is done at the time `now`."""
        if self._changed is not None:
            self.pace.pass_time(now, min(self.workers, len(self.shares) - self.finished))
        else:
            self.pace.pass_time(now, 0)
        # what the first run of each worker has done when it is first heard of was done before the watching began
        if name in self.heard or len(self.heard) >= self.workers:
            self.pace.add(max(0.0, share - self.shares[name]) * self.seconds[name])
        self.finished += share >= 1 > self.shares[name]
        self.heard.add(name)
        self.started.add(name)
        self.shares[name], self._changed = share, now

    def left(self, now: float) -> float:
        """Returns the seconds from `now` until the last run ends: the missing work, longest first, on the workers."""
        started = self.started
        unfinished = [name for name in self.seconds if self.shares[name] < 1 and name in started]
        unfinished += [name for name in self.seconds if self.shares[name] < 1 and name not in started]
        missing = [self.seconds[name] * (1 - self.shares[name]) for name in unfinished]
        workers = max(1, min(self.workers, len(missing)))
        # of many runs only the last decide which worker ends last: the others are as good as evenly dealt
        many = max(0, len(missing) - max(DEALT, 4 * workers))
        ends = [sum(missing[:many]) / workers] * workers
        for seconds in missing[many:]:
            heapq.heapreplace(ends, ends[0] + seconds)
        since = 0.0 if self._changed is None else now - self._changed
        return max(0.0, max(ends) * self.pace.factor - since)
