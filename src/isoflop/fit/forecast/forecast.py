"""The loss of a future run: a mixture over forms and resamples, widened by the errors of past forecasts.

ln loss = mixture of the forms' draws + (error of form) x distance + noise of one run. The forms are weighted, and the
error of form is measured, by rolling-origin evaluation of the same rows (rolling_origin.py); both start from a prior
that public data sets give (error_model.PUBLIC), which a few past forecasts of the table only modify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.codec import Count, JsonObject, Number, PositivePair, renamed, to_json
from isoflop.errors import RefusedError
from isoflop.fit.forecast.error_model import (
    PUBLIC,
    ErrorModel,
    RunNoise,
    bias_distance,
    forecast_distance,
    growth_with_range,
)
from isoflop.fit.forecast.form_mixture import Mixture
from isoflop.fit.forecast.loss_forecast import LossForecast, PastError, extrapolation_warnings
from isoflop.fit.forecast.past_forecast import PastForecast
from isoflop.fit.forms.table import CHINCHILLA, FORMS
from isoflop.fit.resampling import LEVEL
from isoflop.fit.result.approach import not_finite
from isoflop.laws import SIX_N, ComputeCost
from isoflop.laws.law import Surface
from isoflop.units import format_quantity

_BIAS_FADES = 0.02
"""A run this much above the least loss of its compute has half of the bias removed. Over public sets the forms are
high for runs near the frontier and low for those far from it (docs/forecasts.md: near the plan, and all rows)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecaster:
    """Every form with its draws and weight, the noise of one run, and the errors of past forecasts."""

    laws: dict[str, Surface]
    """{form: its best fit to the rows, those near the frontier counting most}."""
    draws: dict[str, Surface]
    """{form: the same with arrays of resampled constants}."""
    errors: ErrorModel
    """Weights of the forms, their bias and the error of form, from past forecasts."""
    noise: RunNoise
    """Scatter of single runs about the fits, near the frontier and away from it."""
    data_range: dict[str, tuple[float, float]]
    """{"params" | "tokens" | "flops": (smallest, largest)} of the rows."""
    past: tuple[PastForecast, ...] = ()
    """Forecasts of later rows from earlier ones."""
    cost: ComputeCost = SIX_N
    """FLOPs per token against N."""
    seed: int = 0
    """Seed of the samples: the same question gets the same answer."""

    def form_losses(self, N: ArrayLike, D: ArrayLike) -> dict[str, Array]:
        """{form: loss at each (N, D)}."""
        return {form: law.loss(np.atleast_1d(N), np.atleast_1d(D)) for form, law in self.laws.items()}

    def point(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Point forecast of the loss at each (N, D): the forms' weighted geometric mean, less their bias."""
        return np.exp(self._mixture(*_points(N, D)).centre)

    def interval(self, N: ArrayLike, D: ArrayLike, level: float = LEVEL, *, runs: float = 1.0) -> Array:
        """(points, 2): edges between which the mean loss of `runs` runs at each (N, D) lies with probability `level`.

        runs = inf leaves the noise out: an interval for the expected loss.
        """
        size, tokens = _points(N, D)
        rng = np.random.default_rng(self.seed)
        # Four independent errors, sampled and added: of the constants and the choice of form; of the bias, a normal;
        # of form and of single runs, each a Student's t because its scale is known from few errors. One draw of each
        # serves all points, so that the errors at several points of one question stay correlated.
        mixture = self._mixture(size, tokens)
        spread = mixture.samples(rng)
        distance = self._distance(size, tokens)
        spread = spread + self.errors.bias_sd * self._lever(distance) * rng.standard_normal((len(spread), 1))
        form_error = self.errors.form_error * distance
        spread = spread + form_error * rng.standard_t(self.errors.dof, size=(len(spread), 1))
        noise = self.noise.at(self._excess(size, tokens)) / np.sqrt(runs)
        spread = spread + noise * rng.standard_t(self.noise.dof, size=(len(spread), 1))
        edges = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.asarray(np.exp(mixture.centre + edges).T)

    def _mixture(self, N: Array, D: Array) -> Mixture:
        """The forms at each (N, D), weighted by past forecasts and their own precision, less the bias."""
        names = list(self.laws)
        predicted = np.stack([np.log(self.laws[name].loss(N, D)) for name in names])
        drawn = [np.log(_columns(self.draws[name]).loss(N, D)) for name in names]
        trust = np.array([self.errors.weights[name] for name in names])
        return Mixture.of(predicted - self._bias(N, D), drawn, trust)

    def _bias(self, N: Array, D: Array) -> Array:
        """What is subtracted from the forms' ln losses: the bias was measured near the frontier, and fades off it."""
        proximity = 1.0 / (1.0 + (self._excess(N, D) / _BIAS_FADES) ** 2)
        return np.asarray(self.errors.bias * self._lever(self._distance(N, D)) * proximity)

    def _distance(self, N: Array, D: Array) -> Array:
        """ln of how many times (N, D) lies beyond the rows, in compute, size or tokens, whichever is most; 0 inside."""
        outside = [np.zeros(len(N))]
        for name, value in (("params", N), ("tokens", D), ("flops", self.cost.training_flops(N, D))):
            low, high = self.data_range[name]
            outside += [np.log(value / high)] + ([np.log(low / value)] if name != "flops" else [])
        low, high = self.data_range["flops"]
        return np.asarray(growth_with_range(high / low, self.errors.span_power) * np.max(outside, axis=0))

    def _lever(self, distance: Array) -> Array:
        """By what the bias grows at these distances."""
        return bias_distance(distance, self.errors.bias_power)

    def _excess(self, N: Array, D: Array) -> Array:
        """ln of the loss at (N, D) over the least loss that its compute buys, by the Chinchilla form."""
        law = self.laws[CHINCHILLA.name]
        best = law.loss(*law.optimum(self.cost.training_flops(N, D), self.cost))
        return np.maximum(np.log(law.loss(N, D) / best), 0.0)

    def factor(self, N: float, D: float) -> float:
        """Compute of (N, D) over the largest compute of the rows, at least 1."""
        return max(1.0, float(self.cost.training_flops(N, D)) / self.data_range["flops"][1])

    def backtest_error(self, factor: float) -> PastError | None:
        """The past forecast nearest to `factor`, the later one of two; None where there is none."""
        if not self.past:
            return None
        apart = [(abs(np.log(item.factor / factor)), -item.origin_flops, item) for item in self.past]
        nearest = min(apart, key=lambda entry: (round(entry[0], 2), entry[1]))[2]
        # Less the bias of public sets, which any forecast is corrected for; the table's own was not known then.
        error = self.errors.mixed(nearest.errors) - PUBLIC.bias * float(bias_distance(forecast_distance(nearest)))
        return PastError(factor=nearest.factor, error=float(np.expm1(error)))

    def forecast(self, N: float, D: float, level: float = LEVEL) -> LossForecast:
        """The loss of one run of N parameters and D tokens, with the interval that holds it with probability level.

        Raises RefusedError `degenerate_rows` where the losses of the forms overflow so far from the rows.
        """
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            forecast = self._forecast(N, D, level)
        if not_finite(forecast.as_json()) or forecast.loss <= 0:
            far = f"{format_quantity(N)} parameters on {format_quantity(D)} tokens"
            raise RefusedError("degenerate_rows", f"the forms forecast no finite loss at {far}: ask nearer to the rows")
        return forecast

    def _forecast(self, N: float, D: float, level: float) -> LossForecast:
        low, high = (float(edge) for edge in self.interval(N, D, level)[0])
        forms = {form: float(loss[0]) for form, loss in self.form_losses(N, D).items()}
        factor = self.factor(N, D)
        error = self.backtest_error(factor)
        return LossForecast(
            loss=float(self.point(N, D)[0]),
            interval=(low, high),
            level=level,
            extrapolation_factor=factor,
            forms=forms,
            form_spread=max(forms.values()) / min(forms.values()) - 1,
            bias=float(-np.expm1(-self._bias(*_points(N, D))[0])),
            backtest_error=error,
            warnings=extrapolation_warnings(factor, error),
        )

    def as_json(self) -> JsonObject:
        """All but the draws, which `arrays` has, and the past forecasts, which the fit report has."""
        centres = (form.centre(self.laws[form.name]) for form in FORMS if form.name in self.laws)
        centre = next((centre for centre in centres if centre is not None), (0.0, 0.0))
        return {
            "laws": {form: dict(law.constants()) for form, law in self.laws.items()},
            "centre": list(centre),
            "judgement": to_json(self.errors),
            "noise": to_json(self.noise),
            "reach": to_json(self.data_range),
            "seed": self.seed,
        }

    def arrays(self) -> dict[str, Array]:
        """{"forecast_FORM": draws (draws, constants)}."""
        return {
            f"forecast_{form.name}": form.stacked(self.draws[form.name]) for form in FORMS if form.name in self.draws
        }


@dataclass(frozen=True, kw_only=True)
class ForecasterFile:
    """What the file of a fit holds of its forecaster."""

    __pydantic_config__: ClassVar = renamed(errors="judgement", data_range="reach")

    laws: dict[str, dict[str, Number]]
    """{form: {constant: value}}."""
    centre: tuple[Number, Number]
    """The point that the constants of the log-quadratic are about."""
    errors: ErrorModel
    noise: RunNoise
    data_range: dict[str, PositivePair]
    seed: Count

    def forecaster(self, arrays: Mapping[str, Array], cost: ComputeCost, past: tuple[PastForecast, ...]) -> Forecaster:
        """The forecaster with the `arrays` of draws from the .npz file, and the report's past forecasts.

        A form that was added after the file was written has no part in its forecasts.
        """
        forms = [form for form in FORMS if form.name in self.laws]
        drawn = {form.name: dict(zip(form.constants, arrays[f"forecast_{form.name}"].T, strict=True)) for form in forms}
        return Forecaster(
            laws={form.name: form.restored(dict(self.laws[form.name]), self.centre) for form in forms},
            draws={form.name: form.restored(drawn[form.name], self.centre) for form in forms},
            errors=self.errors,
            noise=self.noise,
            data_range=self.data_range,
            past=past,
            cost=cost,
            seed=self.seed,
        )


def _points(N: ArrayLike, D: ArrayLike) -> tuple[Array, Array]:
    """N and D as arrays of one length."""
    size, tokens = np.broadcast_arrays(np.asarray(N, dtype=np.float64), np.asarray(D, dtype=np.float64))
    return np.atleast_1d(size), np.atleast_1d(tokens)


def _columns(law: Surface) -> Surface:
    """The draws with constants as columns (draws, 1), so that they broadcast against points."""
    return law.draw((slice(None), None))
