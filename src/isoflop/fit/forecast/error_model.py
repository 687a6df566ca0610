"""What past forecasts show about the errors of the next one: trust in each form, their common bias, the error of form
that grows with distance, and the noise of single runs.

The errors of one table's past forecasts are few (a handful of rolling origins), so each quantity starts from a prior
that public data sets give, and the table's own errors update it: the bias as the mean of a normal distribution
(conjugate, known variance), the error of form as the scale of one (scaled inverse chi-squared, whose predictive
distribution is Student's t: Gelman et al. 2013, Bayesian Data Analysis, sections 2.5 and 2.6), the weights as odds of a
mixture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.codec import Number, Positive, renamed
from isoflop.fit.error_scale import posterior_scale
from isoflop.fit.forecast.past_forecast import PROXIMITY, PastForecast
from isoflop.fit.forms.table import FORMS, prior_weights


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What is assumed about the forms before any past forecast of the table at hand."""

    weights: dict[str, float]
    """{form: trust in it}, summing to 1."""
    error: float
    """Error of form in ln loss for a factor e of extrapolation."""
    bias: float
    """Mean of ln predicted less ln actual for a unit of `bias_distance`: losses fall faster than the forms forecast."""
    bias_sd: float
    """Its standard deviation from table to table."""
    count: float
    """Past forecasts that this counts for."""


PUBLIC = Prior(weights=prior_weights(), error=0.005, bias=0.007, bias_sd=0.003, count=10.0)
"""From rolling origins of public data sets. The bias lies between the mean of their five families, .0061, and their
median, .0084. The error of form counts for ten past forecasts, because the few origins of one table say less about it
than all tables together. docs/forecasts.md has each family alone, and the coverage with the bias of the others."""
_NAMES = tuple(form.name for form in FORMS)
BIAS_POWER = 1.5
"""Of the distance, by which the bias grows."""
_SPAN = 6.0
"""ln of the compute that public tables span at their origins, in the middle."""
_TENFOLD = np.log(10.0)
_SEEN = np.log(30.0)
"""Distance up to which past forecasts of public tables show how the bias grows; beyond it, in proportion."""
_ROUNDS = 3  # of weights and bias in turn; a third changes neither by a hundredth
_NEAREST = np.log(2.0)  # distances below this are all noise: taken as this
_TAIL = 3.0  # degrees of freedom of an error's distribution when forms are compared: one wild error decides nothing


@dataclass(frozen=True, kw_only=True)
class ErrorModel:
    """Weights of the forms, and the errors of their mixture per e-fold of extrapolation."""

    __pydantic_config__: ClassVar = renamed(dof="freedom", bias="lean", bias_sd="lean_sd", bias_power="lean_power")

    weights: dict[str, Number]
    """{form: weight}, summing to 1."""
    form_error: Number
    """Scale of the error in ln loss for a factor e beyond the rows; it grows as ln of the factor."""
    dof: Positive
    """Degrees of freedom of that scale."""
    bias: Number = 0.0
    """Mean of ln predicted less ln actual for a unit of `bias_distance`: forecasts are lowered by it."""
    bias_sd: Number = 0.0
    """Its standard deviation."""
    bias_power: Number = 1.0
    """Power of the distance by which the bias grows. Fits of 0.1.0 do not say it, and mean 1."""
    span_power: Number = 0.5
    """Power of 6 over ln of the fitted span of compute by which distances count more. Fits of 0.1.0 mean .5."""

    def mixed(self, values: Mapping[str, ArrayLike]) -> Array:
        """The weighted mean of {form: values}."""
        return np.asarray(sum(self.weights[form] * np.asarray(values[form]) for form in _NAMES))


def fit_error_model(past: tuple[PastForecast, ...], prior: Prior = PUBLIC) -> ErrorModel:
    """The error model of past forecasts; of none, the prior.

    Bias: a line through the origin of the mixture's errors against `bias_distance`, under the prior's normal. Weights:
    the prior times the likelihood of each form's errors, less the bias, under Student's t. Error of form: what the
    mixture's errors show beyond bias and variance, per e-fold; the prior counts as `count` more forecasts.
    """
    distance = np.array([forecast_distance(item) for item in past])
    lever = bias_distance(distance)
    share = np.array([item.share for item in past])
    variance = np.array([item.variance for item in past])
    errors = {form: np.array([item.errors[form] for item in past]) for form in _NAMES}
    # How far an error may be from the bias where the form is as wrong as forms are: its noise and the error of form.
    scale = variance + (prior.error * distance) ** 2
    # Weighted least squares through the origin, the prior's normal as one more observation of the slope. Precision
    # weights, because errors that are known well and came from far say more about the bias.
    precision = share / np.maximum(scale, 1e-300)
    weights, mixed, bias = prior.weights, np.zeros(len(past)), prior.bias
    information = prior.bias_sd**-2 + float(np.sum(precision * lever**2))
    for _ in range(_ROUNDS):  # weights and bias each take the other as known
        weights = _weights(errors, bias * lever, scale, share, prior)
        mixed = sum((weights[form] * errors[form] for form in _NAMES), np.zeros(len(past)))
        bias = (prior.bias / prior.bias_sd**2 + float(np.sum(precision * lever * mixed))) / information
    form_error, count = posterior_scale(
        mixed - bias * lever, variance, distance, share, prior=prior.error, count=prior.count
    )
    return ErrorModel(
        weights=weights,
        form_error=form_error,
        dof=count + 1.0,
        bias=bias,
        bias_sd=float(information**-0.5),
        bias_power=BIAS_POWER,
        span_power=0.0,
    )


