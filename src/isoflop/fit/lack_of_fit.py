"""Lack of fit: whether the signed residuals of a form still trend with size, tokens or their ratio.

Each direction (ln N, ln D, ln D/N, and the square of each) is projected off the tangents of the form's own constants,
and the residuals are regressed on the rest: trend and standard error are then those of a fit with the direction as one
more constant (Frisch and Waugh 1933, Lovell 1963). A standard error is the larger of the classical one and of that
clustered by run (Cameron and Miller 2015), which few runs make too small; all directions share one level (Bonferroni).
A trend that is surely there, but smaller than the difference of two seeds, is no alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array, robust_sd
from isoflop.codec import Count, Number
from isoflop.errors import Notice
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.forms.form import Form
from isoflop.fit.forms.table import CHINCHILLA, FORMS
from isoflop.fit.parametric.resampling_units import resampling_units
from isoflop.fit.significance import ALARM_LEVEL, student_p
from isoflop.units import percent

if TYPE_CHECKING:
    from isoflop.observations import Observations

FEWEST_RUNS = 12
"""With fewer runs nothing is tested: a cluster-robust standard error is then unreliable."""
_DIRECTIONS = 6  # tests of one table
LEAST_SIZE = 5e-4
"""Root mean square over the rows, as a share of the loss, below which a trend is no alarm. Final losses of seeds differ
by about .04 % at 124M parameters, and by more in smaller runs; a surface of another form leaves .3 % in a sweep of 30
runs (bench/fit/false_alarms.md)."""
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
    size: Number | None = None
    """Root mean square over the rows of the stronger of both, as a share of the loss; None in older files."""

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
        """Whether a trend is surely there and large enough to matter."""
        return any(map(self._rings, self.by.values()))

    @property
    def strongest(self) -> str:
        """The quantity of the largest |z| among the trends that are found, or of all where none is."""
        rings = [name for name, trend in self.by.items() if self._rings(trend)]
        return max(rings or self.by, key=lambda name: abs(self.by[name].z))

    def _rings(self, trend: Trend) -> bool:
        return _is_sure(trend, self.runs) and (trend.size is None or trend.size > LEAST_SIZE)

    @property
    def message(self) -> str:
        """One sentence; empty where there is no trend."""
        if not self.found:
            return "" if self.by else f"{self.runs} runs are too few to test the form; {FEWEST_RUNS} are needed"
        name, trend = self.strongest, self.by[self.strongest]
        remedy = f"; the {self.removed_by} form removes it" if self.removed_by else "; no other form here removes it"
        kind = "trend" if trend.se > 0 and abs(trend.slope) >= abs(trend.z * trend.se) * (1 - 1e-9) else "bend"
        worth = "" if trend.size is None else f", {percent(trend.size, 2)} of the loss"
        what = f"{kind} with {_NAMES[name]} (z = {trend.z:+.1f}{worth})"
        return f"the residuals of E + A / N^alpha + B / D^beta {what}{remedy}"

    def notices(self) -> tuple[Notice, ...]:
        """`lack_of_fit` where a trend was found."""
        return (Notice(code="lack_of_fit", message=self.message),) if self.found else ()


def _is_sure(trend: Trend, runs: int) -> bool:
    """Whether a trend is too strong for chance, among the six directions of a table with so many runs."""
    return student_p(trend.z, max(runs - _CONSTANTS, 1)) < ALARM_LEVEL / _DIRECTIONS


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
    silent = (form.name for form in FORMS[1:] if _removes(data, fitted, form, runs, trends.strongest))
    return LackOfFit(by=by, removed_by=next(silent, None), runs=count)


def _removes(data: Observations, fitted: FittedForms, form: Form, runs: NDArray[np.int64], strongest: str) -> bool:
    """Whether the form's residuals are smaller and the strongest trend is gone from them.

    Not whether all are: residuals of a form that is nearly right may have a weak one left.
    """
    after = _trends(data, fitted, form, runs)[strongest]
    spreads = [_clipped(fitted.residuals[each.name]).std() for each in (CHINCHILLA, form)]
    return bool(spreads[1] < spreads[0]) and not _is_sure(after, int(runs.max()) + 1)


def _trends(data: Observations, fitted: FittedForms, form: Form, runs: NDArray[np.int64]) -> dict[str, Trend]:
    x, y = np.log(data.N), np.log(data.D)
    residuals = _clipped(fitted.residuals[form.name])
    basis = np.linalg.qr(form.tangents(fitted.rows, fitted.best[form.name]))[0]
    trends = {}
    for name, values in (("params", x), ("tokens", y), ("tokens_per_param", y - x)):
        centred = values - values.mean()
        slope, se, slope_size = _regressed(centred, residuals, basis, runs)
        bend, bend_se, bend_size = _regressed(centred**2, residuals, basis, runs)
        steeper = se > 0 and (bend_se == 0 or abs(slope / se) >= abs(bend / bend_se))
        size = slope_size if steeper else bend_size
        trends[name] = Trend(slope=slope, se=se, bend=bend, bend_se=bend_se, size=size)
    return trends


def _regressed(direction: Array, residuals: Array, basis: Array, runs: NDArray[np.int64]) -> tuple[float, float, float]:
    """(slope, standard error, root mean square of the trend) on the part of `direction` off the basis; zeros where
    there is none."""
    left = direction - basis @ (basis.T @ direction)
    left -= basis @ (basis.T @ left)  # twice: after one pass the rounding is as large as the part that is sought
    square = float(left @ left)
    if square <= _ABSORBED * float(np.sum((direction - direction.mean()) ** 2)) or square == 0:
        return 0.0, 0.0, 0.0
    slope = float(left @ residuals) / square
    off = residuals - basis @ (basis.T @ residuals) - slope * left
    rows, constants = len(residuals), basis.shape[1] + 1
    free = max(rows - constants, 1)
    clustered = _clustered(np.column_stack([basis, left / np.sqrt(square)]), off, runs)
    classical = float(off @ off) / free
    error = float(np.sqrt(max(clustered, classical) / square))
    return slope, error, abs(slope) * float(np.sqrt(square / rows))


def _clustered(columns: Array, off: Array, runs: NDArray[np.int64]) -> float:
    """Variance, by run, of the coefficient of the last of orthonormal `columns`; `off` are the residuals of their fit.

    Runs of one row each: the sandwich with its factor for small samples. Runs of several: the jackknife over runs, as
    few clusters make that sandwich too small (CR3 of Bell and McCaffrey 2002).
    """
    rows, constants = columns.shape
    clusters = int(runs.max()) + 1
    sums = np.zeros((clusters, constants))
    np.add.at(sums, runs, columns * off[:, None])
    if clusters == rows:
        return float(rows / max(rows - constants, 1) * np.sum(sums[:, -1] ** 2))
    hats = np.zeros((clusters, constants, constants))
    np.add.at(hats, runs, columns[:, :, None] * columns[:, None, :])
    # Coefficients without a run differ by the inverse of what the other runs know, times the run's own scores.
    values, vectors = np.linalg.eigh(np.eye(constants) - hats)
    inverse = (vectors / np.maximum(values, 1e-6)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    moved = np.einsum("gij,gj->gi", inverse, sums)[:, -1]
    return (clusters - 1) / clusters * float(np.sum(moved**2))


def _clipped(residuals: Array) -> Array:
    spread = robust_sd(residuals)
    return np.asarray(np.clip(residuals, -_OUTLIER * spread, _OUTLIER * spread)) if spread > 0 else residuals
