"""The compute-optimal size at a future budget: estimators mixed by past forecasts, with the bend of the frontier.

ln N_opt = mixture of the estimators' draws, each with the bend (size/bend.py), + error of form x distance. The
estimators are weighted, and the error of form is measured, by rolling-origin evaluation of the same rows
(size/rolling.py), starting from a prior that public sets give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import JsonObject, Number, Positive, PositivePair, to_json
from isoflop.errors import Notice, RefusedError
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.resampling import LEVEL
from isoflop.fit.size.bend import POWER_LAW_FLOPS, ComputeScale
from isoflop.fit.size.estimators import LABELS, LogSize, SizeEstimator
from isoflop.fit.size.rolling import PastSize
from isoflop.fit.size.weights import SizeTrust
from isoflop.units import format_flops, format_quantity

SAMPLES = 2000
WIDEST = 4.0
"""Highest over lowest N of a 90 % interval, from where a size is not identified: a model twice or half its best size
wastes 15 % of its compute."""
_SHARED = 0.5  # of the estimators' variance: they are fitted to the same losses, so that noise moves them together
_OPEN = np.log(WIDEST) / (2 * 1.645)  # sd of ln N of such an interval


@dataclass(frozen=True, kw_only=True)
class EstimatedSize:
    """The optimum at a budget by one estimator alone."""

    json_also: ClassVar = ("label",)

    estimator: str
    """One of size.ESTIMATORS."""
    params: Positive
    """N along its own frontier, without the bend."""
    bent: Number
    """N with the bend."""
    interval: PositivePair
    """Where N lies by it alone with probability LEVEL, the uncertainty of the bend included."""
    weight: Number
    """Its share in the forecast."""
    reason: str
    """Why its weight is 0; empty otherwise."""

    @property
    def label(self) -> str:
        """The estimator in words."""
        return LABELS[self.estimator]


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeForecast:
    """Where the best N for a budget lies."""

    flops: float
    """The budget."""
    params: float
    """Point forecast of N, in the fit's convention: the median."""
    interval: tuple[float, float]
    """Where the best N of that budget lies with probability `level`."""
    level: float
    extrapolation_factor: float
    """Budget over the largest compute of the rows; 1 inside."""
    estimators: tuple[EstimatedSize, ...]
    """The optimum by each estimator alone."""
    bend: Bend
    log_params: Array
    """Samples of ln N, about SAMPLES of them."""
    notices: tuple[Notice, ...] = ()

    @property
    def identified(self) -> bool:
        """Whether the 90 % interval is narrower than a factor WIDEST, whatever level was asked for."""
        low, high = np.quantile(self.log_params, [0.05, 0.95])
        return bool(high - low < np.log(WIDEST))

    def as_json(self) -> JsonObject:
        """{flops, params, interval, level, extrapolation_factor, estimators, bend, identified, warnings}."""
        return {
            "flops": self.flops,
            "params": self.params,
            "interval": list(self.interval),
            "level": self.level,
            "extrapolation_factor": self.extrapolation_factor,
            "estimators": to_json(self.estimators),
            "bend": to_json(self.bend),
            "identified": self.identified,
            "warnings": to_json(self.notices),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeForecaster:
    """The estimators of one table with the trust in each, the bend, and the errors of past forecasts."""

    estimators: tuple[SizeEstimator, ...]
    """At least one."""
    trust: SizeTrust
    bend: Bend
    """Bend of the vertices under the prior of public sets; that prior where there are no vertices."""
    compute_range: tuple[float, float]
    """Smallest and largest compute of the rows."""
    scale: ComputeScale
    """In which their frontiers are straight."""
    past: tuple[PastSize, ...] = ()
    """Forecasts of later vertices from earlier rows."""
    seed: int = 0
    """Seed of the samples: the same question gets the same answer."""

    def at(self, flops: float, level: float = LEVEL, *, only: str | None = None) -> SizeForecast:
        """The forecast for `flops` FLOPs; by the estimator `only` alone, where one is named.

        Raises RefusedError `no_size` where that estimator does not exist, or none has an optimum at that budget.
        """
        rng = np.random.default_rng(self.seed)
        sizes = self._sizes(flops, rng, only)
        weights = self.trust.weights({name: size.sd for name, size in sizes.items()})
        samples = self._samples(flops, sizes, weights, rng)
        low, middle, high = (float(x) for x in np.exp(np.quantile(samples, [(1 - level) / 2, 0.5, (1 + level) / 2])))
        return SizeForecast(
            flops=flops,
            params=middle,
            interval=(low, high),
            level=level,
            extrapolation_factor=max(1.0, flops / self.compute_range[1]),
            estimators=tuple(_alone(name, size, weights[name], past=bool(self.past)) for name, size in sizes.items()),
            bend=self.bend,
            log_params=samples,
            notices=self._notices(flops, samples),
        )

    def estimates(self, flops: float) -> dict[str, LogSize]:
        """{estimator: ln N_opt by it alone}. Raises RefusedError `no_size` where none has an optimum."""
        return self._sizes(flops, np.random.default_rng(self.seed))

    def _sizes(self, flops: float, rng: np.random.Generator, only: str | None = None) -> dict[str, LogSize]:
        """{estimator: ln N_opt}. Raises RefusedError `no_size` where there is none."""
        sizes: dict[str, LogSize] = {}
        for estimator in self.estimators:
            if only is None or estimator.name == only:
                try:
                    sizes[estimator.name] = estimator.at(flops, self.scale, self.bend, rng)
                except RefusedError:
                    continue  # no least loss along this budget
        if not sizes:
            raise RefusedError("no_size", f"no estimator of the size has an optimum at {format_flops(flops)} FLOPs")
        return sizes

    def _samples(
        self, flops: float, sizes: Mapping[str, LogSize], weights: Mapping[str, float], rng: np.random.Generator
    ) -> Array:
        """Samples of ln N around the weighted mean of the estimators.

        How far these differ counts only beyond what their own noise explains, which their variance has already.
        """
        used = [name for name in sizes if weights[name] > 0]
        centre = sum(weights[name] * sizes[name].mean for name in used)
        between = sum(weights[name] * (sizes[name].mean - centre) ** 2 for name in used)
        own = sum(weights[name] * sizes[name].sd ** 2 for name in used)
        # As for losses (fit/forecast/form_mixture.py): the independent part of the noise explains some of the distance.
        shrinkage = np.sqrt(max(0.0, between - (1 - _SHARED) * own) / between) if between > 0 else 0.0
        parts = [
            shrinkage * (sizes[name].mean - centre) + np.resize(sizes[name].deviations, round(SAMPLES * weights[name]))
            for name in used
        ]
        mixed = np.concatenate(parts)
        form = self.trust.form_error * self._distance(flops)
        mixed = mixed + form * rng.standard_t(self.trust.dof, size=len(mixed))
        # The question is the best size of one budget, and those scatter about any curve, at every distance.
        curve = next((item.curve for item in self.estimators if item.curve is not None), None)
        if curve is not None:
            mixed = mixed + curve.drawn_scatter(len(mixed), rng)
        return np.asarray(centre + mixed - np.median(mixed))

    def bend_shift(self, flops: float) -> float:
        """Shift of ln N_opt by the bend at `flops`, against a straight line through the rows."""
        place = self.scale.place(flops)
        return float(np.median([item.design.beyond_line(place) for item in self.estimators])) * self.bend.mean

    def _distance(self, flops: float) -> float:
        """ln of how many times `flops` lie beyond the rows, above or below; 0 inside."""
        low, high = self.compute_range
        return float(max(0.0, np.log(flops / high), np.log(low / flops)))

    def _notices(self, flops: float, samples: Array) -> tuple[Notice, ...]:
        """Notices about rows of too little compute, and about an interval that is too wide."""
        return (*self._little_compute(), *self._not_identified(flops, samples))

    def _little_compute(self) -> tuple[Notice, ...]:
        """`little_compute` where all rows lie below the compute from which optima follow a power law."""
        largest = self.compute_range[1]
        if largest >= POWER_LAW_FLOPS:
            return ()
        text = (
            f"the largest budget is {format_flops(largest)} FLOPs: below {format_flops(POWER_LAW_FLOPS)} the best size "
            "does not follow a power law yet; the interval is wider for it, and a larger budget would say more"
        )
        return (Notice(code="little_compute", message=text),)

    def _not_identified(self, flops: float, samples: Array) -> tuple[Notice, ...]:
        """`size_not_identified` with the range and the runs that would narrow it, where the interval is too wide."""
        low, high = (float(edge) for edge in np.exp(np.quantile(samples, [0.05, 0.95])))
        if high < WIDEST * low:
            return ()
        # A budget between the rows and the target shortens the extrapolation most for its price; where the target is
        # no further than that, the largest budget of the rows below it is measured better instead.
        largest = self.compute_range[1]
        nearest = min(flops, largest) if flops < 5 * largest else float(np.sqrt(flops * largest))
        following = min(nearest, 4 * largest, flops)
        sizes = self.estimates(following)
        weights = self.trust.weights({name: size.sd for name, size in sizes.items()})
        middle = float(np.exp(sum(weights[name] * size.mean for name, size in sizes.items())))
        around = f"{format_quantity(middle / 4)} to {format_quantity(4 * middle)}"
        text = (
            f"these runs leave the best size open between {format_quantity(low)} and {format_quantity(high)}: before "
            f"the planned run, train five sizes or more from {around} at {format_flops(following)} FLOPs each, "
            f"{format_flops(5 * following)} in all"
        )
        return (Notice(code="size_not_identified", message=text),)

    def as_json(self) -> JsonObject:
        """All but the laws and their draws, which the fits have."""
        return {
            "designs": {estimator.name: to_json(estimator.design) for estimator in self.estimators},
            "curve": to_json(next((item.curve for item in self.estimators if item.curve is not None), None)),
            "trust": to_json(self.trust.trust),
            "form_error": self.trust.form_error,
            "dof": self.trust.dof,
            "bend": to_json(self.bend),
            "scale": to_json(self.scale),
            "reach": list(self.compute_range),
            "past": to_json(self.past),
            "seed": self.seed,
        }


def _alone(name: str, size: LogSize, weight: float, *, past: bool) -> EstimatedSize:
    low, high = np.exp(size.mean + np.quantile(size.deviations, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    reason = ""
    if weight == 0:
        wide = size.sd > _OPEN
        erred = "its past forecasts erred more than those of the others"
        reason = "its own interval is too wide" if wide else erred if past else "the others are trusted more"
    return EstimatedSize(
        estimator=name,
        params=float(np.exp(size.straight)),
        bent=float(np.exp(size.mean)),
        interval=(float(low), float(high)),
        weight=weight,
        reason=reason,
    )
