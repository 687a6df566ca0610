"""What a form would have forecast of later runs from earlier ones, and which rows count in a forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from isoflop.codec import Number, Positive

PROXIMITY = 0.05
"""A row this much above the least loss that its compute has reached counts half in a forecast, which is asked for near
the frontier: rows far from it bend the surface there. docs/forecasts.md has the errors with other values."""


@dataclass(frozen=True, kw_only=True)
class PastForecast:
    """Errors of each form about later runs, fitted to the rows of an earlier origin. Errors are of ln loss."""

    json_also: ClassVar = ("factor",)

    origin_flops: Positive
    """Largest compute that was fitted."""
    target_flops: Positive
    """Geometric mean compute of the later runs."""
    errors: dict[str, Number]
    """{form: mean of ln predicted less ln actual over the later runs, those near their frontier counting most}."""
    variance: Number
    """Variance of such a mean where the form is right: of constants from so few rows, and of the later runs' noise."""
    share: Positive
    """One over the number of targets of its origin: they share their error."""
    span: Positive
    """Largest over smallest compute that was fitted."""

    @property
    def factor(self) -> float:
        """target_flops over origin_flops."""
        return self.target_flops / self.origin_flops
