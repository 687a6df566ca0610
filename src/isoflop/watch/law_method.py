"""A law of loss curves as a method: its shape from finished runs, the level from the beginning of the run under way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from isoflop.watch.annealing import AnnealingForm
from isoflop.watch.curve import Curve
from isoflop.watch.law_fit import LawFit, fit_law, fit_level, path_of, row_of, unit_of
from isoflop.watch.law_form import LawForm
from isoflop.watch.multi_power import MultiPowerForm
from isoflop.watch.ratio import EARLIEST

_MOST_CURVES = 4
"""Finished runs, the nearest in size and length, that a shape is fitted to: with six the error at 30 %
of our own runs was .86 % in place of .72 %."""
_WHOLE = 0.98
"""Share of its schedule up to which the learning rates of a curve must be known."""
_SEEN_DROP = 0.5
"""Share of the run's drop of the rate that a finished run must show: what a drop brings is not known otherwise."""


@dataclass(frozen=True, kw_only=True)
class LawMethod:
    """Predicted final loss = the law at the end of the schedule, times what finished runs ended at over their law."""

    form: LawForm
    usual_error: float
    """At a fifth of the schedule: between .0025, across sizes of public curves (bench/watch/schedule_laws.md), and
    .009, on sweeps of our own small runs."""

    @property
    def name(self) -> str:
        """That of the law."""
        return self.form.name

    def predicted_final(self, run: Curve, like: Sequence[Curve]) -> float | None:
        """The final loss by the law; None before EARLIEST, and where rates or what a drop brings are unknown."""
        if not len(run.tokens) or run.share[-1] < EARLIEST or not _known(run):
            return None
        fit = shape_for(self.form, run, like)
        if fit is None:
            return None
        level = fit_level(fit, run)
        if level is None:
            return None
        predicted = fit.end(run, level) * math.exp(_end_over_law(fit, usable(run, like)))
        return predicted if predicted > 0 else None


def usable(run: Curve, like: Sequence[Curve]) -> tuple[Curve, ...]:
    """Finished curves with rates to their end, the nearest to the run in size; empty where none shows its drop."""
    found = [other for other in like if other.name != run.name and other.final is not None and _known(other)]
    found = [other for other in found if other.counts == run.counts and row_of(other, unit_of([other])) is not None]
    if run.params is not None and all(other.params is not None for other in found):
        found.sort(key=lambda other: _distance(run, other))
    needed = _SEEN_DROP * _drop(run)
    return tuple(found[:_MOST_CURVES]) if any(_drop(other) >= needed for other in found[:_MOST_CURVES]) else ()


def shape_for(form: LawForm, run: Curve, like: Sequence[Curve]) -> LawFit | None:
    """The law fitted to the finished runs that say something about `run`; None where there are none."""
    curves = usable(run, like)
    return _fitted(form, curves) if curves else None


@lru_cache(maxsize=256)
def _fitted(form: LawForm, curves: tuple[Curve, ...]) -> LawFit:
    """Once for every set of curves: a run is left out in turn at every share that is asked for."""
    return fit_law(form, curves, [curve.name for curve in curves])


def _distance(run: Curve, other: Curve) -> float:
    return abs(math.log((other.params or 1.0) / (run.params or 1.0))) + abs(
        math.log(other.total_tokens / run.total_tokens)
    )


def _known(curve: Curve) -> bool:
    return (
        curve.peak_rate is not None
        and curve.peak_rate > 0
        and (float(curve.schedule_tokens[-1]) >= _WHOLE * curve.total_tokens)
    )


def _drop(curve: Curve) -> float:
    """By how much the rate falls after its peak, over the peak."""
    return max(0.0, float(np.sum(path_of(curve, unit_of([curve])).drops.size)))


def _end_over_law(fit: LawFit, curves: Sequence[Curve]) -> float:
    """Mean of ln(final loss / the law at the end) of the finished runs: what the law misses, or another set shows."""
    logs = []
    for curve in curves:
        level = fit.levels[curve.name]
        logs.append(math.log((curve.final or math.nan) / fit.end(curve, level)))
    return float(np.mean(logs))


ANNEALING = LawMethod(form=AnnealingForm(), usual_error=0.006)
MULTI_POWER = LawMethod(form=MultiPowerForm(), usual_error=0.006)
