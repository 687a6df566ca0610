"""The loss of a run not yet done: a mixture over forms and resamples, widened by how far past forecasts erred.

ln loss = mixture of the forms' draws + (error of form) x distance + noise of one run. The forms are weighed, and the
error of form is measured, by the rolling origins of the same rows (rolling_origin.py); both start from what origins of
public data sets showed (error_model.PUBLIC), which a few past forecasts of one's own only modify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.forecast.error_model import PUBLIC, Judgement, item_distance, judge, steepness
from isoflop.fit.forecast.form_mixture import Mixture
from isoflop.fit.forecast.noise import LocalNoise
from isoflop.fit.forecast.rolling_origin import (
    PastForecast,
    compute_shares,
    excess_loss,
    forecast_weights,
    past_forecasts,
    thinned,
)
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.forms.table import CHINCHILLA, FORMS
from isoflop.fit.parametric.fit import PUBLISHED_DELTA
from isoflop.fit.parametric.resampling_units import resample_weights
from isoflop.fit.preconditions import strata
from isoflop.fit.resampling import LEVEL
from isoflop.fit.result import ParametricFit, not_finite
from isoflop.laws import SIX_N, ComputeCost
from isoflop.laws.law import Surface
from isoflop.observations import Observations

Array = NDArray[np.float64]

_DRAWS = 200  # refits of every form: their 5 % points are then known to a tenth of a standard deviation
_DRAW_CELLS, _FEWEST_DRAWS = 100_000, 60  # draws x rows, where rows are many and their draws differ little
_LEAN_FADES = 0.02
"""A run this much above the least loss of its compute has half of the lean taken off. Over public sets the forms are
high for runs near the frontier and low for those far from it (docs/forecasts.md: near the plan, and all rows)."""
_FAR = 10.0
_BEYOND = 1.05  # times the largest compute, from where a prediction counts as an extrapolation


@dataclass(frozen=True, kw_only=True)
class LossForecast:
    """What one run is expected to score."""

    loss: float
    """Point forecast, in the fit's loss unit."""
    interval: tuple[float, float]
    """Where one run's loss falls with probability `level`."""
    level: float
    """Probability of `interval`."""
    extrapolation_factor: float
    """Compute over the largest compute the fit has seen; 1 inside."""
    forms: dict[str, float]
    """{form: the loss that it alone predicts}."""
    form_spread: float
    """Largest of them over the smallest, less 1."""
    lean: float
    """Share by which the forms' mixture was lowered: beyond their rows forms forecast too high a loss."""
    backtest_error: dict[str, float] | None
    """{factor, error}: the past forecast of these runs nearest in factor, error = predicted over actual less 1."""
    warnings: tuple[Notice, ...] = ()
    """What to know before trusting it."""

    def as_json(self) -> dict[str, Any]:
        """{loss, interval, level, extrapolation_factor, forms, form_spread, lean, backtest_error, warnings}."""
        return {
            "loss": self.loss,
            "interval": list(self.interval),
            "level": self.level,
            "extrapolation_factor": self.extrapolation_factor,
            "forms": [{"form": form, "loss": loss} for form, loss in self.forms.items()],
            "form_spread": self.form_spread,
            "lean": self.lean,
            "backtest_error": self.backtest_error,
            "warnings": [notice.as_json() for notice in self.warnings],
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecaster:
    """Every form with its draws, how much each is trusted, the noise of one run, and the errors of past forecasts."""

    laws: dict[str, Surface]
    """{form: its best fit to the rows, those near the frontier counting most}."""
    draws: dict[str, Surface]
    """{form: the same with arrays of resampled constants}."""
    judgement: Judgement
    """Weights of the forms and the error of form, from past forecasts."""
    noise: LocalNoise
    """Scatter of single runs about the fits, near the frontier and away from it."""
    reach: dict[str, tuple[float, float]]
    """{"params" | "tokens" | "flops": (smallest, largest)} of the rows."""
    past: tuple[PastForecast, ...] = ()
    """What was forecast from earlier rows."""
    cost: ComputeCost = SIX_N
    """FLOPs per token against N."""
    seed: int = 0
    """Of the samples: the same question gets the same answer."""

    def form_losses(self, N: ArrayLike, D: ArrayLike) -> dict[str, Array]:
        """{form: loss at each (N, D)}."""
        return {form: law.loss(np.atleast_1d(N), np.atleast_1d(D)) for form, law in self.laws.items()}

    def point(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Point forecast of the loss at each (N, D): the forms' weighted geometric mean, less their lean."""
        return np.exp(self._mixture(*_points(N, D)).centre)

    def interval(self, N: ArrayLike, D: ArrayLike, level: float = LEVEL, *, runs: float = 1.0) -> Array:
        """(points, 2): where the mean loss of `runs` runs at each (N, D) falls with probability `level`.

        runs = inf leaves the noise out: an interval for the expected loss.
        """
        size, tokens = _points(N, D)
        rng = np.random.default_rng(self.seed)
        mixture = self._mixture(size, tokens)
        spread = mixture.samples(rng)
        distance = self._distance(size, tokens)
        spread = spread + self.judgement.lean_sd * distance * rng.standard_normal((len(spread), 1))
        form_error = self.judgement.form_error * distance
        spread = spread + form_error * rng.standard_t(self.judgement.freedom, size=(len(spread), 1))
        noise = self.noise.at(self._excess(size, tokens)) / np.sqrt(runs)
        spread = spread + noise * rng.standard_t(self.noise.freedom, size=(len(spread), 1))
        edges = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.asarray(np.exp(mixture.centre + edges).T)

    def _mixture(self, N: Array, D: Array) -> Mixture:
        """The forms at each (N, D), by past forecasts and their own precision, less the lean."""
        names = list(self.laws)
        found = np.stack([np.log(self.laws[name].loss(N, D)) for name in names])
        drawn = [np.log(_columns(self.draws[name]).loss(N, D)) for name in names]
        trust = np.array([self.judgement.weights[name] for name in names])
        return Mixture.of(found - self._lean(N, D), drawn, trust)

    def _lean(self, N: Array, D: Array) -> Array:
        """What the forms' ln losses are lowered by: the lean was measured near the frontier, and fades away from it."""
        near = 1.0 / (1.0 + (self._excess(N, D) / _LEAN_FADES) ** 2)
        return np.asarray(self.judgement.lean * self._distance(N, D) * near)

    def _distance(self, N: Array, D: Array) -> Array:
        """ln of how many times (N, D) lies beyond the rows, in compute, size or tokens, whichever is most; 0 inside.

        More, where the rows span little compute (`judgement.steepness`).
        """
        outside = [np.zeros(len(N))]
        for name, value in (("params", N), ("tokens", D), ("flops", self.cost.training_flops(N, D))):
            low, high = self.reach[name]
            outside += [np.log(value / high)] + ([np.log(low / value)] if name != "flops" else [])
        low, high = self.reach["flops"]
        return np.asarray(steepness(high / low) * np.max(outside, axis=0))

    def _excess(self, N: Array, D: Array) -> Array:
        """ln of the loss at (N, D) over the least loss that its compute buys, by the Chinchilla form."""
        law = self.laws[CHINCHILLA.name]
        best = law.loss(*law.optimum(self.cost.training_flops(N, D), self.cost))
        return np.maximum(np.log(law.loss(N, D) / best), 0.0)

    def factor(self, N: float, D: float) -> float:
        """Compute of (N, D) over the largest compute of the rows, at least 1."""
        return max(1.0, float(self.cost.training_flops(N, D)) / self.reach["flops"][1])

    def backtest_error(self, factor: float) -> dict[str, float] | None:
        """{factor, error} of the past forecast nearest to `factor`, the later one of two; None where there is none."""
        if not self.past:
            return None
        apart = [(abs(np.log(item.factor / factor)), -item.origin_flops, item) for item in self.past]
        nearest = min(apart, key=lambda entry: (round(entry[0], 2), entry[1]))[2]
        # Less the lean of public sets, which any forecast has had taken off; the table's own was not known then.
        error = self.judgement.mixed(nearest.errors) - PUBLIC.lean * item_distance(nearest)
        return {"factor": nearest.factor, "error": float(np.expm1(error))}

    def forecast(self, N: float, D: float, level: float = LEVEL) -> LossForecast:
        """The loss of one run of N parameters and D tokens, with the interval that holds it with probability level.

        Raises RefusedError `degenerate_rows` where the forms leave what a float holds so far out.
        """
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            made = self._forecast(N, D, level)
        if not_finite(made.as_json()) or made.loss <= 0:
            far = f"{N:.3g} parameters on {D:.3g} tokens"
            raise RefusedError("degenerate_rows", f"the forms forecast no loss at {far}: ask nearer by")
        return made

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
            lean=float(-np.expm1(-self._lean(*_points(N, D))[0])),
            backtest_error=error,
            warnings=_warnings(factor, error),
        )

    def as_json(self) -> dict[str, Any]:
        """All but the draws, which `arrays` has, and the past forecasts, which the fit report has."""
        return {
            "laws": {form: law.constants() for form, law in self.laws.items()},
            "centre": list(self._centre),
            "judgement": self.judgement.as_json(),
            "noise": self.noise.as_json(),
            "reach": {name: list(pair) for name, pair in self.reach.items()},
            "seed": self.seed,
        }

    @property
    def _centre(self) -> tuple[float, float]:
        centres = (form.centre(self.laws[form.name]) for form in FORMS)
        return next((centre for centre in centres if centre is not None), (0.0, 0.0))

    def arrays(self) -> dict[str, Array]:
        """{"forecast_FORM": draws (draws, constants)}."""
        return {f"forecast_{form.name}": form.stacked(self.draws[form.name]) for form in FORMS}

    @classmethod
    def from_json(
        cls, data: dict[str, Any], arrays: Mapping[str, Array], cost: ComputeCost, past: tuple[PastForecast, ...]
    ) -> Forecaster:
        """The forecaster that `as_json` and `arrays` wrote, with the report's past forecasts."""
        centre = (float(data["centre"][0]), float(data["centre"][1]))
        drawn = {form.name: dict(zip(form.constants, arrays[f"forecast_{form.name}"].T, strict=True)) for form in FORMS}
        return cls(
            laws={form.name: form.restored(data["laws"][form.name], centre) for form in FORMS},
            draws={form.name: form.restored(drawn[form.name], centre) for form in FORMS},
            judgement=Judgement.from_json(data["judgement"]),
            noise=LocalNoise.from_json(data["noise"]),
            reach={name: (float(pair[0]), float(pair[1])) for name, pair in data["reach"].items()},
            past=past,
            cost=cost,
            seed=int(data["seed"]),
        )


def build_forecaster(
    observations: Observations,
    fit: ParametricFit,
    *,
    cost: ComputeCost = SIX_N,
    seed: int = 0,
    past: tuple[PastForecast, ...] | None = None,
) -> Forecaster:
    """The forecaster of `observations`, which approach 3 fitted with draws: else RefusedError `no_draws`.

    `past` are the forecasts from rolling origins, where they are known already; () means to go without them.
    """
    if fit.draws is None:
        raise RefusedError("no_draws", "a forecast needs a parametric fit with draws")
    data = thinned(observations.finals().fresh())
    weights = forecast_weights(data)
    try:
        fitted = FittedForms.of(data, PUBLISHED_DELTA, weights)
    except RefusedError:  # near the frontier alone the losses do not fall with both N and D: all rows count alike
        weights = np.ones(len(data))
        fitted = FittedForms.of(data, PUBLISHED_DELTA, start=fit.law)
    count = int(np.clip(_DRAW_CELLS // len(data), _FEWEST_DRAWS, _DRAWS))
    resamples = resample_weights(data, strata(data), count, np.random.default_rng(seed))
    seen = past_forecasts(data, seed=seed) if past is None else past
    judgement = judge(seen)
    mixed = judgement.mixed(fitted.residuals)
    columns = (("params", data.N), ("tokens", data.D), ("flops", data.C))
    return Forecaster(
        laws=fitted.laws,
        draws=fitted.draws(resamples),
        judgement=judgement,
        noise=LocalNoise.of(excess_loss(data), mixed, weights, compute_shares(data)),
        reach={name: (float(column.min()), float(column.max())) for name, column in columns},
        past=seen,
        cost=cost,
        seed=seed,
    )


def _warnings(factor: float, error: dict[str, float] | None) -> tuple[Notice, ...]:
    warnings = []
    if factor > _FAR:
        text = f"{factor:.3g} times the largest compute of the fit: errors of form grow beyond {_FAR:g} times"
        warnings.append(Notice(code="far_extrapolation", message=text))
    if error is None:
        text = "too few budgets to hold the forecast against past ones: its error of form is that of public data sets"
        warnings.append(Notice(code="no_past_forecasts", message=text))
    elif factor > _BEYOND:
        text = f"a past forecast of these data, at {error['factor']:.3g} times, erred by {error['error']:+.2%}"
        warnings.append(Notice(code="past_error", message=text))
    return tuple(warnings)


def _points(N: ArrayLike, D: ArrayLike) -> tuple[Array, Array]:
    """N and D as arrays of one length."""
    size, tokens = np.broadcast_arrays(np.asarray(N, dtype=np.float64), np.asarray(D, dtype=np.float64))
    return np.atleast_1d(size), np.atleast_1d(tokens)


def _columns(law: Surface) -> Surface:
    """The draws with constants as columns (draws, 1), so that they broadcast against points."""
    return law.draw((slice(None), None))
