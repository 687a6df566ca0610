"""Forecast without the top budget, how well is its best size predicted?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.rolling_origin import thinned
from isoflop.fit.result import LEVEL, Approach, Fit
from isoflop.fit.size.bend import Bend, public_bend
from isoflop.fit.size.build import build_size_forecaster, forecaster_with
from isoflop.fit.size.forecast import EstimatedSize, SizeForecaster
from isoflop.fit.size.rolling import FEWEST_BUDGETS
from isoflop.fit.size.row_fits import OriginFits, RowFits
from isoflop.fit.size.weights import FORM_ERROR
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, wasted_by_size
from isoflop.observations import Observations

_DRAWS = 400  # resamples of each estimator


@dataclass(frozen=True, kw_only=True)
class SizeBacktest:
    """The size forecast for the top budget by the rows below it, against the vertex of that budget."""

    held_out_budget_flops: float
    """Geometric mean of the FLOPs that its runs spent."""
    factor: float
    """Those over the largest compute of the rows below."""
    predicted: float
    """N forecast."""
    interval: tuple[float, float]
    """Where the best N was expected with probability `level`."""
    level: float
    actual: float
    """N at the budget's own vertex, by approach 2 on all rows."""
    actual_se: float
    """Standard error of ln N there."""
    wasted: float | None
    """Share of the budget's compute that a run of the predicted size would have wasted; None without a loss surface."""
    estimators: tuple[EstimatedSize, ...]
    """What each estimator alone predicted."""

    @property
    def inside(self) -> bool:
        """Whether `interval` holds the vertex."""
        return self.interval[0] <= self.actual <= self.interval[1]

    def as_json(self) -> dict[str, Any]:
        """The fields by name, with `inside` and `ratio`, predicted over actual."""
        return {
            **self.__dict__,
            "interval": list(self.interval),
            "inside": self.inside,
            "ratio": self.predicted / self.actual,
            "estimators": [item.as_json() for item in self.estimators],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SizeBacktest:
        """What `as_json` wrote."""
        kept = {name: value for name, value in data.items() if name not in ("inside", "ratio")}
        kept["interval"] = (float(data["interval"][0]), float(data["interval"][1]))
        kept["estimators"] = tuple(EstimatedSize.from_json(item) for item in data["estimators"])
        return cls(**kept)


def size_backtest(
    data: Observations,
    isoflop: Fit,
    parametric: Fit,
    *,
    cost: ComputeCost,
    seed: int = 0,
    origins: OriginFits | None = None,
) -> SizeBacktest:
    """The backtest on final rows `data`, of which `isoflop` and `parametric` are the fits.

    Raises RefusedError `too_few_budgets` for fewer than four budgets with a vertex, since the rows below the top one
    must show three.
    """
    vertices = [budget for budget in isoflop.details.get("budgets", ()) if budget["kept"]] if isoflop.ok else []
    if vertices and "log_params_se" not in vertices[0]:
        raise RefusedError("optima", "the rows are compute optima: there are no runs to fit without the top budget")
    if len(vertices) <= FEWEST_BUDGETS:
        raise RefusedError(
            "too_few_budgets",
            f"a backtest of the size needs {FEWEST_BUDGETS + 1} budgets with a vertex, got {len(vertices)}",
        )
    below, top = vertices[-2:]
    known = thinned(data.select(np.less(data.C, np.sqrt(below["flops"] * top["flops"]))))
    forecaster = forecaster_of_rows(known, cost=cost, seed=seed, origins=origins)
    found = forecaster.at(top["flops"])
    return SizeBacktest(
        held_out_budget_flops=top["flops"],
        factor=top["flops"] / float(known.C.max()),
        predicted=found.params,
        interval=found.interval,
        level=LEVEL,
        actual=top["params"],
        actual_se=float(np.hypot(top["log_params_se"], top["log_params_lean_se"])),
        wasted=_wasted(parametric, found.params / top["params"], top["params"], cost),
        estimators=found.estimators,
    )


def sizes_and_backtest(
    data: Observations, fits: Mapping[Approach, Fit], losses: Forecaster | None, *, cost: ComputeCost, seed: int
) -> dict[str, Any]:
    """{sizes, size_backtest, size_backtest_refused} of a report on final rows `data`, as far as they go."""
    origins = OriginFits(data=data, cost=cost, seed=seed)
    try:
        sizes = build_size_forecaster(data, fits, losses, cost=cost, seed=seed, origins=origins)
    except RefusedError as error:
        return {"size_backtest_refused": str(error)}
    try:
        tested = size_backtest(data, fits["isoflop"], fits["parametric"], cost=cost, seed=seed, origins=origins)
    except RefusedError as error:
        return {"sizes": sizes, "size_backtest_refused": str(error)}
    return {"sizes": sizes, "size_backtest": tested}


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


def _wasted(parametric: Fit, ratio: float, params: float, cost: ComputeCost) -> float | None:
    if not isinstance(parametric.law, ChinchillaLaw):
        return None
    return float(wasted_by_size(parametric.law, np.log(ratio), params, cost))
