"""From curves to the verdict: what a run is held to, and what else its log holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from isoflop.arrays import Array
from isoflop.distributions import student_quantile
from isoflop.errors import Notice
from isoflop.logs.run import LoggedRun, Series
from isoflop.plan.expected_course import ExpectedCourse
from isoflop.plan.sealed_forecast import Forecast
from isoflop.watch.band import NEAR
from isoflop.watch.course import KIN_SD, Course, course_of_kin, course_of_repeats, paths_of_kin, usual_sd
from isoflop.watch.curve import TRAINING, Curve
from isoflop.watch.excursions import not_finite_from
from isoflop.watch.rates import other_rates
from isoflop.watch.references import SAME_SIZE, references
from isoflop.watch.schedule import tokens_at
from isoflop.watch.verdict import Judgement, judge, warmup_share

_MIDDLE = NEAR**0.5
"""A loss of a sealed band is the mean over the last part of the way: that at the middle of it, in logarithms."""

_SEVERAL = 3


def judge_run(
    logged: LoggedRun,
    seen: Curve,
    like: Sequence[Curve],
    *,
    forecast: Forecast | None,
    band: ExpectedCourse | None,
    as_of: float | None = None,
) -> Judgement:
    """Returns the verdict on `seen`, the curve of `logged` up to the share `as_of`.

    `like` are the finished curves. With a forecast the level is held to its band; without one to finished runs of the
    same size, where there are any. Smaller runs give the shape alone.
    """
    used = references(seen, like)
    kin = partial(_kin, like, used, forecast, band)
    sealed = band is not None and forecast is not None
    course_at = None
    if used and (sealed or not _repeats(seen, used)):
        course_at = kin
    elif used:
        course_at = partial(course_of_repeats, used)
    elif band is not None:
        course_at = partial(_of_band, band)
    training = None
    if seen.measured != TRAINING and logged.training is not None:
        training = _curve_of(logged, logged.training, seen, as_of)
    return judge(
        seen,
        course_at,
        training=training,
        not_finite_at=_not_finite(logged, seen, as_of),
        rates=other_rates(logged, seen, used, band, warmup=warmup_share(seen)),
    )


def about_verdict(judgement: Judgement, name: str) -> list[Notice]:
    """Returns what a reader should know besides the word: spikes that came back, and a level that nothing tells."""
    notices = []
    back = [spike for spike in judgement.spikes if spike.until is not None]
    if back:
        highest = max(back, key=lambda spike: spike.height)
        text = (
            f"{name}: {len(back)} {'spike' if len(back) == 1 else 'spikes'} of the loss came back, the highest of "
            f"{np.expm1(highest.height):+.0%} at {highest.share:.1%} of the schedule"
        )
        notices.append(Notice(code="spikes_came_back", message=text))
    if not judgement.level_known:
        text = f"{name}: smaller runs alone tell the shape of its curve, and not its level; a forecast tells both"
        notices.append(Notice(code="shape_only", message=text))
    return notices


def _repeats(seen: Curve, used: Sequence[Curve]) -> bool:
    """Whether the references differ from the run in nothing but the seed: equal in size and length.

    Where sizes are not known, several of one length tell by their own spread how far apart such runs lie.
    """
    lengths = [seen.total_tokens, *(other.total_tokens for other in used)]
    if max(lengths) > SAME_SIZE * min(lengths):
        return False
    sizes = [other.params for other in used]
    if seen.params is None or None in sizes:
        return len(used) >= _SEVERAL
    return all(size is not None and size * SAME_SIZE >= seen.params for size in sizes)


def _kin(
    like: Sequence[Curve],
    used: Sequence[Curve],
    forecast: Forecast | None,
    band: ExpectedCourse | None,
    share: Array,
) -> Course:
    finished = [(other, references(other, [one for one in like if one is not other])) for other in like]
    sealed = band is not None and forecast is not None
    return course_of_kin(
        used,
        share,
        final=forecast.loss if sealed and forecast is not None else None,
        level_sd=_band_sd(band, share) if band is not None else np.full(len(share), np.inf),
        level_dof=band.degrees if band is not None else np.inf,
        paths=paths_of_kin(finished, share),
    )


def _of_band(band: ExpectedCourse, share: Array) -> Course:
    logs = np.interp(share, _MIDDLE * np.array(band.shares), np.log(band.loss))
    none = np.zeros((0, len(share)))
    return Course(
        centre=logs,
        level_sd=_band_sd(band, share),
        smooth_sd=_band_sd(band, share),
        level_dof=band.degrees,
        paths=none,
        change_sd=usual_sd(KIN_SD, [], share),
    )


def _band_sd(band: ExpectedCourse, share: Array) -> Array:
    """Standard deviation of ln(loss) that a band states at each share."""
    half = np.log(np.array(band.high) / np.array(band.low)) / 2
    sd = half / student_quantile(0.5 + band.level / 2, band.degrees)
    along: Array = np.interp(share, band.shares, sd)
    return along


def _curve_of(logged: LoggedRun, series: Series, seen: Curve, as_of: float | None) -> Curve | None:
    """Another loss of the same run up to the same moment; None without points."""
    at = series.steps if seen.counts == "steps" else tokens_at(logged, series.steps)
    good = np.isfinite(series.values) & (series.values > 0) & (at > 0) & (at <= (as_of or np.inf) * seen.total_tokens)
    rising = np.flatnonzero(good)[np.diff(np.concatenate([[-np.inf], at[good]])) > 0]
    if not len(rising):
        return None
    return Curve(
        name=seen.name,
        tokens=at[rising],
        loss=series.values[rising],
        schedule_tokens=seen.schedule_tokens,
        schedule_rates=seen.schedule_rates,
        total_tokens=seen.total_tokens,
        counts=seen.counts,
    )


def _not_finite(logged: LoggedRun, seen: Curve, as_of: float | None) -> float | None:
    """Share of the schedule from which on the log holds no loss that is a number; None where its last loss is one."""
    found = []
    for name, series in [(TRAINING, logged.training), *logged.evaluations.items()]:
        if series is None or not len(series) or name not in (TRAINING, seen.measured):
            continue
        at = series.steps if seen.counts == "steps" else tokens_at(logged, series.steps)
        share = at / seen.total_tokens
        now = share <= (as_of or np.inf) * (1 + 1e-9)
        lost = not_finite_from(share[now], series.values[now])
        found.extend([] if lost is None else [lost])
    return min(found, default=None)
