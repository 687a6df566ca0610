"""The answer on one evaluation set by the law of both recipes alone, where no size and length has runs of both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.chosen_law import law_words, shared_law
from isoflop.compare.conversion import log_multiplier
from isoflop.compare.judgement import judge, multiplier_words, trend_of
from isoflop.compare.law_rows import FinalRows
from isoflop.compare.options import CompareOptions
from isoflop.compare.own_law_verdict import answered, own_answer
from isoflop.compare.result import SetVerdict, SlopeUsed
from isoflop.compare.shared_law import SharedLaw, with_draws
from isoflop.distributions import student_quantile, student_upper
from isoflop.errors import RefusedError

NO_CELL = "no size and number of tokens has runs of both, so that the law stands for the runs that were not made"


@dataclass(frozen=True, kw_only=True, eq=False)
class _AtPlaces:
    """ln m at the sizes and lengths of B's runs, by the fit and by each draw."""

    best: Array
    """(places,)."""
    drawn: Array
    """(draws, places)."""
    log_compute: Array
    """(places,)."""


def law_verdict(rows: FinalRows, name: str, options: CompareOptions) -> SetVerdict | None:
    """The verdict at the places where B was trained; None where the runs do not identify the law.

    The error is the spread of refits of the law, with Student's t of the runs that it has beyond its constants: the
    noise of the runs, and no error of the law's form. Raises RefusedError `no_times` for an axis of time without
    a ratio of throughputs.
    """
    found = shared_law(rows)
    if found is None:
        return None
    law = with_draws(found.law, options.draws, options.seed)
    places = _at_places(law, rows, options, found.own_floor)
    if not np.isfinite(places.best).all():
        return None
    left = len(rows.loss) - law.constants
    drawn = np.where(np.isfinite(places.drawn), places.drawn, places.best)
    value, sd = float(places.best.mean()), float(drawn.mean(axis=1).std())
    half = student_quantile((1 + options.level) / 2, left)
    ends = value - half * sd, value + half * sd
    away = places.log_compute - places.log_compute.mean()
    slope, between = None, None  # places of one compute show no trend
    if away @ away > 0:
        slope, spread = float(away @ places.best / (away @ away)), float((drawn @ away / (away @ away)).std())
        between = slope - half * spread, slope + half * spread
    judged = judge(ends, math.log1p(options.equal_within))
    interval = math.exp(ends[0]), math.exp(ends[1])
    words = multiplier_words(math.exp(value), interval, options.level, options.axis)
    verdict = SetVerdict(
        name=name,
        multiplier=math.exp(value),
        interval=interval,
        probability_above_1=student_upper(-value / sd, left) if sd > 0 else float(value > 0),
        slope=slope,
        slope_interval=between,
        trend="unknown" if between is None else trend_of(between),
        reachable=True,
        verdict=judged.verdict,
        equal_within=judged.within,
        pairs_needed=None,
        reason=f"{words}, by {law_words(found, len(rows.loss))}; {NO_CELL}",
        constant=not found.own_floor,
        slope_used=SlopeUsed(source=law_words(found, len(rows.loss)), value=None),
        parts={"slope": sd} if sd > 0 else {},
    )
    own = own_answer(rows, _log_ratio(options), options) if found.own_floor else None
    if own is None or not own.reached:
        return verdict
    verdict = answered(verdict, own, options)
    return replace(verdict, reason=f"{verdict.reason}; {NO_CELL}")


def _at_places(law: SharedLaw, rows: FinalRows, options: CompareOptions, own: bool) -> _AtPlaces:
    N, D = np.unique(np.stack([rows.N, rows.D])[:, rows.is_a < 0.5], axis=1)
    data = options.axis == "data"
    values = []
    for theta in (law.theta[None], law.draws):
        floor, exponent = law.floor_and_exponent(N, theta, data, own)
        log_a, log_b = (law.log_loss(N, D, theta, is_a) for is_a in (True, False))
        values.append(log_multiplier(log_a, log_b, floor, exponent) + _log_ratio(options))
    return _AtPlaces(best=values[0][0], drawn=values[1], log_compute=np.log(6 * N * D))


def _log_ratio(options: CompareOptions) -> float:
    """ln of what A spends over what B spends on the axis for equal FLOPs."""
    if options.axis not in ("time", "money"):
        return 0.0
    if options.throughput_ratio is None:
        raise RefusedError(
            "no_times", "runs that share no size and length do not tell how fast B is: state the ratio of throughputs"
        )
    price = math.log(options.price_ratio) if options.axis == "money" else 0.0
    return math.log(options.throughput_ratio) - price
