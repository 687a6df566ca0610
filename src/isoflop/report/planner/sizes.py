"""The forecast of the best size as the planner page has it: closed forms of ln C, and tables where it has none.

The frontiers, the curve through the vertices and the bend are closed forms. How sure each estimator is, which decides
its weight, and the distribution of the size are tabulated over budgets; between budgets the page interpolates, linearly
in ln C.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError, Notice
from isoflop.fit.isoflop.vertex_curve import VertexCurve
from isoflop.fit.size import SizeForecaster
from isoflop.fit.size.bend import ComputeDesign
from isoflop.fit.size.estimators import SizeEstimator
from isoflop.fit.size.forecast import SAMPLES
from isoflop.plan import LawSource
from isoflop.report.planner.form import LawData, law_data
from isoflop.report.planner.packed import Packed

_BELOW, _ABOVE = 3.0, 1e3  # times the rows' least and largest compute: further away no plan is sound
_KNOTS = 33  # budgets of the distribution: half an e-fold apart for rows that span four decades
# So many times as many for the weights, on which the point forecast depends: its error is then below 1e-3 of ln N. At a
# measured cost of a token the optimum of every resample is a search, and the table takes seconds.
_FINER_SIX_N, _FINER = 16, 4
_MEASURED = 4  # between every so many budgets the error is measured
_TAIL, _STEP = 10, 10  # of the sorted samples: all of so many at either end, and every tenth between


@dataclass(frozen=True, kw_only=True)
class CurveData:
    """The curve through the vertices of approach 2: ln N = level + slope t + bend t^2, t = place less `centre`."""

    centre: float
    means: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class EstimatorData:
    """One estimator of the best size."""

    name: str
    law: LawData
    trust: float
    design: ComputeDesign
    curve: CurveData | None
    sd: Packed
    """Standard deviation of its ln N at evenly spaced budgets, `sd_steps` for each step of `log_flops`."""


@dataclass(frozen=True, kw_only=True)
class SizesData:
    """What sizes.js needs to forecast as `SizeForecaster.at` does."""

    estimators: tuple[EstimatorData, ...]
    bend: float
    scale: Mapping[str, float] | None
    """Constants of the surface that places budgets where a token does not cost 6 N; None without one."""
    log_flops: tuple[float, ...]
    """Budgets of the distribution: ascending, evenly spaced, in ln C."""
    sd_steps: int
    probabilities: tuple[float, ...]
    spread: Packed
    """Quantiles of ln N less its median at these probabilities, a row for each budget."""
    ranks: Packed
    """Which of the sorted samples goes with each draw of the law: at random, so that a draw's curvature does not go
    with its size."""
    largest_flops: float
    """Of the rows."""
    notices: tuple[Notice, ...]
    """Warnings at every budget."""
    interpolation_error: float
    """Largest error of the best ln N, half way between two budgets of the distribution."""
    interval_error: float
    """The same of an end of its 90 % interval, as a share of the interval's width: Python's samples scatter as much."""


def sizes_data(source: LawSource) -> SizesData | None:
    """Returns the data of a source's forecasts of the size; None where it makes none.

    Raises InputError where one approach was asked for by name: the page mixes all of them.
    """
    sizes = source.sizes
    if sizes is None:
        return None
    if source.estimator is not None:
        raise InputError(f"planner: expected a fit with all its approaches, got {source.estimator} alone")
    low, high = sizes.compute_range
    log_flops = np.linspace(np.log(low / _BELOW), np.log(high * _ABOVE), _KNOTS)
    probabilities = _probabilities()
    steps = _FINER_SIX_N if sizes.scale.cost.is_six_n else _FINER
    finer = np.linspace(log_flops[0], log_flops[-1], (_KNOTS - 1) * steps + 1)
    sd = np.array([[size.sd for size in sizes.estimates(C).values()] for C in np.exp(finer)])
    spread = np.array([_spread(sizes, C, probabilities) for C in np.exp(log_flops)])
    point_error, interval_error = _errors(sizes, log_flops, (finer, sd), (probabilities, spread))
    return SizesData(
        estimators=tuple(_estimator(each, sizes, column) for each, column in zip(sizes.estimators, sd.T, strict=True)),
        bend=sizes.bend.mean,
        scale=None if sizes.scale.law is None else sizes.scale.law.constants(),
        log_flops=tuple(log_flops.tolist()),
        sd_steps=steps,
        probabilities=tuple(probabilities.tolist()),
        spread=Packed.of(spread, "float32"),
        ranks=Packed.of(np.random.default_rng(sizes.seed).permutation(SAMPLES), "uint16"),
        largest_flops=high,
        notices=tuple(notice for notice in sizes.at(high).notices if notice.code == "little_compute"),
        interpolation_error=point_error,
        interval_error=interval_error,
    )


def _probabilities() -> Array:
    """Places of sorted samples as probabilities: all of those at both ends, every tenth between."""
    ends = np.arange(_TAIL)
    places = np.concatenate([ends, np.arange(_TAIL, SAMPLES - _TAIL, _STEP), SAMPLES - 1 - ends[::-1]])
    return np.asarray(places / (SAMPLES - 1))


def _spread(sizes: SizeForecaster, flops: float, probabilities: Array) -> Array:
    """Quantiles of ln N less its median."""
    found = sizes.at(flops)
    return np.asarray(np.quantile(found.log_params, probabilities) - np.log(found.params))


def _estimator(estimator: SizeEstimator, sizes: SizeForecaster, sd: Array) -> EstimatorData:
    return EstimatorData(
        name=estimator.name,
        law=law_data(estimator.law),
        trust=sizes.trust.trust.get(estimator.name, 0.0),
        design=estimator.design,
        curve=None if estimator.curve is None else _curve(estimator.curve),
        sd=Packed.of(sd, "float32"),
    )


def _curve(curve: VertexCurve) -> CurveData:
    level, slope, bend = (curve.weights @ curve.means).tolist()
    return CurveData(centre=curve.centre, means=(level, slope, bend))


def _errors(
    sizes: SizeForecaster, log_flops: Array, sd: tuple[Array, Array], spread: tuple[Array, Array]
) -> tuple[float, float]:
    """(of the best ln N, of an end of its interval over the width): the largest errors half way between budgets.

    `sd` is (budgets, a row for each), `spread` (probabilities, a row for each of `log_flops`).
    """
    point, end = 0.0, 0.0
    probabilities, rows = spread
    step = log_flops[1] - log_flops[0]
    for row in range(0, len(log_flops) - 1, _MEASURED):
        middle = log_flops[row] + step / 2
        flops = float(np.exp(middle))
        found = sizes.at(flops)
        # half a step off the budgets of the weights' table, where its own error is largest
        near = float(np.exp(middle + (sd[0][1] - sd[0][0]) / 2))
        point = max(point, abs(_interpolated_centre(sizes, near, sd) - float(np.log(sizes.at(near).params))))
        ends = np.log(found.params) + np.interp([0.05, 0.95], probabilities, (rows[row] + rows[row + 1]) / 2)
        low, high = np.log(found.interval)
        end = max(end, float(np.max(np.abs(ends - [low, high])) / (high - low)))
    return point, end


def _interpolated_centre(sizes: SizeForecaster, flops: float, sd: tuple[Array, Array]) -> float:
    """The best ln N with weights by interpolated standard deviations, as sizes.js has it."""
    estimates = sizes.estimates(flops)
    between = [float(np.interp(np.log(flops), sd[0], column)) for column in sd[1].T]
    weights = sizes.trust.weights(dict(zip(estimates, between, strict=True)))
    return sum(weights[name] * size.mean for name, size in estimates.items())
