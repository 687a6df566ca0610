"""What fits and forecasts need of a functional form of the loss surface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import JsonObject
from isoflop.fit.parametric.newton import Slopes, descend
from isoflop.fit.parametric.objective import HuberObjective, huber
from isoflop.laws import Provenance, RepeatedLaw
from isoflop.laws.law import FITTED, Surface

if TYPE_CHECKING:
    from isoflop.observations import Observations

Centre = tuple[float, float]
"""(mean of ln N, mean of ln D) of the rows that a law was fitted to, where its constants are about that point."""

_STEP = 1e-5  # of central differences: their error is 1e-10 of a slope
_TIGHT = 1e-14  # share of the objective that a step must promise for another to follow


@dataclass(frozen=True, kw_only=True, eq=False)
class FormRows:
    """The rows of a table as forms are fitted to them."""

    N: Array
    """Parameters of each row, (rows,)."""
    D: Array
    """Tokens of each row, (rows,)."""
    loss: Array
    """(rows,)."""
    problem: HuberObjective
    """The same in centred logarithms, with the delta of Huber's loss: what forms of sums of powers are fitted in."""

    @classmethod
    def of(cls, data: Observations, delta: float) -> FormRows:
        """The rows of `data`, residuals of ln loss counting linearly beyond `delta`."""
        return cls(N=data.N, D=data.D, loss=data.loss, problem=HuberObjective.of(data.N, data.D, data.loss, delta))


class SavedForm(ABC):
    """A form whose fits can be written and read again."""

    name: ClassVar[str]
    """In files: lower case, never changed."""
    label: ClassVar[str]
    """In reports."""
    constants: ClassVar[tuple[str, ...]]
    """Names of the law's constants, in the order of saved draws."""

    @abstractmethod
    def restored(self, constants: Mapping[str, float | Array], centre: Centre) -> Surface | RepeatedLaw:
        """The law of constants that were saved; `centre` is (0, 0) for a form without one."""

    def centre(self, law: Surface) -> Centre | None:
        """The point that the constants of `law` are about; None for a form whose constants need none."""
        del law
        return None


class Form(SavedForm):
    """A form fitted to every table whose losses fall, and mixed with the others in forecasts.

    theta is a form's constants in coordinates of its own choice, (batch, constants): those in which it is fitted.
    """

    prior_weight: ClassVar[float]
    """Trust in its forecasts of losses before any past forecast of the table; over all forms the weights sum to 1."""
    size_prior_weight: ClassVar[float]
    """Trust in its forecasts of the best size, among the estimators of fit/size/weights.py."""

    @abstractmethod
    def fit(self, rows: FormRows, start: Array, weights: Array) -> tuple[Array, Array]:
        """(theta (1, constants), Huber's objective there (1,)) under weights (1, rows).

        `start` (1, 5) is the optimum of the Chinchilla form on the same rows, in the coordinates of `HuberObjective`;
        for that form itself, where its search begins.
        """

    @abstractmethod
    def refit(self, rows: FormRows, best: Array, start: Array, weights: Array) -> Array:
        """theta (batch, constants) of resamples with weights (batch, rows).

        `best` (1, constants) is the fit to all rows, `start` (batch, 5) the Chinchilla form's optimum of each resample.
        """

    @abstractmethod
    def residuals(self, rows: FormRows, theta: Array) -> Array:
        """ln of the law's loss less ln loss of each row, (batch, rows)."""

    @abstractmethod
    def law(self, rows: FormRows, theta: Array, provenance: Provenance = FITTED) -> Surface:
        """The law of theta (..., constants)."""

    @abstractmethod
    def restored(self, constants: Mapping[str, float | Array], centre: Centre) -> Surface:
        """The law of constants that were saved; `centre` is (0, 0) for a form without one."""

    def tangents(self, rows: FormRows, theta: Array) -> Array:
        """d residual / d theta of each row, (rows, constants), for one theta (1, constants): by central differences."""
        return np.asarray(slopes_by_differences(lambda at: self.residuals(rows, at), theta)[0].T)

    def stacked(self, law: Surface) -> Array:
        """The draws of `law` as (draws, constants), for saving."""
        return np.stack([np.asarray(getattr(law, name)) for name in self.constants], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class FormFit:
    """One form fitted to a table."""

    form: SavedForm
    """Which."""
    law: Surface | RepeatedLaw
    """The best fit."""
    objective: float
    """Weighted sum of Huber's loss of the residuals; the log-quadratic minimises squares instead."""
    residual_sd: float
    """Root of the sum of squared residuals of ln loss over rows less constants."""

    def as_json(self) -> JsonObject:
        """{form, constants, centre, objective, residual_sd}; the centre is null for a form without one."""
        centre = None if isinstance(self.law, RepeatedLaw) else self.form.centre(self.law)
        return {
            "form": self.form.name,
            "constants": dict(self.law.constants()),
            "centre": None if centre is None else list(centre),
            "objective": self.objective,
            "residual_sd": self.residual_sd,
        }


def slopes_by_differences(residuals: Callable[[Array], Array], theta: Array) -> Array:
    """d residual / d theta (batch, constants, rows) of residuals (batch, rows), by central differences."""
    steps = _STEP * np.eye(theta.shape[1])
    return np.stack([(residuals(theta + h) - residuals(theta - h)) / (2 * _STEP) for h in steps], axis=1)


def fit_by_differences(
    residuals: Callable[[Array], Array], delta: float, start: Array, weights: Array, limits: tuple[Array, Array]
) -> tuple[Array, Array]:
    """(theta, F) of least Huber objective from `start` (batch, constants), for a form that knows its residuals only.

    The Gauss-Newton matrix, of the re-weighted least squares that has the same gradient, stands for the Hessian: what
    it leaves out is the curvature of the residuals times the residuals, which are small.
    """

    def value(theta: Array, w: Array) -> Array:
        return huber(residuals(theta), delta, w)

    def slopes(theta: Array, w: Array) -> Slopes:
        """Gradient, and the Gauss-Newton matrix in the place of the Hessian, at `theta`."""
        r, J = residuals(theta), slopes_by_differences(residuals, theta)
        influence = w * np.clip(r, -delta, delta)
        reweighted = w * np.minimum(1.0, delta / np.maximum(np.abs(r), 1e-300))
        gauss = (J * reweighted[:, None]) @ np.swapaxes(J, 1, 2)
        return Slopes(gradient=(J @ influence[..., None])[..., 0], hessian=gauss, gauss=gauss)

    return descend(value, slopes, start, weights, limits, _TIGHT)
