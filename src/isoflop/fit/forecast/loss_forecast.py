"""The forecast of one run's loss as a value, and what to know before trusting it."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.codec import JsonObject, to_json
from isoflop.errors import Notice
from isoflop.units import format_number, percent

_FAR = 10.0
_BEYOND = 1.05  # times the largest compute, from where a prediction counts as an extrapolation


@dataclass(frozen=True, kw_only=True)
class PastError:
    """How a past forecast went."""

    factor: float
    """Compute of its later runs over the largest that it was fitted to."""
    error: float
    """Predicted over actual loss, less 1."""


@dataclass(frozen=True, kw_only=True)
class LossForecast:
    """The expected loss of one run."""

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
    bias: float
    """Share by which the forms' mixture was lowered: beyond their rows forms forecast too high a loss."""
    backtest_error: PastError | None
    """The past forecast of these runs nearest in factor; None where there is none."""
    warnings: tuple[Notice, ...] = ()
    """What to know before trusting it."""

    def as_json(self) -> JsonObject:
        """{loss, interval, level, extrapolation_factor, forms, form_spread, lean, backtest_error, warnings}; the bias
        stands under `lean`."""
        return {
            "loss": self.loss,
            "interval": list(self.interval),
            "level": self.level,
            "extrapolation_factor": self.extrapolation_factor,
            "forms": [{"form": form, "loss": loss} for form, loss in self.forms.items()],
            "form_spread": self.form_spread,
            "lean": self.bias,
            "backtest_error": to_json(self.backtest_error),
            "warnings": to_json(self.warnings),
        }


def extrapolation_warnings(factor: float, error: PastError | None) -> tuple[Notice, ...]:
    """What to know about a forecast at `factor` times the compute of the rows, the nearest past one having gone so."""
    warnings = []
    if factor > _FAR:
        text = (
            f"{format_number(factor)} times the largest compute of the fit: errors of form grow beyond "
            f"{format_number(_FAR)} times"
        )
        warnings.append(Notice(code="far_extrapolation", message=text))
    if error is None:
        text = "too few budgets for a past forecast: the error of form in this interval is that of public data sets"
        warnings.append(Notice(code="no_past_forecasts", message=text))
    elif factor > _BEYOND:
        erred = percent(error.error, 2, sign=True)
        text = f"a past forecast of these data, at {format_number(error.factor)} times, erred by {erred}"
        warnings.append(Notice(code="past_error", message=text))
    return tuple(warnings)
