"""The coupled form E + (A N^-alpha + B D^-beta)^gamma fitted from the Chinchilla optimum, for many resamples at once.

The objective is that of approach 3. In theta = (e, u, v, a, b, k) the falling term is
t = gamma ln(exp((u - a x) / gamma) + exp((v - b y) / gamma)), gamma = e^k, a = alpha gamma, b = beta gamma: where one
of the two terms decides, gamma drops out, so it is the interaction alone and k = 0 is the Chinchilla law with the same
five numbers. x and y are the centred ln N and ln D of `HuberObjective`.

One budget identifies neither form: a table of one is refused before any (fit/preconditions.py). Of several, gamma
is what rows far to both sides of the frontier say; where all lie near it, gamma and E trade, and the draws show it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.forms.form import Centre, Form, FormRows
from isoflop.fit.parametric.newton import Slopes, descend
from isoflop.fit.parametric.objective import HuberObjective, huber
from isoflop.laws.coupled import CONSTANTS, CoupledLaw
from isoflop.laws.law import FITTED, Provenance

LOWEST, HIGHEST = np.array([-30, -30, -30, 1e-3, 1e-3, -1.6]), np.array([30, 30, 30, 5.0, 5.0, 1.6])
"""Limits of theta. gamma between .2 and 5: beyond, one of the two terms alone decides (an edge) or none does."""

_CHUNK_CELLS = 8_000  # batch x rows worked on at once: six numbers a cell stay in a core's cache
# Share of F that a step must promise for another to follow: of the fit itself, of its resamples.
_TIGHT, _RESAMPLE = 1e-13, 1e-6


class CoupledForm(Form):
    """E + (A / N^alpha + B / D^beta)^gamma; theta is that of this file."""

    name = "coupled"
    label = "coupled"
    constants = CONSTANTS
    prior_weight = 0.65
    size_prior_weight = 0.2

    def fit(self, rows: FormRows, start: Array, weights: Array) -> tuple[Array, Array]:
        """(theta, F) of least F from the Chinchilla form's optimum, where gamma is 1."""
        return fit_coupled(rows.problem, start, weights)

    def refit(self, rows: FormRows, best: Array, start: Array, weights: Array) -> Array:
        """theta of each resample, from its Chinchilla optimum or from the fit to all rows, whichever is better."""
        return fit_coupled(rows.problem, start, weights, best)[0]

    def residuals(self, rows: FormRows, theta: Array) -> Array:
        """ln of the law's loss less ln loss of each row, (batch, rows)."""
        return residuals(rows.problem, theta)

    def tangents(self, rows: FormRows, theta: Array) -> Array:
        """d residual / d theta of each row, (rows, 6)."""
        return np.asarray(jacobian(rows.problem, theta)[0].T)

    def law(self, rows: FormRows, theta: Array, provenance: Provenance = FITTED) -> CoupledLaw:
        """The law of theta (..., 6)."""
        return coupled_law(rows.problem, theta, provenance)

    def restored(self, constants: Mapping[str, float | Array], centre: Centre) -> CoupledLaw:
        """The law of saved constants."""
        del centre
        return CoupledLaw(**constants, provenance=FITTED)


