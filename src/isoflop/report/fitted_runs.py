"""Runs and what was fitted to them: what the figures of a study and those of a fit alone are drawn from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit import EnvelopeFit, FitReport, IsoflopFit, ParametricFit, Refused
from isoflop.fit.listed_rows import ListedRow
from isoflop.fit.size import SizeForecast
from isoflop.laws import ChinchillaLaw
from isoflop.report.plan_record import PlanRecord
from isoflop.report.record import Conventions, Interval, RunCurve, StudyRecord
from isoflop.sweep.designs import FITTED

FURTHEST = 10.0
"""Times the largest compute of the runs to which the forecast of the size is drawn where no budget is planned: as far
as the frontiers."""
_FORECAST_POINTS = 25
_FEWEST_ON_A_CURVE = 3


@dataclass(frozen=True, kw_only=True)
class TrainedRun:
    """A run that ended with a loss."""

    run_id: str
    params: float
    """N in the convention of the record."""
    tokens: float
    """D that it saw."""
    flops: float
    """C that it spent."""
    loss: float
    loss_se: float | None = None
    """Standard error of `loss`; None where it is unknown."""
    budget_flops: float | None = None
    """The budget of the design; None in a table of runs, where the fit groups them."""


@dataclass(frozen=True, kw_only=True)
class SizePoint:
    """The forecast of the best size at one compute."""

    flops: float
    params: float
    params_interval: Interval
    tokens: float
    """What the compute pays for at `params`."""
    tokens_interval: Interval


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedRuns:
    """Runs, the laws fitted to them, and what is planned from them."""

    conventions: Conventions
    runs: tuple[TrainedRun, ...]
    """All runs that ended with a loss."""
    profile_runs: tuple[TrainedRun, ...]
    """Those of isoFLOP budgets."""
    curves: Mapping[str, RunCurve] = field(default_factory=dict)
    """{run: its training curve}"""
    fit: FitReport | None = None
    """None before the fit of a study."""
    plan: PlanRecord | None = None
    """A study's plan; None of a fit alone."""
    planned_run: tuple[float, float] | None = None
    """(N, D) of the run that is planned: of its shape, which is near the best size; None of a fit alone."""
    size_points: tuple[SizePoint, ...] = ()
    """The forecast of the best size at log-spaced FLOPs, where there is one, ascending."""
    of_study: bool
    """Whether these are a study's runs, and not a table of anybody's."""

    @property
    def parametric(self) -> ParametricFit | None:
        """Approach 3 where it has a law."""
        return None if self.fit is None or isinstance(self.fit.parametric, Refused) else self.fit.parametric

    @property
    def isoflop(self) -> IsoflopFit | None:
        """Approach 2 where it has a law."""
        return None if self.fit is None or isinstance(self.fit.isoflop, Refused) else self.fit.isoflop

    @property
    def envelope(self) -> EnvelopeFit | None:
        """Approach 1 where it has a law."""
        return None if self.fit is None or isinstance(self.fit.envelope, Refused) else self.fit.envelope

    @property
    def surface(self) -> ChinchillaLaw | None:
        """The fitted loss surface where its loss falls with both N and D: else no frontier can be drawn."""
        law = None if self.parametric is None else self.parametric.law
        return law if law is not None and min(law.A, law.B, law.alpha, law.beta) > 0 else None

    def flops_range(self) -> tuple[float, float]:
        """(least, most) FLOPs of runs, budgets, frontiers and plan, widened by a quarter of a decade on both sides."""
        flops = [run.flops for run in self.runs]
        flops += [budget.flops for budget in self.isoflop.budgets] if self.isoflop else []
        flops += [self.plan.flops] if self.plan else []
        for fit in self.fit.fitted.values() if self.fit else ():
            flops += fit.frontier.flops
        flops += [point.flops for point in self.size_points]
        return min(flops) / 10**0.25, max(flops) * 10**0.25