def forecast_distance(item: PastForecast) -> float:
    """Distance of a past forecast: ln of its factor of compute."""
    return float(max(np.log(item.factor), _NEAREST))


def growth_with_range(span: float, power: float) -> float:
    """How much more a distance counts beyond rows whose compute spans a factor `span` than beyond e^6.

    1 with power 0, that of today's fits: bench/fit/span.md.
    """
    return float((_SPAN / max(np.log(span), 1.0)) ** power)


def bias_distance(distance: ArrayLike, power: float = BIAS_POWER) -> Array:
    """By what the bias grows: a distance to a power, scaled so that ten times the compute counts as its ln.

    The error of a curve that is bent otherwise than its form grows faster than the distance. Over past forecasts of
    public tables the mean error per unit of this measure is the same from 2 to 30 times the compute; per e-fold it
    doubles (docs/forecasts.md).

    >>> [round(float(x), 2) for x in bias_distance(np.log([2.0, 10.0, 30.0]))]
    [0.38, 2.3, 4.13]
    """
    away = np.asarray(distance, dtype=np.float64)
    return np.asarray(away * (np.minimum(np.maximum(away, 0.0), _SEEN) / _TENFOLD) ** (power - 1.0))


def _weights(errors: Mapping[str, Array], bias: Array, scale: Array, share: Array, prior: Prior) -> dict[str, float]:
    """{form: weight}: prior times likelihood, under Student's t so that one wild error does not decide."""
    logs = np.array([np.log(prior.weights[form]) for form in _NAMES])
    for number, form in enumerate(_NAMES):
        squares = (errors[form] - bias) ** 2 / scale
        logs[number] -= float(np.sum(share * (_TAIL + 1) / 2 * np.log1p(squares / _TAIL)))
    odds = np.exp(logs - logs.max())
    return {form: float(odd) for form, odd in zip(_NAMES, odds / odds.sum(), strict=True)}


_KNOTS = np.array([0.0, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8])
_CONSTANTS = 6  # of the largest form
_FEWEST_DOF = 3.0  # below it Student's t has no variance


@dataclass(frozen=True, kw_only=True)
class RunNoise:
    """Standard deviation of one run's ln loss about the fits, against its excess over the frontier.

    Heteroscedastic: runs near the frontier scatter less than runs far from it, where the forms fit worse too.
    """

    __pydantic_config__: ClassVar = renamed(dof="freedom")

    excess: tuple[Number, ...]
    """Knots: ln of the loss over the least loss of that compute."""
    sd: tuple[Number, ...]
    """Standard deviation of ln loss at the knots."""
    dof: Number
    """Degrees of freedom near the frontier, at least 3."""

    @classmethod
    def of(cls, excess: Array, residuals: Array, weights: Array, shares: Array) -> RunNoise:
        """The scatter of `residuals` (rows,), around each knot those of similar excess counting most.

        `weights` are those of the fit, which took the degrees of freedom; `shares` those of the rows' compute.
        """
        # A kernel with quadratic tails, squared: a far row's lack of fit is many times a near row's noise, so that one
        # per cent of its square would still decide the scatter near the frontier.
        kernel = shares / (1.0 + ((excess - _KNOTS[:, None]) / PROXIMITY) ** 2) ** 2
        spread = np.sqrt(kernel @ residuals**2 / kernel.sum(axis=1))
        # Kish's effective number of rows: what weighted rows are worth in rows of equal weight.
        rows = float(weights.sum() ** 2 / np.sum(weights**2))
        dof = max(rows - _CONSTANTS, 0.25 * rows)
        return cls(
            excess=tuple(_KNOTS.tolist()),
            sd=tuple((spread * np.sqrt(rows / dof)).tolist()),
            dof=max(dof, _FEWEST_DOF),
        )

    def at(self, excess: Array) -> Array:
        """Standard deviation at each excess; beyond the last knot that of the last."""
        return np.asarray(np.interp(excess, self.excess, self.sd))
