"""Means of signed deviations and z-scores, each study counted once, and whether they lean to one side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Literal

from isoflop.distributions import student_quantile
from isoflop.ledger.entry import Entry, Kind
from isoflop.ledger.hits import INTERVAL_LEVEL, Hits, hits_of, means_by_study

Lean = Literal["low", "high", "none shown"]
"""Forecasts are too low, too high, or nothing shows that they lean."""

REACHES = (1.0, 3.0, 10.0, 30.0, math.inf)
"""Ends of the ranges of extrapolation that forecasts are put together in."""


@dataclass(frozen=True, kw_only=True)
class MeanOfStudies:
    """A mean over studies, each with the mean of its own forecasts."""

    mean: float
    interval: tuple[float, float] | None
    """Student's interval with probability INTERVAL_LEVEL; None of one study."""
    studies: int

    @property
    def lean(self) -> Lean:
        """On which side of the outcomes the forecasts lie: a mean above 0 says that the outcomes came above them."""
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return "none shown"
        return "low" if self.mean > 0 else "high"


def mean_of_studies(values: Sequence[tuple[str, float]]) -> MeanOfStudies | None:
    """The mean of (study, value) over studies with Student's interval; None of no values."""
    means = means_by_study(values)
    if not means:
        return None
    middle, interval = fmean(means), None
    if len(means) > 1:
        half = student_quantile((1 + INTERVAL_LEVEL) / 2, len(means) - 1) * stdev(means) / math.sqrt(len(means))
        interval = (middle - half, middle + half)
    return MeanOfStudies(mean=middle, interval=interval, studies=len(means))


@dataclass(frozen=True, kw_only=True)
class KindSummary:
    """All that the counted forecasts of one kind come to."""

    kind: Kind
    of: int
    """Forecasts that count."""
    hits: tuple[Hits, ...]
    log_ratio: MeanOfStudies | None
    """Of ln(actual / predicted); None where no outcome has a ratio to its forecast."""
    z: MeanOfStudies | None
    z_spread: float | None
    """Root mean square of z: 1 where intervals are as wide as they should be; None without any."""
    half_width: float | None
    """Median half-width of the stated intervals: of logarithms about a share; None without any."""
    score: float | None
    """Mean continuous ranked probability score, in the same unit; None without an interval."""
    expected_score: float | None
    """What that mean would be, were the stated distributions right."""


def kind_summary(kind: Kind, entries: Sequence[Entry]) -> KindSummary:
    """The summary of those of `entries` that count and are of `kind`."""
    own = [entry for entry in entries if entry.counted and entry.kind == kind]
    stated = [(one, entry.actual) for entry in own if (one := entry.stated) is not None and entry.actual is not None]
    scores = [entry.z for entry in own if entry.z is not None]
    return KindSummary(
        kind=kind,
        of=len(own),
        hits=hits_of(own),
        log_ratio=mean_of_studies([(entry.study, d) for entry in own if (d := entry.log_ratio) is not None]),
        z=mean_of_studies([(entry.study, z) for entry in own if (z := entry.z) is not None]),
        z_spread=math.sqrt(fmean(z * z for z in scores)) if scores else None,
        half_width=median(one.half_width for one, _ in stated) if stated else None,
        score=fmean(one.score(actual) for one, actual in stated) if stated else None,
        expected_score=fmean(one.expected_score for one, _ in stated) if stated else None,
    )


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The counted forecasts of one kind whose run lies within a range of factors beyond its data."""

    kind: Kind
    above: float | None
    """Least factor of the range; None where factors are not known."""
    up_to: float | None
    """Largest factor; None beyond the last end, and where factors are not known."""
    of: int
    hits: Hits
    """At the level of 90 %."""
    log_ratio: MeanOfStudies | None


def reaches_of(entries: Sequence[Entry]) -> tuple[Reach, ...]:
    """The counted forecasts by kind and by how far beyond their data they reach; ranges without any are left out."""
    found: dict[tuple[Kind, float | None, float | None], list[Entry]] = {}
    for entry in sorted((one for one in entries if one.counted), key=lambda one: (one.kind, one.factor or math.inf)):
        found.setdefault((entry.kind, *_range(entry.factor)), []).append(entry)
    return tuple(
        Reach(
            kind=kind,
            above=above,
            up_to=up_to,
            of=len(own),
            hits=hits_of(own)[-1],
            log_ratio=mean_of_studies([(entry.study, d) for entry in own if (d := entry.log_ratio) is not None]),
        )
        for (kind, above, up_to), own in found.items()
    )


def _range(factor: float | None) -> tuple[float | None, float | None]:
    if factor is None:
        return None, None
    low = 0.0
    for high in REACHES:
        if factor <= high * (1 + 1e-6):  # 9.99e12 FLOPs of 1e12 are asked for as ten times
            return low, None if math.isinf(high) else high
        low = high
    raise AssertionError("the last end is infinite")