def runs_of_study(record: StudyRecord) -> FittedRuns:
    """The finished runs of a study with its fit and plan."""
    runs, of_profiles = [], []
    for run in record.runs:
        # A loss that is not a number cannot be drawn, nor can a run that failed.
        if run.status == "done" and run.tokens_seen and run.flops and run.loss and math.isfinite(run.loss):
            trained = TrainedRun(
                run_id=run.run_id,
                params=run.params,
                tokens=run.tokens_seen,
                flops=run.flops,
                loss=run.loss,
                loss_se=run.loss_se,
                budget_flops=run.budget_flops,
            )
            runs.append(trained)
            of_profiles += [trained] if FITTED & set(run.purposes) else []
    target = record.plan.budget_flops if record.plan else None
    return FittedRuns(
        conventions=record.conventions,
        runs=tuple(runs),
        profile_runs=tuple(of_profiles),
        curves=record.curves,
        fit=record.fit,
        plan=record.plan,
        planned_run=planned_run(record),
        size_points=() if record.fit is None else size_points(record.fit, target),
        of_study=True,
    )


def planned_run(record: StudyRecord) -> tuple[float, float] | None:
    """(N, D) of what is trained: of the sealed forecast, else of the shape to build, else as the law has them."""
    plan = record.plan
    if record.forecast is not None:
        forecast = record.forecast.sealed.forecast
        return forecast.params, forecast.tokens
    if plan is None:
        return None
    shape = plan.architecture
    return (plan.params, plan.tokens) if shape is None else (shape.params, shape.tokens)


def runs_of_fit(report: FitReport) -> FittedRuns:
    """The rows that a fit used as runs: all that a fit alone knows of them. Rows that are optima have no loss."""
    rows = rows_of(report)
    runs = tuple(
        TrainedRun(run_id=row.run_id, params=row.params, tokens=row.tokens, flops=row.flops, loss=row.loss)
        for row in rows
        if row.loss is not None
    )
    read = report.observations
    return FittedRuns(
        conventions=Conventions.of(read.params_convention, read.flops_convention, read.loss_unit),
        runs=runs,
        profile_runs=runs,
        curves=_curves(runs),
        fit=report,
        size_points=size_points(report),
        of_study=False,
    )


def rows_of(report: FitReport) -> Sequence[ListedRow]:
    """The rows that a fit used: those of the parametric fit's residuals, or where it was refused the rows alone."""
    return report.rows if isinstance(report.parametric, Refused) else report.parametric.residuals


def _curves(runs: Sequence[TrainedRun]) -> dict[str, RunCurve]:
    """{run: its curve} of the runs with several rows, in order of compute."""
    by_run: dict[str, list[TrainedRun]] = {}
    for run in runs:
        by_run.setdefault(run.run_id, []).append(run)
    curves = {}
    for name, rows in by_run.items():
        if len(rows) >= _FEWEST_ON_A_CURVE:
            rows.sort(key=lambda row: row.flops)
            curves[name] = RunCurve(flops=tuple(row.flops for row in rows), loss=tuple(row.loss for row in rows))
    return curves


def size_points(report: FitReport, target_flops: float | None = None) -> tuple[SizePoint, ...]:
    """The forecast from the runs' range to `target_flops`, or to FURTHEST times the range; no point where there is no
    forecast."""
    low, high = report.flops_range
    end = max(high, target_flops or FURTHEST * high)
    points = []
    for flops in np.geomspace(low, end, _FORECAST_POINTS).tolist():
        forecast = size_at(report, flops)
        if forecast is not None:
            points.append(size_point(report, forecast))
    return tuple(points)


def size_at(report: FitReport, flops: float) -> SizeForecast | None:
    """The forecast of the best size at `flops` FLOPs; None where the fit makes none there."""
    if report.sizes is None:
        return None
    try:
        return report.sizes.at(flops)
    except RefusedError:  # no estimator has a least loss along this budget
        return None


def size_point(report: FitReport, forecast: SizeForecast) -> SizePoint:
    """`forecast` with D: what its compute pays for at each N, the fewest tokens at the largest N."""
    low, high = forecast.interval
    fewest, tokens, most = (
        float(forecast.flops / report.cost.flops_per_token(N)) for N in (high, forecast.params, low)
    )
    return SizePoint(
        flops=forecast.flops,
        params=forecast.params,
        params_interval=forecast.interval,
        tokens=tokens,
        tokens_interval=(fewest, most),
    )
