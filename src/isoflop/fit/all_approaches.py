"""All three approaches on the same runs, and the forecasts that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit.condition_groups import Where, condition_groups, pooled_notices
from isoflop.fit.diverged import without_diverged
from isoflop.fit.envelope.fit import fit_envelope
from isoflop.fit.envelope.lower_envelope import Curve
from isoflop.fit.forecast.build import build_forecaster
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.past_forecast import PastForecast
from isoflop.fit.forecast.rolling_origin import past_forecasts
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.forms.form import FormFit
from isoflop.fit.forms.repeated import fit_repeated
from isoflop.fit.isoflop.fit import fit_isoflop
from isoflop.fit.isoflop.reported_optima import fit_optima
from isoflop.fit.lack_of_fit import LackOfFit, lack_of_fit
from isoflop.fit.listed_rows import rows_used
from isoflop.fit.parametric.fit import fit_parametric
from isoflop.fit.report import FitReport, FitSettings
from isoflop.fit.resampling import DRAWS
from isoflop.fit.result import Fits, ParametricFit, Refused, finite_or_none, or_refused
from isoflop.fit.result.conditions import MIXED, ConditionGroups
from isoflop.fit.schedule_checks import decay_notices
from isoflop.fit.size import sizes_and_backtest
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost

if TYPE_CHECKING:
    from isoflop.observations import Observations


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def fit_all(
    observations: Observations,
    curves: Mapping[str, Curve] | None = None,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = DRAWS,
    seed: int = 0,
    delta: str | float = "published",
    optima: bool = False,
    pooled: bool = False,
    read: Callable[[Where], Observations] | None = None,
) -> FitReport:
    """All three approaches, and what forms other than the Chinchilla law forecast; a refusal stands in its place.

    Runs of several conditions on different surfaces are refused, and each condition is fitted alone in `groups`, unless
    they are to be `pooled`. `read` reads the runs of one condition from the source; see `condition_groups`.

    Raises InputError for a table without rows.
    """
    observations = _checked(observations)
    if optima:
        settings = FitSettings(draws=draws, seed=seed, delta=None, optima=True)
        return _of_optima(observations.finals(), cost=cost, settings=settings)
    groups = None if pooled else condition_groups(observations, cost=cost, seed=seed, read=read)
    if groups is not None:
        return _of_groups(observations, groups, cost=cost, settings=FitSettings(draws=draws, seed=seed, delta=delta))
    observations, diverged = without_diverged(observations)
    used = _fresh(ends := observations.finals())
    if pooled:
        diverged = (*diverged, *pooled_notices(used))
    outcome = or_refused("parametric", lambda: fit_parametric(used, cost=cost, draws=draws, seed=seed, delta=delta))
    parametric: ParametricFit | Refused
    if isinstance(outcome, Refused):
        parametric, surfaces = replace(outcome, notices=(*outcome.notices, *diverged)), _Surfaces()
    else:
        surfaces = _surfaces(used, ends, outcome, cost=cost, seed=seed)
        parametric = replace(outcome, notices=(*outcome.notices, *diverged, *surfaces.notices))
    fits = Fits(
        parametric=parametric,
        isoflop=or_refused("isoflop", lambda: fit_isoflop(used, cost=cost, draws=draws, seed=seed)),
        envelope=or_refused("envelope", lambda: fit_envelope(observations, curves, cost=cost, draws=draws, seed=seed)),
    )
    sizes = sizes_and_backtest(used, fits, surfaces.forecaster, cost=cost, seed=seed)
    return FitReport(
        observations=used.summary(),
        parametric=fits.parametric,
        isoflop=fits.isoflop,
        envelope=fits.envelope,
        cost=cost,
        settings=FitSettings(draws=draws, seed=seed, delta=delta, pooled=pooled),
        flops_range=(float(used.C.min()), float(used.C.max())),
        rows=rows_used(used) if isinstance(parametric, Refused) else (),
        forms=surfaces.forms,
        past=surfaces.past,
        lack_of_fit=surfaces.lack_of_fit,
        forecaster=surfaces.forecaster,
        sizes=sizes.forecaster,
        size_backtest=sizes.backtest,
        size_backtest_refused=sizes.refused,
    )


def _fresh(ends: Observations) -> Observations:
    """The rows that read their text at most four times. Raises InputError where there is none."""
    used = ends.fresh()
    if not len(used):
        raise InputError(f"observations: expected rows of fresh text, all {len(ends)} read theirs more than four times")
    return used


def _checked(observations: Observations) -> Observations:
    """The runs with notices about rates that did not fall to their end. Raises InputError where no row is usable."""
    if not len(observations):
        reasons = "; ".join(f"row {item.row}: {item.reason}" for item in observations.dropped[:5])
        raise InputError(f"observations: expected usable rows, all {observations.rows_read} were dropped ({reasons})")
    return replace(observations, notices=(*observations.notices, *decay_notices(observations)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Surfaces:
    """What other forms of loss surface, and the residuals of approach 3, add to a report."""

    forms: tuple[FormFit, ...] = ()
    past: tuple[PastForecast, ...] = ()
    lack_of_fit: LackOfFit | None = None
    forecaster: Forecaster | None = None
    notices: tuple[Notice, ...] = ()


def _surfaces(used: Observations, ends: Observations, fit: ParametricFit, *, cost: ComputeCost, seed: int) -> _Surfaces:
    """The other forms on the rows `used` by approach 3; `ends` are the same with rows that repeat their text."""
    fitted = FittedForms.of(used, fit.delta, start=fit.law)
    misfit = finite_or_none(lack_of_fit(used, fitted))
    repeated, notices = _repeated(ends, fit.law, fitted.rows.problem.delta)
    forms = tuple(filter(finite_or_none, (*fitted.fits().values(), *repeated)))
    notices = (*(() if misfit is None else misfit.notices()), *notices)
    past = tuple(filter(finite_or_none, past_forecasts(used, seed=seed)))
    forecaster = None
    if fit.draws is not None:
        forecaster, refused = _forecaster(used, fit, cost, seed, past)
        notices = (*notices, *refused)
    return _Surfaces(forms=forms, past=past, lack_of_fit=misfit, forecaster=forecaster, notices=notices)


def _of_groups(data: Observations, groups: ConditionGroups, *, cost: ComputeCost, settings: FitSettings) -> FitReport:
    """The report of runs of several conditions: no one answer, and the conditions."""
    used = data.finals().fresh()
    return FitReport(
        observations=used.summary(),
        parametric=Refused(approach="parametric", code=MIXED, reason=groups.message),
        isoflop=Refused(approach="isoflop", code=MIXED, reason=groups.message),
        envelope=Refused(approach="envelope", code=MIXED, reason=groups.message),
        cost=cost,
        settings=settings,
        flops_range=(float(used.C.min()), float(used.C.max())),
        rows=rows_used(used),
        groups=groups,
    )


def _of_optima(used: Observations, *, cost: ComputeCost, settings: FitSettings) -> FitReport:
    """The report of rows that are compute optima: one step of approach 2, nothing for the other two."""
    reason = "the rows are compute optima: no surface and no curves to fit"
    fits = Fits(
        parametric=Refused(approach="parametric", code="optima", reason=reason, applicable=False),
        isoflop=or_refused("isoflop", lambda: fit_optima(used, cost=cost, draws=settings.draws, seed=settings.seed)),
        envelope=Refused(approach="envelope", code="optima", reason=reason, applicable=False),
    )
    sizes = sizes_and_backtest(used, fits, None, cost=cost, seed=settings.seed)
    return FitReport(
        observations=used.summary(),
        parametric=fits.parametric,
        isoflop=fits.isoflop,
        envelope=fits.envelope,
        cost=cost,
        settings=settings,
        flops_range=(float(used.C.min()), float(used.C.max())),
        sizes=sizes.forecaster,
        size_backtest=sizes.backtest,
        size_backtest_refused=sizes.refused,
    )


def _repeated(data: Observations, law: ChinchillaLaw, delta: float) -> tuple[tuple[FormFit, ...], tuple[Notice, ...]]:
    """The form of repeated tokens, or why the different tokens that the runs state do not give one."""
    if data.unique_tokens is None:
        return (), ()
    try:
        return (fit_repeated(data, law, delta),), ()
    except RefusedError as error:
        return (), (Notice(code=error.code, message=str(error)),)


def _forecaster(
    data: Observations, fit: ParametricFit, cost: ComputeCost, seed: int, past: tuple[PastForecast, ...]
) -> tuple[Forecaster | None, tuple[Notice, ...]]:
    """The forecaster of losses, or the notice of why there is none."""
    reason = "unbounded numbers"
    try:
        forecaster = finite_or_none(build_forecaster(data, fit, cost=cost, seed=seed, past=past))
    except RefusedError as error:
        forecaster, reason = None, str(error)
    if forecaster is not None:
        return forecaster, ()
    return None, (Notice(code="no_forecast", message=f"no intervals of losses to come: {reason}"),)
