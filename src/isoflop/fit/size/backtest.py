"""The backtest of the size: the best size of the top budget, forecast from the rows below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from isoflop.codec import Number, Positive, PositivePair, Share
from isoflop.errors import RefusedError
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.rolling_origin import thinned
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.resampling import LEVEL
from isoflop.fit.result import Fits, IsoflopFit, ProfileOptimum, finite_or_none
from isoflop.fit.size.bend import FORM_ERROR, public_bend
from isoflop.fit.size.build import build_size_forecaster, forecaster_with
from isoflop.fit.size.forecast import EstimatedSize, SizeForecaster
from isoflop.fit.size.rolling import FEWEST_BUDGETS
from isoflop.fit.size.row_fits import OriginFits, RowFits
from isoflop.laws import SIX_N, ComputeCost, wasted_by_size

if TYPE_CHECKING:
    from isoflop.observations import Observations

_DRAWS = 400  # resamples of each estimator


@dataclass(frozen=True, kw_only=True)
class SizeBacktest:
    """The size forecast for the top budget by the rows below it, against the vertex of that budget."""

    json_also: ClassVar = ("inside", "ratio")

    held_out_budget_flops: Positive
    """Geometric mean of the FLOPs that its runs spent."""
    factor: Positive
    """These FLOPs over the largest compute of the rows below."""
    predicted: Positive
    """N forecast."""
    interval: PositivePair
    """Where the best N was expected with probability `level`."""
    level: Share
    actual: Positive
    """N at the budget's own vertex, by approach 2 on all rows."""
    actual_se: Number
    """Standard error of ln N there."""
    wasted: Number | None
    """Share of the budget's compute that a run of the predicted size would have wasted; None without a loss surface."""
    estimators: tuple[EstimatedSize, ...]
    """What each estimator alone predicted."""

    @property
    def inside(self) -> bool:
        """Whether `interval` holds the vertex."""
        return self.interval[0] <= self.actual <= self.interval[1]

    @property
    def ratio(self) -> float:
        """N predicted over N at the vertex."""
        return self.predicted / self.actual


def size_backtest(
    data: Observations,
    fits: Fits,
    *,
    cost: ComputeCost,
    seed: int = 0,
    origins: OriginFits | None = None,
) -> SizeBacktest:
    """The backtest on final rows `data`, of which `fits` are the fits.

    Raises RefusedError `too_few_budgets` for fewer than four budgets with a vertex, since the rows below the top one
    must show three.
    """
    vertices: tuple[ProfileOptimum, ...] = ()
    if isinstance(fits.isoflop, IsoflopFit):
        vertices = fits.isoflop.optima
        if not vertices:
            raise RefusedError("optima", "the rows are compute optima: there are no runs to fit without the top budget")
    if len(vertices) <= FEWEST_BUDGETS:
        raise RefusedError(
            "too_few_budgets",
            f"a backtest of the size needs {FEWEST_BUDGETS + 1} budgets with a vertex, got {len(vertices)}",
        )
    below, top = vertices[-2:]
    known = thinned(data.select(np.less(data.C, np.sqrt(below.flops * top.flops))))
    forecaster = forecaster_of_rows(known, cost=cost, seed=seed, origins=origins)
    expected = forecaster.at(top.flops)
    ratio = expected.params / top.params
    return SizeBacktest(
        held_out_budget_flops=top.flops,
        factor=top.flops / float(known.C.max()),
        predicted=expected.params,
        interval=expected.interval,
        level=LEVEL,
        actual=top.params,
        actual_se=float(np.hypot(top.log_params_se, top.asymmetry_se)),
        wasted=None if fits.surface is None else float(wasted_by_size(fits.surface, np.log(ratio), top.params, cost)),
        estimators=expected.estimators,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeParts:
    """What a report says of the best size."""

    forecaster: SizeForecaster | None = None
    """None where no approach has draws, or a number of it is without bound."""
    backtest: SizeBacktest | None = None
    """None where `refused` says why, or a number of it is without bound."""
    refused: str = ""
    """Why there is no backtest."""


def sizes_and_backtest(
    data: Observations, fits: Fits, losses: Forecaster | None, *, cost: ComputeCost, seed: int
) -> SizeParts:
    """The forecaster of the size of a report on final rows `data`, and its backtest, as far as they go."""
    origins = OriginFits(data=data, cost=cost, seed=seed)
    try:
        forecaster = build_size_forecaster(data, fits, losses, cost=cost, seed=seed, origins=origins)
    except RefusedError as error:
        return SizeParts(refused=str(error))
    forecaster_or_none = finite_or_none(forecaster)
    try:
        tested = size_backtest(data, fits, cost=cost, seed=seed, origins=origins)
    except RefusedError as error:
        return SizeParts(forecaster=forecaster_or_none, refused=str(error))
    return SizeParts(forecaster=forecaster_or_none, backtest=finite_or_none(tested))


def forecaster_of_rows(
    data: Observations,
    *,
    cost: ComputeCost = SIX_N,
    seed: int = 0,
    prior: Bend | None = None,
    form_error: float = FORM_ERROR,
    origins: OriginFits | None = None,
) -> SizeForecaster:
    """The forecaster of the size that `data` alone give, under a prior of the bend and of the error of form.

    `prior` is `public_bend` where none is given; `origins` may hold fits of rows below cuts in compute already. Raises
    RefusedError `no_size` where the rows give no estimator.
    """
    prior = prior or public_bend(float(data.C.max()))
    rows = RowFits.of(data, cost, draws=_DRAWS, seed=seed).rows(prior)
    if not rows.estimators:
        raise RefusedError("no_size", "no approach could be fitted to the rows below the top budget")
    known = origins or OriginFits(data=data, cost=cost, seed=seed)
    return forecaster_with(rows, data, known, prior=prior, form_error=form_error)
