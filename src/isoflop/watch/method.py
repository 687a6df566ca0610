"""A method of forecasting the end of a run: the beginning of one curve and finished ones in, a final loss out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from isoflop.watch.curve import Curve


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A final loss, and how sure it is before any errors on finished runs are looked at."""

    log_final: float
    sd: float
    """Standard deviation of `log_final`."""


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


@runtime_checkable
class MethodWithError(Method, Protocol):
    """A method that knows by how much it errs on one run more than on another."""

    def estimate(self, run: Curve, like: Sequence[Curve]) -> Estimate | None:
        """`predicted_final` with its error, in place of `usual_error`."""
        ...


def estimate_by(method: Method, run: Curve, like: Sequence[Curve]) -> Estimate | None:
    """What `method` says about the end of `run`, with its own error or its usual one at this share."""
    if isinstance(method, MethodWithError):
        return method.estimate(run, like)
    predicted = method.predicted_final(run, like)
    if predicted is None:
        return None
    share = max(float(run.share[-1]), _EARLY)
    return Estimate(log_final=math.log(predicted), sd=method.usual_error * math.sqrt(_USUAL_SHARE / share))


_USUAL_SHARE = 0.2
_EARLY = 0.05
"""Share of the schedule below which errors are not taken to grow further: nothing is forecast before it."""
