"""What past forecasts say: how much to trust each form, and how fast the error of form grows with distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.fit.forecast.rolling_origin import PastForecast
from isoflop.fit.forms.table import FORMS, prior_weights

Array = NDArray[np.float64]
_NAMES = tuple(form.name for form in FORMS)


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What is held of forms before any past forecast of one's own."""

    weights: dict[str, float]
    """{form: trust in it}, summing to 1."""
    error: float
    """Error of form in ln loss for a factor e of extrapolation, from rows that span a factor e^6 of compute."""
    lean: float
    """Mean of ln predicted less ln actual for a factor e: losses fall faster than the forms say."""
    lean_sd: float
    """Its standard deviation from table to table."""
    count: float
    """Past forecasts that this counts for."""


PUBLIC = Prior(
    weights=prior_weights(),
    error=0.005,
    lean=0.004,
    lean_sd=0.003,
    count=3.0,
)
"""From rolling origins of public data sets, and of small studies of our own, whose losses fall faster than the forms
say; docs/forecasts.md has what the families of public sets say when one of them is left out."""
_SPAN = 6.0
"""ln of the compute that public tables span at their origins, in the middle."""
_ROUNDS = 3  # of weights and lean in turn; a third changes neither by a hundredth
_NEAREST = np.log(2.0)  # distances below this are all noise: taken as this
_TAIL = 3.0  # degrees of freedom of an error's distribution when forms are compared: one wild error decides nothing


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Weights of forms, and the error of form per e-fold of extrapolation."""

    weights: dict[str, float]
    """{form: weight}, summing to 1."""
    form_error: float
    """Scale of the error in ln loss for a factor e beyond rows that span e^6; it grows as ln of the factor."""
    freedom: float
    """Degrees of freedom of that scale."""
    lean: float = 0.0
    """Mean of ln predicted less ln actual for a factor e: forecasts are lowered by it."""
    lean_sd: float = 0.0
    """Its standard deviation."""

    def mixed(self, values: Mapping[str, ArrayLike]) -> Any:
        """The weighted mean of {form: values}."""
        return sum(self.weights[form] * np.asarray(values[form]) for form in _NAMES)

    def as_json(self) -> dict[str, Any]:
        """{weights, form_error, freedom, lean, lean_sd}."""
        return {**self.__dict__, "weights": dict(self.weights)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Judgement:
        """What `as_json` wrote."""
        numbers = {name: float(data[name]) for name in ("form_error", "freedom", "lean", "lean_sd")}
        return cls(weights=dict(data["weights"]), **numbers)


def steepness(span: float) -> float:
    """How much faster the error of form grows beyond rows whose compute spans a factor `span` than beyond e^6.

    As the root of what they lack of it: a choice that bench/fit/span.md bears out. Per e-fold, root mean square over
    past forecasts of public tables: 1.3 % from spans of e^3.5 to e^4.5, 1.1 % to e^6, 0.9 % beyond (three forecasts
    of one table from less than e^3.5 erred by 0.6 %); of five-budget studies on one machine, below e^2.4: 1.5 %.
    """
    return float(np.sqrt(_SPAN / max(np.log(span), 1.0)))


def judge(past: tuple[PastForecast, ...], prior: Prior = PUBLIC) -> Judgement:
    """The judgement of past forecasts; of none, the prior.

    Lean: a line through the origin of the mixture's errors against distance, under the prior's normal. Weights: the
    prior times the likelihood of each form's errors, less the lean, under Student's t. Error of form: the mean square
    of what the mixture's errors leave beyond lean and variance, per e-fold; the prior counts as `count` more forecasts.
    """
    distance = np.array([item_distance(item) for item in past])
    share = np.array([item.share for item in past])
    variance = np.array([item.variance for item in past])
    errors = {form: np.array([item.errors[form] for item in past]) for form in _NAMES}
    scale = variance + (prior.error * distance) ** 2
    precision = share / np.maximum(scale, 1e-300)
    weights, mixed, lean = prior.weights, np.zeros(len(past)), prior.lean
    information = prior.lean_sd**-2 + float(np.sum(precision * distance**2))
    for _ in range(_ROUNDS):  # weights and lean each take the other as known
        weights = _weights(errors, lean * distance, scale, share, prior)
        mixed = sum((weights[form] * errors[form] for form in _NAMES), np.zeros(len(past)))
        lean = (prior.lean / prior.lean_sd**2 + float(np.sum(precision * distance * mixed))) / information
    excess = np.maximum((mixed - lean * distance) ** 2 - variance, 0.0) / distance**2
    count = prior.count + float(share.sum())
    square = (prior.count * prior.error**2 + float(share @ excess)) / count
    return Judgement(
        weights=weights,
        form_error=float(np.sqrt(square)),
        freedom=count + 1.0,
        lean=lean,
        lean_sd=float(information**-0.5),
    )


def item_distance(item: PastForecast) -> float:
    """How far a past forecast went: ln of its factor of compute, more where its rows spanned little."""
    return float(max(np.log(item.factor), _NEAREST) * steepness(item.span))


def _weights(errors: Mapping[str, Array], lean: Array, scale: Array, share: Array, prior: Prior) -> dict[str, float]:
    logs = np.array([np.log(prior.weights[form]) for form in _NAMES])
    for number, form in enumerate(_NAMES):
        squares = (errors[form] - lean) ** 2 / scale
        logs[number] -= float(np.sum(share * (_TAIL + 1) / 2 * np.log1p(squares / _TAIL)))
    odds = np.exp(logs - logs.max())
    return {form: float(odd) for form, odd in zip(_NAMES, odds / odds.sum(), strict=True)}
