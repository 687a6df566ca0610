"""Rolling-origin evaluation: rows up to some compute are fitted as if later ones had not been run, then compared.

As in the evaluation of time-series forecasts (Tashman 2000, International Journal of Forecasting 16:437), with compute
in the place of time: errors beyond the rows, which residuals inside them do not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.fit.budgets import budget_labels, is_isoflop_design
from isoflop.fit.forecast.past_forecast import PROXIMITY, PastForecast
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.parametric.fit import PUBLISHED_DELTA
from isoflop.fit.parametric.resampling_units import resample_weights
from isoflop.fit.preconditions import refuse_unfittable, strata

if TYPE_CHECKING:
    from isoflop.observations import Observations

_FACTORS = (30.0, 10.0, 3.0)  # fit up to C/30, C/10 and C/3 where the runs have no budgets
_FEWEST_BUDGETS = 3
_MOST_ORIGINS = 5  # the latest: forecasts from early budgets say little about those from the last ones
COMPUTE_POWER = 0.3
"""A row at a tenth of the compute counts 10^-.3 = half: small runs are the worst tuned ones. Measured in the same
way."""
_SAME_COMPUTE = 1.15  # compute that counts as no more than a row's own
_DRAWS = 60
_MOST_ROWS = 1500
_FARTHEST = 20.0  # of an error of ln loss: a factor e^20 is no forecast


def excess_loss(data: Observations) -> Array:
    """ln of each row's loss over the least loss among rows of no more compute: 0 at the frontier of these runs."""
    order = np.argsort(data.C, kind="stable")
    least = np.minimum.accumulate(data.loss[order])
    reached = np.searchsorted(data.C[order], data.C * _SAME_COMPUTE, side="right") - 1
    return np.asarray(np.log(data.loss / least[reached]))


def forecast_weights(data: Observations, proximity: float = PROXIMITY, power: float = COMPUTE_POWER) -> Array:
    """How much each row counts in a forecast: half for `proximity` above the frontier, half for a tenth of the
    compute."""
    return np.asarray(compute_shares(data, power) / (1.0 + (excess_loss(data) / proximity) ** 2))


def compute_shares(data: Observations, power: float = COMPUTE_POWER) -> Array:
    """Weight of each row by its compute: 1 for the largest, half for a tenth of it."""
    return np.asarray((data.C / data.C.max()) ** power)


def thinned(data: Observations, most: int = _MOST_ROWS) -> Observations:
    """At most `most` rows of `data`, evenly along its compute: what a forecast is made from.

    More rows know the constants better than any form is right, and cost in proportion.
    """
    if len(data) <= most:
        return data
    keep = np.zeros(len(data), dtype=bool)
    keep[np.argsort(data.C, kind="stable")[np.linspace(0, len(data) - 1, most).round().astype(int)]] = True
    return data.select(keep)


@dataclass(frozen=True, kw_only=True, eq=False)
class RollingOrigin:
    """The rows known at some compute, and the later ones that are forecast from them."""

    known: NDArray[np.bool_]
    """Rows to fit."""
    targets: tuple[NDArray[np.bool_], ...]
    """Later rows, a mask each budget or band of compute."""


def rolling_origins(data: Observations) -> list[RollingOrigin]:
    """Origins after each budget from the third of an isoFLOP design; else at C/30, C/10 and C/3 of the largest C."""
    labels = budget_labels(data)
    if is_isoflop_design(labels):
        numbers = np.unique(labels[labels >= 0])
        cuts = [(labels >= 0) & (labels <= last) for last in numbers[_FEWEST_BUDGETS - 1 : -1]]
        bands = [labels == number for number in numbers]
    else:
        tops = [data.C.max() / factor for factor in _FACTORS]
        cuts = [np.less_equal(data.C, top) for top in tops]
        pairs = zip(tops, [*tops[1:], data.C.max()], strict=True)
        bands = [np.greater(data.C, low) & np.less_equal(data.C, high) for low, high in pairs]
    origins = []
    for known in cuts:
        if not known.any():
            continue
        later = tuple(band & ~known & (data.C[known].max() < data.C) for band in bands)
        origins.append(RollingOrigin(known=known, targets=tuple(mask for mask in later if mask.any())))
    return [origin for origin in origins if origin.targets]


def past_forecasts(data: Observations, *, seed: int = 0) -> tuple[PastForecast, ...]:
    """Forecasts of later runs from each rolling origin of `data`; origins that could not be fitted are left out."""
    data = thinned(data.fresh())
    past: list[PastForecast] = []
    rng = np.random.default_rng(seed)
    for origin in rolling_origins(data)[-_MOST_ORIGINS:]:
        known = data.select(origin.known)
        try:
            refuse_unfittable(known)
            fitted = FittedForms.of(known, PUBLISHED_DELTA, forecast_weights(known))
        except RefusedError:
            continue  # too early an origin: nothing could have been forecast from it
        resamples = resample_weights(known, strata(known), _DRAWS, rng)
        draws, laws = fitted.chinchilla_draws(resamples), fitted.laws
        noise = _noise(fitted.residuals["coupled"], fitted.weights[0])
        for target in origin.targets:
            later = data.select(target)
            # Weights by proximity to the frontier of all runs, later ones included: they are all in the past by now.
            proximity = 1.0 / (1.0 + (excess_loss(data)[target] / PROXIMITY) ** 2)
            proximity /= proximity.sum()
            errors = {form: _log_error(law.loss(later.N, later.D), later.loss, proximity) for form, law in laws.items()}
            low, high = np.quantile(np.log(draws.loss(later.N, later.D)) @ proximity, [0.16, 0.84])
            past.append(
                PastForecast(
                    origin_flops=float(known.C.max()),
                    target_flops=float(np.exp(proximity @ np.log(later.C))),
                    errors=errors,
                    variance=float(((high - low) / 2) ** 2 + noise**2 * np.sum(proximity**2)),
                    share=1.0 / len(origin.targets),
                    span=float(known.C.max() / known.C.min()),
                )
            )
    return tuple(past)


def _log_error(predicted: Array, actual: Array, weights: Array) -> float:
    """Weighted mean of ln predicted less ln actual. A form that diverges beyond its rows errs by e^20 at most."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(predicted)) - np.log(actual)
    return float(weights @ np.clip(logs, -_FARTHEST, _FARTHEST))


def _noise(residuals: Array, weights: Array) -> float:
    """Weighted root mean square of the residuals, with the degrees of freedom that six constants take."""
    rows = weights.sum() ** 2 / np.sum(weights**2)
    return float(np.sqrt(weights @ residuals**2 / weights.sum() * rows / max(rows - 6.0, 0.25 * rows)))
