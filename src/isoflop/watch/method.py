"""A method of forecasting the end of a run: the beginning of one curve and finished ones in, a final loss out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from isoflop.watch.curve import Curve


@dataclass(frozen=True, kw_only=True)
class MethodForecast:
    """The final loss of a run, by one method."""

    predicted_final: float
    """In the unit of the curves."""
    error: float
    """Standard deviation of ln(predicted_final), by the method's own errors on finished runs at this share."""
    interval: tuple[float, float]
    """Where the final loss is expected with the level of the answer."""


class Method(Protocol):
    """A way to the final loss of a run that is under way."""

    @property
    def name(self) -> str:
        """Its key in JSON."""
        ...

    @property
    def usual_error(self) -> float:
        """Standard deviation of ln(predicted / final) that it shows on published curves at a fifth of the schedule."""
        ...

    def predicted_final(self, run: Curve, like: Sequence[Curve]) -> float | None:
        """The final loss of `run`, a curve up to now, from the finished curves `like` (each with a `final`).

        None where the method says nothing: too early, no comparable finished run, no learning rates.
        """
        ...
