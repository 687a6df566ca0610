"""How the optimum grows, where it lies at some computes, and what the runs do not identify, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit import LEVEL, AnyFit, Approach, FitReport, Refused
from isoflop.fit.size import SizeForecast
from isoflop.report.fitted_runs import SizePoint, size_at, size_point
from isoflop.report.formatting import exponent_text, interval_text, loss_text, share_text, with_interval
from isoflop.report.panel import SmallTable
from isoflop.report.record import Interval
from isoflop.report.style import APPROACH_NAMES, APPROACH_SHORT
from isoflop.units import format_flops

FACTORS = (1.0, 10.0, 100.0)
"""Multiples of the largest compute of the runs at which the optimum is printed."""
_FACTOR_WORDS = {1.0: "the largest compute of the runs", 10.0: "ten times that", 100.0: "a hundred times that"}


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """N_opt and D_opt by one approach at one compute; an interval is None without draws."""

    params: float
    params_interval: Interval | None
    tokens: float
    tokens_interval: Interval | None


@dataclass(frozen=True, kw_only=True, eq=False)
class OptimaAt:
    """The optimum at one compute by every approach that has a law, and as a plan takes it."""

    factor: float
    """`flops` over the largest compute of the runs."""
    flops: float
    by_approach: Mapping[Approach, Optimum] = field(default_factory=dict)
    forecast: SizeForecast | None = None
    """All estimators of the size mixed; None where the fit makes no forecast there."""
    forecast_point: SizePoint | None = None
    """The same with D."""
    loss: float | None = None
    """Of one run of the forecast size (without one of the parametric optimum) as `isoflop predict` forecasts it; None
    without draws."""
    loss_interval: Interval | None = None


def fit_optima(report: FitReport) -> tuple[OptimaAt, ...]:
    """The optima at each of FACTORS times the largest compute of the runs."""
    return tuple(_optima_at(report, factor) for factor in FACTORS)


def _optima_at(report: FitReport, factor: float) -> OptimaAt:
    flops = factor * report.flops_range[1]
    by_approach: dict[Approach, Optimum] = {}
    for name, fit in report.fitted.items():
        params, tokens = fit.optimum(flops)
        by_approach[name] = Optimum(
            params=params,
            params_interval=_interval(fit, flops, 0),
            tokens=tokens,
            tokens_interval=_interval(fit, flops, 1),
        )
    forecast = size_at(report, flops)
    point = None if forecast is None else size_point(report, forecast)
    loss, loss_interval = None, None
    best = point or by_approach.get("parametric")
    if best is not None:
        try:
            predicted = report.forecast_loss(best.params, best.tokens)
            loss, loss_interval = predicted.loss, predicted.interval
        except RefusedError:  # without draws there is no interval, and no forecast beyond the law's own frontier
            pass
    return OptimaAt(
        factor=factor,
        flops=flops,
        by_approach=by_approach,
        forecast=forecast,
        forecast_point=point,
        loss=loss,
        loss_interval=loss_interval,
    )


def _interval(fit: AnyFit, flops: float, place: int) -> Interval | None:
    """The interval of N (place 0) or D (1) at the optimum; None without draws, or where a limit is not finite."""
    if fit.draws is None:
        return None
    low, high = fit.interval(lambda law: law.optimum(flops, fit.cost)[place], LEVEL)
    return (float(low), float(high)) if np.isfinite(low) and np.isfinite(high) else None


def not_identified(report: FitReport | None, *, of_study: bool) -> tuple[str, ...]:
    """Sentences on what the fit leaves open: refused approaches, and constants that the runs do not identify."""
    if report is None:
        return ()
    sentences = []
    for name, words in APPROACH_NAMES.items():
        part = report.fits[name]
        # Missing data are no refusal: the page of a fit names them where the panel would stand.
        if isinstance(part, Refused) and (of_study or part.applicable):
            state = "was refused" if part.applicable else "does not apply"
            reason = f"{part.reason[:1].upper()}{part.reason[1:].rstrip('.')}."
            sentences.append(f"{words[:1].upper()}{words[1:]}: {state}. {reason}")
    verdicts = {} if isinstance(report.parametric, Refused) else report.parametric.verdicts
    constants = [{"params_opt": "N_opt"}.get(name, name) for name, verdict in verdicts.items() if not verdict.known]
    if constants:
        meaning = "How the optimum grows with compute is known all the same."
        if "a" in constants:
            meaning = "How the optimum grows with compute is therefore not known from it either."
        elif "N_opt" in constants:
            meaning = "How the optimum grows is known, how large it is at ten times the compute is not."
        sentences.append(
            f"Not identified by these runs, hence not printed: {', '.join(constants)} of the parametric fit. {meaning}"
        )
    return tuple(sentences)


def optimum_table(optima: OptimaAt) -> SmallTable | None:
    """N_opt and D_opt at one compute, mixed of all estimators and by approach; None where no approach has a law."""
    rows = [
        (
            APPROACH_SHORT[name],
            with_interval(best.params, best.params_interval),
            with_interval(best.tokens, best.tokens_interval),
        )
        for name in APPROACH_NAMES
        if (best := optima.by_approach.get(name)) is not None
    ]
    if not rows:
        return None
    point, size = optima.forecast_point, optima.forecast
    if size is not None and point is not None:
        columns = ((point.params, point.params_interval), (point.tokens, point.tokens_interval))
        # Where the size is not identified, its range alone is printed.
        params, tokens = (
            with_interval(value, limits) if size.identified else f"{interval_text(limits)}, not identified"
            for value, limits in columns
        )
        rows.insert(0, ("all, mixed", params, tokens))
    note = ""
    if optima.loss is not None:
        loss = with_interval(optima.loss, optima.loss_interval, loss_text)
        whose = "of the size that approach 3 gives" if point is None else "of the forecast size"
        note = f"Loss of one run there, {whose}: {loss}."
    return SmallTable(
        heading=f"At {format_flops(optima.flops)} FLOPs, {_FACTOR_WORDS[optima.factor]}",
        columns=("approach", "parameters N", "tokens D"),
        rows=tuple(rows),
        note=note,
    )


def level_of(report: FitReport) -> float | None:
    """Level of the fit's intervals; None where there are none."""
    return LEVEL if any(fit.intervals for fit in report.fitted.values()) else None


def exponents_table(report: FitReport | None) -> SmallTable | None:
    """a and b by each approach that has a law; None where none has."""
    if report is None or not report.fitted:
        return None
    rows = [
        (APPROACH_SHORT[name], *(exponent_with_interval(fit, letter) for letter in ("a", "b")))
        for name in APPROACH_NAMES
        if (fit := report.fitted.get(name)) is not None
    ]
    ratios = [f"×{ratio:.2f} at {format_flops(float(flops))} FLOPs" for flops, ratio in report.disagreement().items()]
    level = level_of(report)
    note = f"{share_text(level)} intervals. " if level else ""
    if ratios:
        note += f"Largest over least N_opt of the approaches: {', '.join(ratios)}."
    columns = ("approach", "a: N_opt ∝ C^a", "b: D_opt ∝ C^b")
    return SmallTable(heading="How the optimum grows", columns=columns, rows=tuple(rows), note=note.strip())


def exponent_with_interval(fit: AnyFit, letter: str) -> str:
    """`.49 (.45 to .53)` of the exponent `a` or `b`."""
    value = fit.exponents[0 if letter == "a" else 1]
    return with_interval(value, fit.intervals.get(letter), exponent_text)
