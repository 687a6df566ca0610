"""One forecast from those of several methods, weighted by their past errors, which have much in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.distributions import student_quantile
from isoflop.watch.errors import PastErrors
from isoflop.watch.method import Estimate, MethodForecast

_USUAL_CORRELATION = 0.5
"""Of two methods' errors on one run, before any were seen together: both err with the run's own noise."""
_USUAL_PAIRS = 6.0
"""What that counts for, in runs."""


@dataclass(frozen=True, kw_only=True)
class Combined:
    """The final loss by all methods together."""

    predicted_final: float
    sd: float
    """Standard deviation of ln(predicted_final)."""
    degrees: float
    interval: tuple[float, float]
    methods: dict[str, MethodForecast]
    weights: dict[str, float]


def combine(estimates: Mapping[str, Estimate], past: Mapping[str, PastErrors], level: float) -> Combined:
    """The mean of `estimates` {method: of ln(final loss)} with the least error of all means.

    Weights are not negative: with a negative one, the error of a correlation would be added to that of the forecast.
    """
    names = list(estimates)
    corrected = [past[name].corrected(estimates[name]) for name in names]
    logs = np.array([estimate.log_final for estimate in corrected])
    errors = np.array([estimate.sd for estimate in corrected])
    covariance = _correlation([past[name] for name in names]) * np.outer(errors, errors)
    weights = _weights(covariance)
    centre = float(weights @ logs)
    # methods that are further apart than their errors explain are wrong in ways that no past run has shown
    spread = float(weights @ (logs - centre) ** 2)
    expected = float(weights @ np.diag(covariance) - weights @ covariance @ weights)
    variance = float(weights @ covariance @ weights) + max(0.0, spread - expected)
    degrees = float(weights @ [past[name].degrees for name in names])
    methods = {
        name: MethodForecast(
            predicted_final=float(np.exp(centre_of)),
            error=float(error),
            interval=_interval(float(centre_of), float(error), past[name].degrees, level),
        )
        for name, centre_of, error in zip(names, logs, errors, strict=True)
    }
    return Combined(
        predicted_final=float(np.exp(centre)),
        sd=float(np.sqrt(variance)),
        degrees=degrees,
        interval=_interval(centre, float(np.sqrt(variance)), degrees, level),
        methods=methods,
        weights=dict(zip(names, weights.tolist(), strict=True)),
    )


def _interval(centre: float, sd: float, degrees: float, level: float) -> tuple[float, float]:
    half = student_quantile(0.5 + level / 2, degrees) * sd
    return float(np.exp(centre - half)), float(np.exp(centre + half))


def _correlation(past: list[PastErrors]) -> Array:
    """Of the methods' errors on one run, shrunk to the usual one."""
    correlation = np.eye(len(past))
    for i, first in enumerate(past):
        for j, second in enumerate(past[:i]):
            both = np.isfinite(first.scaled) & np.isfinite(second.scaled)
            a, b = first.scaled[both], second.scaled[both]
            # about zero and not about their means: a shared lean of both methods is an error that they share
            seen = float(a @ b / np.sqrt((a @ a) * (b @ b))) if len(a) and (a @ a) * (b @ b) > 0 else 0.0
            shrunk = (_USUAL_PAIRS * _USUAL_CORRELATION + len(a) * seen) / (_USUAL_PAIRS + len(a))
            correlation[i, j] = correlation[j, i] = shrunk
    return correlation


def _weights(covariance: Array) -> Array:
    """Weights of least variance that sum to 1, none negative: methods with a negative one are left out in turn."""
    used = np.ones(len(covariance), dtype=bool)
    while True:
        part = np.linalg.solve(covariance[np.ix_(used, used)], np.ones(int(used.sum())))
        if np.all(part >= 0):
            weights = np.zeros(len(covariance))
            weights[used] = part / part.sum()
            return weights
        # one at a time, since leaving one out may turn the others positive
        used[np.flatnonzero(used)[int(np.argmin(part))]] = False
