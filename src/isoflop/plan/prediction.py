"""The loss to expect at one (N, D), with its interval and how far outside the data it lies."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.codec import JsonObject, to_json
from isoflop.errors import Notice
from isoflop.fit import LEVEL, LossForecast
from isoflop.laws import Provenance
from isoflop.plan.intervals import Interval, check_level, domain_notices, guessing_notices
from isoflop.plan.law_source import AnyLaw, LawSource
from isoflop.units import Quantity, parse_quantity


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
    """The forecast of the fit's forecaster, form by form and with its past error; None without a forecaster."""

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
            "forms": [{"form": form, "loss": loss} for form, loss in forecast.forms.items()] if forecast else [],
            "form_spread": None if forecast is None else forecast.form_spread,
            "lean": None if forecast is None else forecast.bias,
            "backtest_error": None if forecast is None else to_json(forecast.backtest_error),
            "law": to_json(self.law),
            "warnings": to_json(self.notices),
        }


def predict(source: AnyLaw, params: Quantity, tokens: Quantity, *, level: float = LEVEL) -> Prediction:
    """The loss of one run of `params` parameters on `tokens` tokens; with draws, its interval.

    Raises InputError for a size, token count or level out of range, RefusedError where the law has no loss.

    >>> from isoflop.laws import published_law
    >>> round(predict(published_law("besiroglu2024"), 70e9, 1.4e12).loss, 6)
    1.973882
    """
    params, tokens = parse_quantity(params, "params"), parse_quantity(tokens, "tokens")
    check_level(level)
    source = LawSource.of(source)
    law = source.law
    flops = float(source.cost.training_flops(params, tokens))
    forecast = None if source.forecaster is None else source.forecaster.forecast(params, tokens, level)
    loss, interval = (
        source.expected_loss(params, tokens, level) if forecast is None else (forecast.loss, forecast.interval)
    )
    notices = domain_notices(law, params=params, tokens=tokens, flops=flops, has_draws=source.draws is not None)
    notices += guessing_notices(law, loss)
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
    )
