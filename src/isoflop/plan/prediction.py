"""The loss to expect at one (N, D), with its interval and how far outside the data it lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import overload

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import JsonObject, to_json
from isoflop.errors import Notice
from isoflop.faces import face
from isoflop.fit import LEVEL, LossForecast
from isoflop.laws import Provenance
from isoflop.plan.allocation import expected_loss, expected_losses
from isoflop.plan.intervals import Interval, check_level, domain_notices, guessing_notices
from isoflop.plan.law_source import AnyLaw, LawSource
from isoflop.plan.objectives import LimitedData
from isoflop.plan.solver.problem import Problem
from isoflop.plan.solver.remarks import repeated_tokens
from isoflop.plan.three_lines import prediction_lines
from isoflop.quantities import Quantities, are_several, read_quantities
from isoflop.units import Quantity


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The loss that a law predicts for one run."""

    params: float
    """N, in the law's convention."""
    tokens: float
    flops: float
    """Training FLOPs, in the law's convention."""
    loss: float
    """In the law's unit."""
    interval: Interval | None
    """Over the law's draws, and the scatter of single runs where that is known; None without draws."""
    level: float
    extrapolation_factor: float | None
    """FLOPs over the largest that the law was fitted to, at least 1; None when that is not known."""
    law: Provenance
    notices: tuple[Notice, ...]
    forecast: LossForecast | None = None
    """The forecast of the fit's forecaster for fresh text, form by form and with its past error; None without one."""
    unique_tokens: float | None = None
    """Different tokens of the text; None where all are fresh."""

    source: LawSource | None = field(default=None, compare=False)
    """The law that it was made with: what else it says can be asked of it."""

    def __repr__(self) -> str:
        return "\n  ".join(prediction_lines(self))

    def _repr_html_(self) -> str:
        return str(face("answer_html")(self))

    @property
    def epochs(self) -> float | None:
        """Times that the text is read; None where all tokens are fresh."""
        return None if self.unique_tokens is None else self.tokens / self.unique_tokens

    def as_json(self) -> JsonObject:
        """The object that `isoflop predict --json` prints."""
        forecast = self.forecast
        return {
            "params": self.params,
            "tokens": self.tokens,
            "flops": self.flops,
            "loss": self.loss,
            "interval": to_json(self.interval),
            "level": self.level,
            "extrapolation_factor": self.extrapolation_factor,
            "unique_tokens": self.unique_tokens,
            "epochs": self.epochs,
            "forms": [{"form": form, "loss": loss} for form, loss in forecast.forms.items()] if forecast else [],
            "form_spread": None if forecast is None else forecast.form_spread,
            "lean": None if forecast is None else forecast.bias,
            "backtest_error": None if forecast is None else to_json(forecast.backtest_error),
            "law": to_json(self.law),
            "warnings": to_json(self.notices),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """The losses that a law predicts for several runs: arrays of one shape, that of the question."""

    params: Array
    """N, in the law's convention."""
    tokens: Array
    flops: Array
    """Training FLOPs, in the law's convention."""
    loss: Array
    """In the law's unit."""
    interval: tuple[Array, Array] | None
    """(low, high), each of one run; None without draws."""
    level: float
    extrapolation_factor: Array | None
    """FLOPs over the largest that the law was fitted to, at least 1; None when that is not known."""
    law: Provenance
    notices: tuple[Notice, ...]
    """Of the law; where each run lies outside the law's domain is in `extrapolation_factor`."""

    def __len__(self) -> int:
        return len(self.loss)


# To a type checker a text is a sequence of texts, too: the first signature that fits is the right one.
@overload
def predict(  # type: ignore[overload-overlap]
    source: AnyLaw, params: Quantity, tokens: Quantity, *, unique_tokens: Quantity | None = None, level: float = LEVEL
) -> Prediction: ...


@overload
def predict(
    source: AnyLaw,
    params: Quantity | Quantities,
    tokens: Quantity | Quantities,
    *,
    unique_tokens: Quantity | None = None,
    level: float = LEVEL,
) -> Predictions:
    """The losses of several runs."""


def predict(
    source: AnyLaw,
    params: Quantity | Quantities,
    tokens: Quantity | Quantities,
    *,
    unique_tokens: Quantity | None = None,
    level: float = LEVEL,
) -> Prediction | Predictions:
    """The loss of one run of `params` parameters on `tokens` tokens; with draws, its interval.

    Of these tokens `unique_tokens` are different ones, read again and again (Muennighoff et al. 2023); None: all are.

    Of arrays, lists or series of either, which broadcast against each other, the losses of all of them at once.

    Raises InputError for a size, token count or level out of range, RefusedError where the law has no loss.

    >>> from isoflop.laws import published_law
    >>> round(predict(published_law("besiroglu2024"), 70e9, 1.4e12).loss, 6)
    1.973882
    >>> predict("besiroglu2024", ["7B", "70B"], "1.4T").loss.round(3).tolist()
    [2.074, 1.974]
    """
    check_level(level)
    N, D = read_quantities(params, "params"), read_quantities(tokens, "tokens")
    problem = Problem.of(None if unique_tokens is None else LimitedData(unique_tokens=unique_tokens))
    if are_several(params) or are_several(tokens):
        N, D = np.broadcast_arrays(N, D)
        return _predictions(LawSource.of(source), problem, N, D, level)
    return _prediction(LawSource.of(source), problem, float(N), float(D), level)


def _predictions(source: LawSource, problem: Problem, N: Array, D: Array, level: float) -> Predictions:
    """The losses at each (N, D)."""
    flops = np.asarray(source.cost.training_flops(N, D))
    losses, edges = expected_losses(source, problem, N.ravel(), D.ravel(), level)
    most = source.law.provenance.domain.get("flops")
    return Predictions(
        params=N,
        tokens=D,
        flops=flops,
        loss=losses.reshape(N.shape),
        interval=None if edges is None else (edges[:, 0].reshape(N.shape), edges[:, 1].reshape(N.shape)),
        level=level,
        extrapolation_factor=None if most is None else np.maximum(flops / most[1], 1.0),
        law=source.law.provenance,
        notices=source.notices,
    )


def _prediction(source: LawSource, problem: Problem, params: float, tokens: float, level: float) -> Prediction:
    """The loss at one (N, D)."""
    law = source.law
    flops = float(source.cost.training_flops(params, tokens))
    forecast = None if source.forecaster is None else source.forecaster.forecast(params, tokens, level)
    loss: float | None
    interval: Interval | None
    if forecast is None or problem.repeats_tokens:
        loss, interval = expected_loss(source, problem, params, tokens, level)
    else:
        loss, interval = forecast.loss, forecast.interval
    if loss is None:
        loss = float(law.loss(params, tokens))  # which refuses
    notices = domain_notices(law, params=params, tokens=tokens, flops=flops, has_draws=source.draws is not None)
    notices += [*guessing_notices(law, loss), *repeated_tokens(tokens, problem.unique_tokens)]
    return Prediction(
        params=params,
        tokens=tokens,
        flops=flops,
        loss=loss,
        interval=interval,
        level=level,
        extrapolation_factor=law.provenance.extrapolation_factor(flops),
        law=law.provenance,
        notices=(*notices, *(forecast.warnings if forecast else ()), *source.notices),
        forecast=forecast,
        unique_tokens=problem.unique_tokens if problem.repeats_tokens else None,
        source=source,
    )
