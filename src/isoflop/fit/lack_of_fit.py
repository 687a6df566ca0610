"""Lack of fit: whether the signed residuals of a form still trend with size, tokens or their ratio.

Each direction (ln N, ln D, ln D/N, and the square of each) is projected off the tangents of the form's own constants,
and the residuals are regressed on the rest: trend and standard error are then those of a fit with the direction as one
more constant (Frisch and Waugh 1933, Lovell 1963). Standard errors are clustered by run (Cameron and Miller 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array, robust_sd
from isoflop.codec import Count, Number
from isoflop.errors import Notice
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.forms.form import Form
from isoflop.fit.forms.table import CHINCHILLA, FORMS
from isoflop.fit.parametric.resampling_units import resampling_units
from isoflop.observations import Observations

FEWEST_RUNS = 12
"""With fewer runs nothing is tested: a cluster-robust standard error is then unreliable."""
_ALARM = 2.7  # |z| of six correlated directions: passed by 1 to 11 % of right forms, bench/fit/lack_of_fit.md
_ALARM_FEW = 3.0  # a clustered standard error from few runs varies itself: the alarm rises by this share over runs
_CONSTANTS = max(len(form.constants) for form in FORMS)
_OUTLIER = 3.0  # residuals count up to so many robust standard deviations: five bad runs are no trend
_ABSORBED = 1e-3  # share of a direction's variance below which the form has taken all of it
_NAMES = {"params": "N", "tokens": "D", "tokens_per_param": "D / N"}


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Trend of ln loss with a direction beyond the form."""

    json_also: ClassVar = ("z",)

    slope: Number
    """d ln loss / d ln of the quantity."""
    se: Number
    """Its standard error, clustered by run; 0 where the form has absorbed the direction."""
    bend: Number
    """Coefficient of the squared logarithm."""
    bend_se: Number
    """Its standard error, clustered by run; 0 where the form has absorbed the direction."""

    @property
    def z(self) -> float:
        """The larger of slope / se and bend / bend_se in size, with its sign; 0 where both are absorbed."""
        scores = [value / se for value, se in ((self.slope, self.se), (self.bend, self.bend_se)) if se > 0]
        return max(scores, key=abs, default=0.0)


@dataclass(frozen=True, kw_only=True)
class LackOfFit:
    """Trends in the residuals of the Chinchilla form."""

    json_also: ClassVar = ("found", "message")

    by: dict[str, Trend]
    """{"params" | "tokens" | "tokens_per_param": trend}; empty where there are too few runs."""
    removed_by: str | None
    """The form whose residuals lack the strongest trend; None where there is no trend, or no form removes it."""
    runs: Count
    """Number of runs tested."""

    @property
    def found(self) -> bool:
        """Whether a trend lies beyond the alarm."""
        return any(abs(trend.z) > alarm(self.runs) for trend in self.by.values())

    @property
    def message(self) -> str:
        """One sentence; empty where there is no trend."""
        if not self.found:
            return "" if self.by else f"{self.runs} runs are too few to test the form; {FEWEST_RUNS} are needed"
        name, trend = max(self.by.items(), key=lambda item: abs(item[1].z))
        remedy = f"; the {self.removed_by} form removes it" if self.removed_by else "; no other form here removes it"
        kind = "trend" if trend.se > 0 and abs(trend.slope) >= abs(trend.z * trend.se) * (1 - 1e-9) else "bend"
        return f"the residuals of E + A / N^alpha + B / D^beta {kind} with {_NAMES[name]} (z = {trend.z:+.1f}){remedy}"

    def notices(self) -> tuple[Notice, ...]:
        """`lack_of_fit` where a trend was found."""
        return (Notice(code="lack_of_fit", message=self.message),) if self.found else ()


def alarm(runs: int) -> float:
    """|z| beyond which a trend is called one, of a table with so many runs."""
    return _ALARM * (1 + _ALARM_FEW / max(runs - _CONSTANTS, 1))


def lack_of_fit(data: Observations, fitted: FittedForms) -> LackOfFit:
    """Whether the residuals of the Chinchilla form trend, and the first other form that removes the strongest trend."""
    units = resampling_units(data)
    runs, count = units.unit, units.count
    if count < FEWEST_RUNS:
        return LackOfFit(by={}, removed_by=None, runs=count)
    by = _trends(data, fitted, CHINCHILLA, runs)
    trends = LackOfFit(by=by, removed_by=None, runs=count)
    if not trends.found:
        return trends
    strongest = max(by, key=lambda name: abs(by[name].z))
    silent = (form.name for form in FORMS[1:] if _removes(data, fitted, form, runs, strongest))
    return LackOfFit(by=by, removed_by=next(silent, None), runs=count)


def _removes(data: Observations, fitted: FittedForms, form: Form, runs: NDArray[np.int64], strongest: str) -> bool:
    """Whether the form's residuals are smaller and the strongest trend is gone from them.

    Not whether all are: of the six directions of a right form one in ten tables has some beyond the alarm.
    """
    after = _trends(data, fitted, form, runs)[strongest]
    spreads = [_clipped(fitted.residuals[each.name]).std() for each in (CHINCHILLA, form)]
    return bool(spreads[1] < spreads[0]) and abs(after.z) <= alarm(int(runs.max()) + 1)


def _trends(data: Observations, fitted: FittedForms, form: Form, runs: NDArray[np.int64]) -> dict[str, Trend]:
    x, y = np.log(data.N), np.log(data.D)
    residuals = _clipped(fitted.residuals[form.name])
    basis = np.linalg.qr(form.tangents(fitted.rows, fitted.best[form.name]))[0]
    trends = {}
    for name, values in (("params", x), ("tokens", y), ("tokens_per_param", y - x)):
        centred = values - values.mean()
        slope, se = _regressed(centred, residuals, basis, runs)
        bend, bend_se = _regressed(centred**2, residuals, basis, runs)
        trends[name] = Trend(slope=slope, se=se, bend=bend, bend_se=bend_se)
    return trends


def _regressed(direction: Array, residuals: Array, basis: Array, runs: NDArray[np.int64]) -> tuple[float, float]:
    """(slope, standard error) on the part of `direction` off the basis; (0, 0) where there is none."""
    left = direction - basis @ (basis.T @ direction)
    left -= basis @ (basis.T @ left)  # twice: after one pass the rounding is as large as the part that is sought
    square = float(left @ left)
    if square <= _ABSORBED * float(np.sum((direction - direction.mean()) ** 2)) or square == 0:
        return 0.0, 0.0
    slope = float(left @ residuals) / square
    off = residuals - basis @ (basis.T @ residuals) - slope * left
    scores = np.bincount(runs, weights=left * off)
    clusters = len(scores)
    # Small-sample factors of a clustered sandwich: clusters, and the constants that were fitted.
    rows, constants = len(residuals), basis.shape[1] + 1
    factor = clusters / (clusters - 1) * (rows - 1) / max(rows - constants, 1)
    return slope, float(np.sqrt(factor * np.sum(scores**2)) / square)


def _clipped(residuals: Array) -> Array:
    spread = robust_sd(residuals)
    return np.asarray(np.clip(residuals, -_OUTLIER * spread, _OUTLIER * spread)) if spread > 0 else residuals
