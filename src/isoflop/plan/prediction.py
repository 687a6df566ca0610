"""The loss to expect of one (N, D), with its interval and how far outside the data it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.fit import LossForecast
from isoflop.laws import Law, Provenance
from isoflop.plan.intervals import DEFAULT_LEVEL, Interval, check_level, domain_notices, guessing_notices
from isoflop.plan.law_source import LawSource


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a law says about one run."""

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
    said: LossForecast | None = None
    """What the fit's forecaster said, form by form and with its past error; None where there is none."""

    def as_json(self) -> dict[str, Any]:
        """The object that `isoflop predict --json` prints."""
        return {
            "params": self.params,
            "tokens": self.tokens,
            "flops": self.flops,
            "loss": self.loss,
            "interval": None if self.interval is None else list(self.interval),
            "level": self.level,
            "extrapolation_factor": self.extrapolation_factor,
            "forms": [] if self.said is None else self.said.as_json()["forms"],
            "form_spread": None if self.said is None else self.said.form_spread,
            "lean": None if self.said is None else self.said.lean,
            "backtest_error": None if self.said is None else self.said.backtest_error,
            "law": self.law.as_json(),
            "warnings": [notice.as_json() for notice in self.notices],
        }


def predict(source: LawSource | Law, params: float, tokens: float, *, level: float = DEFAULT_LEVEL) -> Prediction:
    """The loss of one run of `params` parameters on `tokens` tokens; with draws, its interval.

    Raises InputError for a size, token count or level that is none, RefusedError where the law has no loss.

    >>> from isoflop.laws import published_law
    >>> round(predict(published_law("besiroglu2024"), 70e9, 1.4e12).loss, 6)
    1.973882
    """
    for what, value in (("params", params), ("tokens", tokens)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{what}: expected a positive number, got {value!r}")
    check_level(level)
    origin = source if isinstance(source, LawSource) else LawSource(law=source)
    law, draws = origin.law, origin.draws
    flops = float(origin.cost.flops_per_token(params)) * tokens
    said = None if origin.forecaster is None else origin.forecaster.forecast(params, tokens, level)
    loss, interval = (said.loss, said.interval) if said else origin.expected_loss(params, tokens, level)
    notices = domain_notices(law, params=params, tokens=tokens, flops=flops, has_draws=draws is not None)
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
        notices=(*notices, *(said.warnings if said else ()), *origin.notices),
        said=said,
    )
