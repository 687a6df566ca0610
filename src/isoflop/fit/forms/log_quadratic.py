"""The log-quadratic law by weighted least squares, for many resamples at once. Linear, so there is one optimum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.forms.form import Centre, Form, FormRows
from isoflop.fit.parametric.objective import huber
from isoflop.laws.law import FITTED, Provenance, Surface
from isoflop.laws.log_quadratic import CONSTANTS, LogQuadraticLaw

_RIDGE = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class LogQuadraticProblem:
    """Rows in centred and scaled ln N and ln D, with the products that every resample needs."""

    terms: Array
    """1, x, y, x^2, x y, y^2 of each row, (rows, 6)."""
    target: Array
    """ln loss, (rows,)."""
    centre: tuple[float, float]
    """Means of ln N and ln D."""
    scale: tuple[float, float]
    """Standard deviations of ln N and ln D."""

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array) -> LogQuadraticProblem:
        """The problem of fitting `loss` at N parameters and D tokens."""
        x, y = np.log(N), np.log(D)
        centre, scale = (float(x.mean()), float(y.mean())), (float(x.std()), float(y.std()))
        x, y = (x - centre[0]) / scale[0], (y - centre[1]) / scale[1]
        terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
        return cls(terms=terms, target=np.log(loss), centre=centre, scale=scale)

    def fit(self, weights: Array) -> Array:
        """Coefficients (batch, 6) of least weighted squares, in scaled coordinates, for weights (batch, rows)."""
        # The normal equations of all resamples at once: weights times the products of terms of each row.
        products = (self.terms[:, :, None] * self.terms[:, None, :]).reshape(len(self.target), -1)
        normal = (weights @ products).reshape(-1, 6, 6)
        right = weights @ (self.terms * self.target[:, None])
        # A resample with fewer than six different rows has no unique solution; the ridge takes the flattest.
        ridge = _RIDGE * np.einsum("bii->b", normal)[:, None, None] * np.eye(6)
        return np.asarray(np.linalg.solve(normal + ridge, right[..., None])[..., 0])

    def residuals(self, coefficients: Array) -> Array:
        """ln of the law's loss less ln loss of each row, (batch, rows)."""
        return np.asarray(coefficients @ self.terms.T - self.target)

    def law(self, coefficients: Array, provenance: Provenance) -> LogQuadraticLaw:
        """The law of scaled coefficients (..., 6)."""
        sx, sy = self.scale
        unscaled = coefficients / np.array([1.0, sx, sy, sx * sx, sx * sy, sy * sy])
        named = dict(zip(CONSTANTS, np.moveaxis(unscaled, -1, 0), strict=True))
        return LogQuadraticLaw(**named, centre=self.centre, provenance=provenance)


class LogQuadraticForm(Form):
    """ln L as a quadratic in ln N and ln D; theta is its coefficients in scaled coordinates."""

    name = "logquadratic"
    label = "log-quadratic"
    constants = CONSTANTS
    # It errs a third more than the other two over public sets, and far more from rows of one decade of compute.
    prior_weight = 0.1
    size_prior_weight = 0.1

    def fit(self, rows: FormRows, start: Array, weights: Array) -> tuple[Array, Array]:
        """(theta of least squares, which need no start; Huber's objective there)."""
        del start
        problem = _problem(rows)
        theta = problem.fit(weights)
        return theta, huber(problem.residuals(theta), rows.problem.delta, weights)

    def refit(self, rows: FormRows, best: Array, start: Array, weights: Array) -> Array:
        """theta of each resample."""
        del best, start
        return _problem(rows).fit(weights)

    def residuals(self, rows: FormRows, theta: Array) -> Array:
        """ln of the law's loss less ln loss of each row, (batch, rows)."""
        return _problem(rows).residuals(theta)

    def tangents(self, rows: FormRows, theta: Array) -> Array:
        """The six terms of each row: ln loss is linear in the coefficients."""
        del theta
        return _problem(rows).terms

    def law(self, rows: FormRows, theta: Array, provenance: Provenance = FITTED) -> LogQuadraticLaw:
        """The law of theta (..., 6)."""
        return _problem(rows).law(theta, provenance)

    def restored(self, constants: Mapping[str, float | Array], centre: Centre) -> LogQuadraticLaw:
        """The law of saved constants about `centre`."""
        return LogQuadraticLaw(**constants, centre=centre, provenance=FITTED)

    def centre(self, law: Surface) -> Centre | None:
        """(mean of ln N, mean of ln D) that the coefficients are about."""
        return law.centre if isinstance(law, LogQuadraticLaw) else None


def _problem(rows: FormRows) -> LogQuadraticProblem:
    return LogQuadraticProblem.of(rows.N, rows.D, rows.loss)