def fit_coupled(
    problem: HuberObjective, start: Array, weights: Array, also: Array | None = None
) -> tuple[Array, Array]:
    """(theta (batch, 6), F (batch,)) of least F from Chinchilla optima `start` (batch, 5), weights (batch or 1, rows).

    Resamples may start from `also` (1, 6), the optimum of all rows, wherever F is less there than at `start`.
    """
    first = np.concatenate([start, np.zeros((len(start), 1))], axis=1)

    def value(theta: Array, w: Array) -> Array:
        return huber(residuals(problem, theta), problem.delta, w)

    if also is not None:
        elsewhere = np.repeat(also, len(start), axis=0)
        first = np.where((value(elsewhere, weights) < value(first, weights))[:, None], elsewhere, first)
    size = max(1, _CHUNK_CELLS // len(problem.x))
    parts = [
        descend(
            value,
            lambda theta, w: _slopes(problem, theta, w),
            first[i : i + size],
            weights if len(weights) == 1 else weights[i : i + size],
            (LOWEST, HIGHEST),
            _TIGHT if also is None else _RESAMPLE,
        )
        for i in range(0, len(first), size)
    ]
    theta, objectives = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return theta, objectives


def coupled_law(problem: HuberObjective, theta: Array, provenance: Provenance) -> CoupledLaw:
    """The law of theta (..., 6)."""
    e, u, v, a, b, k = np.moveaxis(theta, -1, 0)
    gamma = np.exp(k)
    return CoupledLaw(
        E=np.exp(e),
        A=np.exp((u + a * problem.x_mean) / gamma),
        B=np.exp((v + b * problem.y_mean) / gamma),
        alpha=a / gamma,
        beta=b / gamma,
        gamma=gamma,
        provenance=provenance,
    )


def residuals(problem: HuberObjective, theta: Array) -> Array:
    """ln of the law's loss less ln loss of each row, (batch, rows)."""
    return _terms(problem, theta)[0]


def jacobian(problem: HuberObjective, theta: Array) -> Array:
    """d residual / d theta of each row, (batch, 6, rows)."""
    return _terms(problem, theta)[1]


def _terms(problem: HuberObjective, theta: Array) -> tuple[Array, Array, Array, Array, Array]:
    """(r, J (batch, 6, rows), share of the falling term, the vector of t's curvature (batch, 6, rows), gamma times H).

    t has the Hessian (p q / gamma) c c' + gamma H e_k e_k', p and q the two terms' shares, H their entropy, and
    c = (0, 1, -1, -x, y, -Delta) with Delta the difference of the terms' logarithms.
    """
    e, u, v, a, b, k = (theta[:, i, None] for i in range(6))
    x, y, gamma = problem.x, problem.y, np.exp(k)
    delta = u - a * x - (v - b * y)
    balance = delta / gamma
    log_p, log_q = -np.logaddexp(0.0, -balance), -np.logaddexp(0.0, balance)
    p, q = np.exp(log_p), np.exp(log_q)
    entropy = gamma * -(p * log_p + q * log_q)
    t = p * (u - a * x) + q * (v - b * y) + entropy
    total = np.logaddexp(e, t)
    w = np.exp(t - total)
    J = np.stack([1 - w, w * p, w * q, -w * p * x, -w * q * y, w * entropy], axis=1)
    # The curvature of t in (u, v, a, b, k) is of rank one but for the entropy: one vector c for each row, and no 6 x 6
    # matrix a row.
    ones = np.ones_like(delta)
    c = np.stack([0 * ones, ones, -ones, -x * ones, y * ones, -delta], axis=1) * np.sqrt(p * q / gamma)[:, None]
    return total - problem.z, J, w, c, entropy


def _slopes(problem: HuberObjective, theta: Array, weights: Array) -> Slopes:
    r, J, w, c, entropy = _terms(problem, theta)
    size = np.abs(r)
    # Influence of each row (Huber's psi), its weight in re-weighted least squares, and whether it lies in the square.
    psi = weights * np.clip(r, -problem.delta, problem.delta)
    irls = weights * np.minimum(1.0, problem.delta / np.maximum(size, 1e-300))
    inside = weights * (size <= problem.delta)
    # Of r = ln(exp(e) + exp(t)): w (1 - w) (e_0 - grad t)(...)' + w Hess t, and J = (1 - w) e_0 + w grad t.
    apart = -J / np.maximum(w, 1e-300)[:, None]
    apart[:, 0] = 1.0

    # Three sums of outer products: Gauss-Newton inside the square part, the curvature of the outer logarithm, that of
    # t.
    def gram(vectors: Array, scale: Array) -> Array:
        return np.asarray((vectors * scale[:, None]) @ np.swapaxes(vectors, 1, 2))

    hessian = gram(J, inside) + gram(apart, psi * w * (1 - w)) + gram(c, psi * w)
    hessian[:, 5, 5] += (psi * w * entropy).sum(axis=-1)
    return Slopes(gradient=(J @ psi[..., None])[..., 0], hessian=hessian, gauss=gram(J, irls))
