"""How often intervals of a nominal level held what came, with the interval of that share.

Several forecasts of one study rest on the same runs, and are hits or misses together. So each study counts once, by
the share of its own forecasts that were hits, and the interval of the mean is that of as many trials as there are
studies: where a study's forecasts differ it is wider than it need be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from isoflop.ledger.distribution import normal_quantile
from isoflop.ledger.entry import LEVELS, Entry

INTERVAL_LEVEL = 0.9
"""Level of the intervals of shares and means."""
Finding = Literal["as stated", "too few", "too many"]


@dataclass(frozen=True, kw_only=True)
class Hits:
    """The hits of one nominal level."""

    level: float
    """Nominal probability of the intervals."""
    hits: int
    of: int
    """Forecasts that have an interval and an outcome, and count."""
    studies: int
    """Studies that they are of."""
    share: float | None
    """Share of hits, each study counted once; None where there are no forecasts."""
    interval: tuple[float, float] | None
    """Wilson interval of that share, with probability INTERVAL_LEVEL; None without forecasts."""

    @property
    def finding(self) -> Finding:
        """Whether the share of hits can be the nominal one."""
        if self.interval is None or self.interval[0] <= self.level <= self.interval[1]:
            return "as stated"
        return "too few" if self.interval[1] < self.level else "too many"


def hits_of(entries: Sequence[Entry]) -> tuple[Hits, ...]:
    """The hits at each of LEVELS of those entries that count and have an interval."""
    return tuple(_at(level, entries) for level in LEVELS)


def _at(level: float, entries: Sequence[Entry]) -> Hits:
    inside = [(entry.study, held) for entry in entries if entry.counted and (held := entry.inside(level)) is not None]
    shares = means_by_study([(study, float(held)) for study, held in inside])
    share = sum(shares) / len(shares) if shares else None
    return Hits(
        level=level,
        hits=sum(held for _, held in inside),
        of=len(inside),
        studies=len(shares),
        share=share,
        interval=None if share is None else wilson(share, len(shares), INTERVAL_LEVEL),
    )


def means_by_study(values: Sequence[tuple[str, float]]) -> list[float]:
    """The mean of each study's values, in the order in which the studies come."""
    by_study: dict[str, list[float]] = {}
    for study, value in values:
        by_study.setdefault(study, []).append(value)
    return [sum(own) / len(own) for own in by_study.values()]


def wilson(share: float, trials: int, level: float) -> tuple[float, float]:
    """The interval of a binomial probability of which `share` of `trials` were hits (Wilson 1927).

    >>> low, high = wilson(7 / 10, 10, 0.95)
    >>> round(low, 4), round(high, 4)
    (0.3968, 0.8922)
    """
    z = normal_quantile((1 + level) / 2)
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    return (0.0 if share <= 0 else max(middle - half, 0.0), 1.0 if share >= 1 else min(middle + half, 1.0))
