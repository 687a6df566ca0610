"""The loss of a run not yet done, with an interval that has been held against past forecasts of the same data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.budgets import budget_labels, is_isoflop_design
from isoflop.fit.checks import strata
from isoflop.fit.logquadratic import LogQuadratic, fit_log_quadratic
from isoflop.fit.parametric import fit_parametric
from isoflop.fit.resample import resample_weights
from isoflop.fit.result import CONSTANTS, LEVEL, Fit
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost
from isoflop.observations import Observations

Array = NDArray[np.float64]

# One draw in four: alone the second form errs by up to 35 % far out, without it nothing stands for errors of form.
_SECOND_FORM = 0.25
_MOST_DRAWS = 1000
_ORIGIN_DRAWS = 300
_LEAST_INFLATION, _MOST_INFLATION = 1.0, 4.0
_FEWEST_ORIGIN_BUDGETS = 3
_ORIGIN_FACTORS = (30.0, 10.0, 3.0)  # fit up to C/30, C/10, C/3 where the runs have no budgets
_NEAR_FRONTIER = np.log(4.0)
_FAR = 10.0


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a run is expected to score."""

    loss: float
    """Point forecast, in the fit's loss unit."""
    interval: tuple[float, float]
    """Where one run's loss falls with probability `level`."""
    level: float
    """Probability of `interval`."""
    extrapolation_factor: float
    """Compute over the largest compute the fit has seen; 1 inside."""
    warnings: tuple[Notice, ...] = ()
    """What to know before trusting it."""

    def as_json(self) -> dict[str, Any]:
        """{loss, interval, level, extrapolation_factor, warnings}."""
        return {
            "loss": self.loss,
            "interval": list(self.interval),
            "level": self.level,
            "extrapolation_factor": self.extrapolation_factor,
            "warnings": [notice.as_json() for notice in self.warnings],
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecaster:
    """Draws of two forms, the noise of one run, and how far past forecasts of these data erred."""

    draws: ChinchillaLaw
    """Resampled constants of approach 3."""
    second: LogQuadratic
    """Resampled log-quadratics."""
    noise: float
    """Standard deviation of one run's ln loss about the fitted law."""
    freedom: int
    """Degrees of freedom of `noise`."""
    inflation: float
    """Factor on the spread of the draws that past errors call for, at least 1."""
    past: tuple[dict[str, float], ...] = ()
    """Past forecasts: {origin_flops, target_flops, factor, error, sd}, error = predicted over actual less 1."""
    cost: ComputeCost = SIX_N
    """FLOPs per token against N."""
    flops: tuple[float, float] = (0.0, 0.0)
    """Smallest and largest compute of the rows."""
    seed: int = 0
    """Of the noise draws: the same question gets the same answer."""

    def as_json(self) -> dict[str, Any]:
        """All but the draws, which `arrays` has."""
        return {
            "noise": self.noise,
            "freedom": self.freedom,
            "inflation": self.inflation,
            "past": [dict(item) for item in self.past],
            "second": {"centre": list(self.second.centre), "scale": list(self.second.scale)},
            "flops": list(self.flops),
            "seed": self.seed,
        }

    def arrays(self) -> dict[str, Array]:
        """{"forecast": draws of approach 3 (draws, 5), "forecast_second": of the second form (draws, 6)}."""
        first = np.stack([np.asarray(getattr(self.draws, name)) for name in CONSTANTS["parametric"]], axis=1)
        return {"forecast": first, "forecast_second": self.second.coefficients}

    @classmethod
    def from_json(cls, data: dict[str, Any], arrays: Mapping[str, Array], cost: ComputeCost) -> Forecaster:
        """The forecaster that `as_json` and `arrays` wrote."""
        columns: dict[str, Any] = dict(zip(CONSTANTS["parametric"], arrays["forecast"].T, strict=True))
        centre, scale = data["second"]["centre"], data["second"]["scale"]
        return cls(
            draws=ChinchillaLaw(**columns),
            second=LogQuadratic(
                coefficients=arrays["forecast_second"], centre=(centre[0], centre[1]), scale=(scale[0], scale[1])
            ),
            noise=float(data["noise"]),
            freedom=int(data["freedom"]),
            inflation=float(data["inflation"]),
            past=tuple(data["past"]),
            cost=cost,
            flops=(float(data["flops"][0]), float(data["flops"][1])),
            seed=int(data["seed"]),
        )

    def log_draws(self, N: ArrayLike, D: ArrayLike) -> Array:
        """ln of the expected loss, (draws, points), forms mixed, before inflation and noise."""
        size, tokens = np.atleast_1d(np.asarray(N, float)), np.atleast_1d(np.asarray(D, float))
        columns: dict[str, Any] = {
            k: np.asarray(getattr(self.draws, k))[:, None] for k in ("E", "A", "B", "alpha", "beta")
        }
        first = np.log(ChinchillaLaw(**columns).loss(size, tokens))
        second = self.second.log_loss(size, tokens)
        return np.concatenate([first, second])

    def point(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Point forecast of the loss at each (N, D): the median of the Chinchilla draws.

        The median over resamples is steadier than the single best fit where E is not identified.
        """
        return np.exp(np.median(self.log_draws(N, D)[: np.size(self.draws.E)], axis=0))

    def interval(self, N: ArrayLike, D: ArrayLike, level: float = LEVEL, *, runs: float = 1.0) -> Array:
        """(points, 2): where the mean loss of `runs` runs at each (N, D) falls with probability `level`.

        runs = inf leaves the noise out: an interval for the expected loss.
        """
        centre = np.log(self.point(N, D))
        spread = self.inflation * (self.log_draws(N, D) - centre)
        rng = np.random.default_rng(self.seed)
        noise = self.noise / np.sqrt(runs) * rng.standard_t(max(self.freedom, 3), size=(len(spread), 1))
        edges = np.quantile(spread + noise, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return np.asarray(np.exp(centre + edges).T)

    def sd(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Spread of ln of the expected loss at each (N, D), as a standard deviation robust against wild draws."""
        low, high = np.quantile(self.log_draws(N, D), [0.05, 0.95], axis=0)
        return np.asarray((high - low) / (2 * 1.645))


def build_forecaster(
    observations: Observations, fit: Fit, *, cost: ComputeCost = SIX_N, seed: int = 0, past: bool = True
) -> Forecaster:
    """The forecaster of an approach-3 fit to `observations`. Raises RefusedError where the fit has no draws.

    With `past` the same data are fitted up to each earlier compute and the later runs forecast; the spread of the draws
    is widened until those errors are ordinary (methods as in split-conformal prediction, with one score a forecast).
    """
    fit.require()
    if not isinstance(fit.draws, ChinchillaLaw):
        raise RefusedError("no_draws", "a forecast needs a parametric fit with draws")
    data = observations.finals()
    rng = np.random.default_rng(seed)
    count = min(_MOST_DRAWS, np.size(fit.draws.E))
    chosen = np.linspace(0, np.size(fit.draws.E) - 1, count).astype(int)
    seconds = max(20, round(count * _SECOND_FORM / (1 - _SECOND_FORM)))
    weights = resample_weights(data, strata(data), seconds, rng)
    errors = _past_errors(data, cost, seed) if past else ()
    return Forecaster(
        draws=fit.draws.draw(chosen),
        second=fit_log_quadratic(data.N, data.D, data.loss, weights),
        noise=float(fit.details["residual_sd"]),
        freedom=max(1, len(data) - 5),
        inflation=_inflation(errors),
        past=errors,
        cost=cost,
        flops=(float(data.C.min()), float(data.C.max())),
        seed=seed,
    )


def predict(forecaster: Forecaster, N: float, D: float, level: float = LEVEL) -> Forecast:
    """The loss of one run of N parameters and D tokens, with the interval that holds it with probability `level`."""
    loss = float(forecaster.point(N, D)[0])
    low, high = (float(edge) for edge in forecaster.interval(N, D, level)[0])
    factor = max(1.0, float(D * forecaster.cost.flops_per_token(N)) / forecaster.flops[1])
    warnings = []
    if factor > _FAR:
        text = f"{factor:.3g} times the largest compute of the fit: errors of form grow beyond {_FAR:g} times"
        warnings.append(Notice(code="far_extrapolation", message=text))
    if not forecaster.past:
        text = "too few budgets to hold the forecast against past ones: the interval knows no error of form but one"
        warnings.append(Notice(code="no_past_forecasts", message=text))
    elif factor > 1.05:
        nearest = min(forecaster.past, key=lambda item: abs(np.log(item["factor"] / factor)))
        text = f"a past forecast of these data, at {nearest['factor']:.3g} times, erred by {nearest['error']:+.2%}"
        warnings.append(Notice(code="past_error", message=text))
    return Forecast(loss=loss, interval=(low, high), level=level, extrapolation_factor=factor, warnings=tuple(warnings))


def _past_errors(data: Observations, cost: ComputeCost, seed: int) -> tuple[dict[str, float], ...]:
    """Forecasts of later compute from each earlier origin, one number a (origin, later budget)."""
    labels = budget_labels(data)
    if is_isoflop_design(labels):
        numbers = np.unique(labels[labels >= 0])
        origins = [labels <= last for last in numbers[_FEWEST_ORIGIN_BUDGETS - 1 : -1]]
        targets = [labels == label for label in numbers]
    else:
        top = data.C.max()
        cuts = [top / factor for factor in _ORIGIN_FACTORS]
        origins = [np.less_equal(data.C, cut) for cut in cuts]
        later = list(zip(cuts, [*cuts[1:], top], strict=True))
        targets = [np.greater(data.C, low) & np.less_equal(data.C, high) for low, high in later]
    past = []
    for origin in origins:
        train = data.select(origin & ((labels >= 0) | (not is_isoflop_design(labels))))
        try:
            fit = fit_parametric(train, cost=cost, draws=_ORIGIN_DRAWS, seed=seed)
            early = build_forecaster(train, fit, cost=cost, seed=seed, past=False)
        except RefusedError:
            continue  # too early an origin: nothing could have been forecast from it
        for target in targets:
            beyond = target & ~origin
            if beyond.any() and data.C[beyond].min() > train.C.max():
                past.append(_error(data.select(beyond), early))
    return tuple(past)


def _error(later: Observations, early: Forecaster) -> dict[str, float]:
    """Mean error over the rows near the frontier: that is where forecasts are asked for."""
    target = float(np.exp(np.log(later.C).mean()))
    best = np.log(later.N) - np.log(later.N[np.argmin(later.loss)])
    near = later.select(np.abs(best) <= _NEAR_FRONTIER)
    errors = np.log(early.point(near.N, near.D)) - np.log(near.loss)
    model = float(np.median(early.sd(near.N, near.D)))
    return {
        "origin_flops": early.flops[1],
        "target_flops": target,
        "factor": target / early.flops[1],
        "error": float(np.expm1(errors.mean())),
        "sd": float(np.hypot(model, early.noise / np.sqrt(len(near)))),
    }


def _inflation(past: tuple[dict[str, float], ...]) -> float:
    """Root mean square of past errors over their predicted spread, one prior forecast of score 1 among them."""
    if not past:
        return 1.0
    scores = [(np.log1p(item["error"]) / item["sd"]) ** 2 for item in past]
    return float(np.clip(np.sqrt((1.0 + sum(scores)) / (1 + len(scores))), _LEAST_INFLATION, _MOST_INFLATION))
