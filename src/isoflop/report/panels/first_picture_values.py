"""The picture of the first screen: profiles, the path of the optima, the forecast at the next budget, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.fit import LEVEL, FitReport
from isoflop.fit.grades import AHEAD
from isoflop.report.fitted_runs import FittedRuns, SizePoint
from isoflop.report.panel import Absent
from isoflop.report.panels.isoflop_curves import Profile, profiles
from isoflop.report.panels.optimum_tables import OptimaAt
from isoflop.report.record import Interval, StudyRecord

Line = tuple[tuple[float, ...], tuple[float, ...]]
"""(N, loss) of the points of a line."""
_PROFILE_POINTS = 60
_PROFILE_REACH = 8.0  # times the best size to both sides, where no run of that budget says how far


@dataclass(frozen=True, kw_only=True)
class NextLoss:
    """The forecast at the next budget: of the run that is planned, or at the best size of ten times the compute."""

    flops: float
    params: float
    params_interval: Interval | None
    """Of the best size; None where it is not known."""
    loss: float
    interval: Interval | None
    level: float | None
    sealed: bool
    """Whether the loss was sealed before the run."""


@dataclass(frozen=True, kw_only=True)
class FinalRun:
    """A final model as it came."""

    params: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class FirstPicture:
    """What the first screen shows; a part that is not known is empty or None."""

    profiles: tuple[Profile, ...]
    """By budget; empty where the runs have no budgets."""
    path_params: tuple[float, ...]
    path_loss: tuple[float, ...]
    """The best size and its forecast loss as compute grows."""
    next_profile_params: tuple[float, ...]
    next_profile_loss: tuple[float, ...]
    """Forecast loss against N along the next budget."""
    next_loss: NextLoss | None
    planned: FinalRun | None
    larger: FinalRun | None
    """The larger model, trained with the same compute."""


def picture_of_study(record: StudyRecord, fitted: FittedRuns) -> FirstPicture | Absent:
    """The picture of a study, as far as that has come."""
    drawn = profiles(fitted)
    if isinstance(drawn, Absent):
        return drawn
    ends = {
        purpose: FinalRun(params=run.params, loss=run.loss)
        for run in record.runs
        for purpose in run.purposes
        if run.status == "done" and run.loss is not None
    }
    planned, larger = ends.get("planned"), ends.get("larger")
    ahead = _of_plan(record)
    sizes = [one.params for one in (ahead, planned, larger) if one is not None]
    return _picture(fitted, drawn, ahead, sizes, planned=planned, larger=larger)


def picture_of_fit(fitted: FittedRuns, optima: Sequence[OptimaAt]) -> FirstPicture | Absent:
    """The picture of a fit alone: the forecast stands at ten times the largest compute of its runs."""
    drawn = profiles(fitted)
    if isinstance(drawn, Absent):
        return drawn
    ahead = next_of_fit(optima)
    return _picture(fitted, drawn, ahead, [ahead.params] if ahead else [])


def _picture(
    fitted: FittedRuns,
    drawn: tuple[Profile, ...],
    ahead: NextLoss | None,
    sizes: Sequence[float],
    *,
    planned: FinalRun | None = None,
    larger: FinalRun | None = None,
) -> FirstPicture:
    path = _path(fitted, drawn)
    following: Line = ((), ())
    if ahead is not None and fitted.fit is not None:
        widths = [max(one.params) / min(one.params) for one in drawn if len(one.params) > 1]
        reach = min(np.sqrt(np.median(widths)), _PROFILE_REACH) if widths else _PROFILE_REACH
        ends = min(min(sizes) / 1.15, ahead.params / reach), max(max(sizes) * 1.15, ahead.params * reach)
        following = _next_profile(fitted.fit, ahead.flops, ends)
    return FirstPicture(
        profiles=drawn,
        path_params=path[0],
        path_loss=path[1],
        next_profile_params=following[0],
        next_profile_loss=following[1],
        next_loss=ahead,
        planned=planned,
        larger=larger,
    )


def _of_plan(record: StudyRecord) -> NextLoss | None:
    """The sealed forecast of the planned run, or before there is one what the plan expects."""
    plan = record.plan
    if plan is None:
        return None
    if record.forecast is not None:
        forecast = record.forecast.sealed.forecast
        return NextLoss(
            flops=plan.budget_flops,
            params=forecast.params,
            params_interval=plan.params_interval,
            loss=forecast.loss,
            interval=forecast.interval,
            level=forecast.level,
            sealed=record.forecast.order.order in ("before", "not_begun"),
        )
    if plan.loss is None:
        return None
    return NextLoss(
        flops=plan.budget_flops,
        params=plan.params,
        params_interval=plan.params_interval,
        loss=plan.loss,
        interval=plan.loss_interval,
        level=plan.level,
        sealed=False,
    )


def next_of_fit(optima: Sequence[OptimaAt]) -> NextLoss | None:
    """The best size at ten times the largest compute, and the loss of one run of it; None without a forecast there."""
    at = next((one for one in optima if one.factor == AHEAD), None)
    if at is None or at.forecast_point is None or at.loss is None:
        return None
    return NextLoss(
        flops=at.flops,
        params=at.forecast_point.params,
        params_interval=at.forecast_point.params_interval,
        loss=at.loss,
        interval=at.loss_interval,
        level=LEVEL,
        sealed=False,
    )


def _path(fitted: FittedRuns, drawn: Sequence[Profile]) -> Line:
    """(N, loss) of the optimum as compute grows: as forecast; without a forecast from vertex to vertex."""
    points: Sequence[SizePoint] = fitted.size_points
    forecaster = fitted.fit.forecaster if fitted.fit else None
    if points and forecaster is not None:
        params = [point.params for point in points]
        loss = forecaster.point(params, [point.tokens for point in points])
        if np.all(np.isfinite(loss)):
            return tuple(params), tuple(map(float, loss))
    vertices = [(one.vertex_params, one.vertex_loss) for one in drawn if one.kept is not False]
    known = [(n, x) for n, x in vertices if n is not None and x is not None]
    return tuple(n for n, _ in known), tuple(x for _, x in known)


def _next_profile(report: FitReport, flops: float, ends: tuple[float, float]) -> Line:
    """(N, forecast loss) of what `flops` pay for at sizes between `ends`; empty without a forecaster."""
    if report.forecaster is None:
        return (), ()
    params = np.geomspace(*ends, _PROFILE_POINTS)
    with np.errstate(over="ignore", invalid="ignore"):
        loss = report.forecaster.point(params, report.cost.tokens(flops, params))
    if not np.all(np.isfinite(loss)):
        return (), ()
    return tuple(map(float, params)), tuple(map(float, loss))
