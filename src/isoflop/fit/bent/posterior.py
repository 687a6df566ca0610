"""The posterior of a bent form by Laplace's method: its mode by damped Gauss-Newton, its covariance from the Jacobian.

Gelman et al. 2013, Bayesian Data Analysis, section 4.1. The residuals are small, so that the curvature of the surface
adds little to the Gauss-Newton matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.bent.forms import BentForm, Gaussian
from isoflop.fit.bent.frame import Frame, Points

_STEPS = 60
_TIGHT = 1e-9  # of the objective, which is about the number of rows
_HUBER = 1.345  # standard deviations: 95 % efficient for normal noise (Huber 1981)
_DIFFERENCE = 1e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """What a form is fitted to."""

    points: Points
    log_loss: Array
    covariance: Array
    """Of the noise of ln loss, (rows, rows)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """One form given the rows."""

    form: BentForm
    theta: Array
    """Mode, (constants,)."""
    covariance: Array
    """(constants, constants)."""
    tangents: Array
    """d ln L / d theta of the rows, (rows, constants)."""
    residuals: Array
    """ln L predicted less seen, (rows,)."""
    used: float
    """Effective number of constants that the rows determine, of the prior's the rest."""

    def at(self, frame: Frame, log_flops: float) -> tuple[Array, Array]:
        """((ln N_opt, ln L) at a budget, their gradients (2, constants)); not numbers where there is no optimum."""
        step = _DIFFERENCE * np.sqrt(np.diag(self.covariance))
        moved = np.concatenate([self.theta[None], self.theta + np.diag(step), self.theta - np.diag(step)])
        values = self.form.target(moved, frame, log_flops)
        count = len(self.theta)
        return values[:, 0], (values[:, 1 : count + 1] - values[:, count + 1 :]) / (2 * step)


def posterior(form: BentForm, sample: Sample, prior: Gaussian, start: Array | None = None) -> Posterior:
    """The posterior under the noise of `sample`, from `start` or from the form's own starts."""
    root = np.asarray(np.linalg.inv(np.linalg.cholesky(sample.covariance)), dtype=np.float64)
    starts = [start] if start is not None else [np.append(s, prior.mean[-1]) for s in form.starts(_without_bend(prior))]
    ends = [_descend(form, sample, prior, root, begin) for begin in starts]
    theta, value = min(ends, key=lambda end: end[1])
    del value
    predicted, J = form.predicted(theta, sample.points)
    residual = predicted - sample.log_loss
    whitened = root @ J
    kept = _huber_weights(root @ residual)
    data = (whitened * kept[:, None]).T @ whitened
    covariance = np.asarray(np.linalg.inv(data + np.diag(prior.sd**-2)), dtype=np.float64)
    used = float(np.trace(covariance @ data))
    return Posterior(form=form, theta=theta, covariance=covariance, tangents=J, residuals=residual, used=used)


def _descend(form: BentForm, sample: Sample, prior: Gaussian, root: Array, theta: Array) -> tuple[Array, float]:
    """(theta, objective) at the mode: Levenberg and Marquardt's damping, scaled by the prior."""
    precision, damping = prior.sd**-2, 1e-2
    residual, slopes = _whitened(form, sample, root, theta)
    value = _objective(residual, theta, prior)
    for _ in range(_STEPS):
        weight = _huber_weights(residual)
        gradient = slopes.T @ (weight * residual) + precision * (theta - prior.mean)
        matrix = (slopes * weight[:, None]).T @ slopes + np.diag(precision * (1 + damping))
        matrix += damping * np.diag(np.diag(matrix))
        step = -np.linalg.solve(matrix, gradient)
        trial = theta + np.clip(step, -2 * prior.sd, 2 * prior.sd)
        tried, tried_slopes = _whitened(form, sample, root, trial)
        tried_value = _objective(tried, trial, prior)
        if not tried_value < value:
            damping *= 8
            if damping > 1e8:
                break
            continue
        gained, theta, residual, slopes, value = value - tried_value, trial, tried, tried_slopes, tried_value
        damping = max(damping / 8, 1e-9)
        if gained < _TIGHT * (1 + value):
            break
    return theta, value


def _whitened(form: BentForm, sample: Sample, root: Array, theta: Array) -> tuple[Array, Array]:
    predicted, J = form.predicted(theta, sample.points)
    both = root @ np.concatenate([(predicted - sample.log_loss)[:, None], J], axis=1)
    return both[:, 0], both[:, 1:]


def _objective(residual: Array, theta: Array, prior: Gaussian) -> float:
    size = np.abs(residual)
    bounded = np.minimum(size, _HUBER)
    pull = (theta - prior.mean) / prior.sd
    return float((bounded * (size - 0.5 * bounded)).sum() + 0.5 * pull @ pull)


def _huber_weights(residual: Array) -> Array:
    return np.asarray(_HUBER / np.maximum(np.abs(residual), _HUBER))


def _without_bend(prior: Gaussian) -> Gaussian:
    return Gaussian(mean=prior.mean[:-1], sd=prior.sd[:-1])
