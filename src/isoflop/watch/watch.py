"""A run under way: its curve, its final loss by each method and together, and how it stands to its forecast."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.logs.run import LoggedRun
from isoflop.plan.expected_course import ExpectedCourse
from isoflop.plan.sealed_forecast import Forecast
from isoflop.units import format_number
from isoflop.watch.band import expected_course
from isoflop.watch.combination import Combined
from isoflop.watch.curve import Curve
from isoflop.watch.curves import read_curves
from isoflop.watch.endings import what_if
from isoflop.watch.final_loss import forecast_end
from isoflop.watch.judged import about_verdict, judge_run
from isoflop.watch.law_method import ANNEALING, MULTI_POWER
from isoflop.watch.method import Method
from isoflop.watch.odds import inside_probability
from isoflop.watch.options import WatchOptions
from isoflop.watch.ratio import RatioMethod
from isoflop.watch.references import SAME_LENGTH, length_apart, references
from isoflop.watch.result import Watched

METHODS: tuple[Method, ...] = (RatioMethod(), ANNEALING, MULTI_POWER)
"""Ways to the final loss, the one with the weakest assumption first."""


def watch_run(
    run: LoggedRun,
    like: Sequence[LoggedRun],
    *,
    forecast: Forecast | None = None,
    options: WatchOptions | None = None,
    methods: Sequence[Method] = METHODS,
) -> Watched:
    """Where `run` stands and will end, by the finished runs among `like` and by its `forecast`.

    Raises RefusedError `no_curve` and `schedule_unknown` as `read_curves` does; InputError where losses are in
    different units, or a stated loss is not there.
    """
    options = options or WatchOptions()
    curves = read_curves(run, like, options, None if forecast is None else float(forecast.tokens))
    whole = curves.run
    seen = whole if options.as_of is None else whole.until(options.as_of)
    if not len(seen.tokens):
        raise InputError(f"{run.name}: no loss up to {options.as_of or 1:.0%} of its schedule")
    notices = [*run.notices, *curves.notices]
    used = references(seen, curves.like)
    notices += _about_references(seen, used, curves.like)
    combined = None if seen.final is not None else forecast_end(seen, curves.like, methods, options.level)
    course, about = _course(whole, curves.like, forecast, options.level, run.loss_unit)
    notices += about
    judgement = judge_run(run, seen, curves.like, forecast=forecast, band=course, as_of=options.as_of)
    notices.extend(about_verdict(judgement, run.name))
    share = float(seen.share[-1])
    steps = seen.tokens[-1] if seen.counts == "steps" else _step_at(run, float(seen.tokens[-1]))
    return Watched(
        name=run.name,
        share=share,
        tokens=float(seen.tokens[-1]) if seen.counts == "tokens" else None,
        total_tokens=whole.total_tokens if seen.counts == "tokens" else None,
        steps=float(steps),
        loss=float(seen.loss[-1]),
        loss_unit=run.loss_unit,
        measured=seen.measured,
        final_measured=curves.final_set,
        predicted_final=seen.final if combined is None else combined.predicted_final,
        interval=_known(seen.final) if combined is None else combined.interval,
        level=options.level,
        methods={} if combined is None else combined.methods,
        weights={} if combined is None else combined.weights,
        references=tuple(other.name for other in used),
        final=seen.final,
        verdict=judgement.verdict,
        reason=judgement.reason,
        since=judgement.since,
        history=judgement.history,
        spikes=judgement.spikes,
        expected=None if course is None or share < course.shares[0] else course.at(share),
        inside_forecast_probability=_inside(seen, combined, forecast),
        what_if=what_if(seen, curves.like, level=options.level, cluster=options.cluster),
        course=course,
        notices=tuple(notices),
    )


def _course(
    run: Curve, like: Sequence[Curve], forecast: Forecast | None, level: float, unit: str
) -> tuple[ExpectedCourse | None, list[Notice]]:
    """The band that was sealed with the forecast, where it is of this loss; else one that is made now, and said."""
    if forecast is None:
        return None, []
    if forecast.loss_unit != unit:
        raise InputError(f"{run.name}: its losses are in {unit}, the forecast in {forecast.loss_unit}")
    sealed = forecast.course
    if sealed is not None and sealed.measured == run.measured:
        return sealed, []
    made = expected_course(forecast, run, like, level)
    if made is None:
        return None, []
    why = "the forecast was sealed without one"
    if sealed is not None:
        why = f"the sealed one is of {sealed.measured!r}, the run is watched by {run.measured!r}"
    text = f"the band of the way is made now, from {', '.join(made.made_from[:5])}: {why}"
    return made, [Notice(code="band_made_now", message=text)]


def _known(final: float | None) -> tuple[float, float] | None:
    return None if final is None else (final, final)


def _inside(seen: Curve, combined: Combined | None, forecast: Forecast | None) -> float | None:
    """The probability that the run ends inside the interval of its forecast; 0 or 1 of a run that ended."""
    if forecast is None or forecast.interval is None or forecast.level is None:
        return None
    low, high = forecast.interval
    if seen.final is not None:
        return float(low <= seen.final <= high)
    if combined is None:
        return None
    return inside_probability(combined, forecast.interval, forecast.level)


def _step_at(run: LoggedRun, tokens: float) -> float:
    assert run.tokens is not None
    return float(np.interp(tokens, run.tokens.values, run.tokens.steps))


def _about_references(seen: Curve, used: Sequence[Curve], like: Sequence[Curve]) -> list[Notice]:
    """What a reader should know of the finished runs that a run is held against."""
    if not used:
        text = (
            f"{seen.name}: no finished run of its schedule and tokens per parameter that is not larger, among "
            f"{len(like)}; name some with --like"
        )
        return [Notice(code="no_reference", message=text)]
    apart = max(length_apart(seen, other) for other in used)
    if seen.params is None or apart <= SAME_LENGTH:
        return []
    own, *others = (format_number(curve.tokens_per_param or math.nan, 3) for curve in (seen, *used))
    text = (
        f"{seen.name} has {own} {seen.counts} per parameter, the finished runs that it is held against "
        f"{', '.join(others)}: intervals are wider for it"
    )
    return [Notice(code="other_length", message=text)]
