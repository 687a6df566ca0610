"""The forecaster of a table of runs: all forms fitted to it, their refits, and the errors of its past forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit.forecast.error_model import RunNoise, fit_error_model
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.past_forecast import PastForecast
from isoflop.fit.forecast.rolling_origin import (
    compute_shares,
    excess_loss,
    forecast_weights,
    past_forecasts,
    thinned,
)
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.parametric.fit import PUBLISHED_DELTA
from isoflop.fit.parametric.resampling_units import resample_weights
from isoflop.fit.preconditions import strata
from isoflop.laws import SIX_N, ComputeCost

if TYPE_CHECKING:
    from isoflop.fit.result import ParametricFit
    from isoflop.observations import Observations

_DRAWS = 200  # refits of every form: their 5 % points are then known to a tenth of a standard deviation
_DRAW_CELLS, _FEWEST_DRAWS = 100_000, 60  # draws x rows, where rows are many and their draws differ little


def build_forecaster(
    observations: Observations,
    fit: ParametricFit,
    *,
    cost: ComputeCost = SIX_N,
    seed: int = 0,
    past: tuple[PastForecast, ...] | None = None,
) -> Forecaster:
    """The forecaster of `observations`, which approach 3 fitted with draws: else RefusedError `no_draws`.

    `past` are the forecasts from rolling origins, where they are known already; with () the prior stands alone.
    """
    if fit.draws is None:
        raise RefusedError("no_draws", "a forecast needs a parametric fit with draws")
    data = thinned(observations.finals().fresh())
    weights = forecast_weights(data)
    try:
        fitted = FittedForms.of(data, PUBLISHED_DELTA, weights)
    except RefusedError:  # near the frontier alone the losses do not fall with both N and D: equal weights
        weights = np.ones(len(data))
        fitted = FittedForms.of(data, PUBLISHED_DELTA, start=fit.law)
    count = int(np.clip(_DRAW_CELLS // len(data), _FEWEST_DRAWS, _DRAWS))
    resamples = resample_weights(data, strata(data), count, np.random.default_rng(seed))
    if past is None:
        past = past_forecasts(data, seed=seed)
    errors = fit_error_model(past)
    mixed = errors.mixed(fitted.residuals)
    columns = (("params", data.N), ("tokens", data.D), ("flops", data.C))
    return Forecaster(
        laws=fitted.laws,
        draws=fitted.draws(resamples),
        errors=errors,
        noise=RunNoise.of(excess_loss(data), mixed, weights, compute_shares(data)),
        data_range={name: (float(column.min()), float(column.max())) for name, column in columns},
        past=past,
        cost=cost,
        seed=seed,
    )
