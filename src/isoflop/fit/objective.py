"""The objective of approach 3 and its minimiser, for many starts or resamples at once.

F = sum over rows of w Huber_delta(r), r = LSE(a - alpha ln N, b - beta ln D, e) - ln L (Hoffmann et al. 2022, Eq. 3):
the SUM. An average with usual tolerances stops at its own start (Besiroglu et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MAX_STEPS = 200
_MAX_RESAMPLE_STEPS = 60  # most take ten; those that take more slide along a valley that identifies nothing
_CHUNK_CELLS = 40_000  # batch x rows worked on at once, so that a step's arrays stay in a core's cache: 3x faster
# Where E, A or B runs to 0 its logarithm runs to minus infinity; e^-30 of a loss is zero for every purpose.
_LOWEST_LOG = -30.0
_HIGHEST_LOG = 300.0
_LONGEST_STEP = 2.0
# A member stops when the quadratic model promises less than this share of F; the fit itself, and its resamples.
TIGHT, RESAMPLE = 1e-14, 1e-9
# Failed steps in a row, each with six times the damping, after which a kink of Huber's loss is the minimum.
_MAX_FAILS = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Rows in the fit's coordinates: x = ln N, y = ln D less their means, z = ln L."""

    x: Array
    """Centred ln N."""
    y: Array
    """Centred ln D."""
    z: Array
    """ln L."""
    x_mean: float
    """Mean of ln N: centring takes the correlation of A with alpha from .999 to about .5."""
    y_mean: float
    """Mean of ln D."""
    delta: float
    """Where Huber's loss turns from square to linear, in ln L."""

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array, delta: float) -> Problem:
        """The problem of fitting `loss` at N parameters and D tokens."""
        x, y = np.log(N), np.log(D)
        x_mean, y_mean = float(x.mean()), float(y.mean())
        return cls(x=x - x_mean, y=y - y_mean, z=np.log(loss), x_mean=x_mean, y_mean=y_mean, delta=delta)

    def constants(self, theta: Array) -> dict[str, Array]:
        """{E, A, B, alpha, beta} of theta (..., 5): ln E, ln of the size and token terms at the centre, alpha, beta."""
        e, u, v, alpha, beta = np.moveaxis(theta, -1, 0)
        return {
            "E": np.exp(e),
            "A": np.exp(u + alpha * self.x_mean),
            "B": np.exp(v + beta * self.y_mean),
            "alpha": alpha,
            "beta": beta,
        }

    def theta(self, constants: dict[str, float]) -> Array:
        """The inverse of `constants`, for one law."""
        alpha, beta = constants["alpha"], constants["beta"]
        u = np.log(constants["A"]) - alpha * self.x_mean
        return np.array([np.log(constants["E"]), u, np.log(constants["B"]) - beta * self.y_mean, alpha, beta])

    def residuals(self, theta: Array) -> Array:
        """r of each row, (..., rows)."""
        return self._terms(theta)[0]

    def value(self, theta: Array, weights: Array) -> Array:
        """F of each theta (batch, 5) under weights (batch or 1, rows)."""
        return huber(self.residuals(theta), self.delta, weights)

    def _terms(self, theta: Array) -> tuple[Array, Array, Array, Array]:
        """(r, size term over loss, token term over loss, E over loss)."""
        e, u, v, alpha, beta = (theta[..., k, None] for k in range(5))
        # A loss is no number of 130 digits: the limit keeps a wild trial step finite, and it is then rejected.
        p_size = np.exp(np.minimum(u - alpha * self.x, _HIGHEST_LOG))
        p_tokens = np.exp(np.minimum(v - beta * self.y, _HIGHEST_LOG))
        p_floor = np.exp(np.minimum(e, _HIGHEST_LOG))
        total = p_size + p_tokens
        total += p_floor
        share = 1.0 / total
        return np.log(total) - self.z, p_size * share, p_tokens * share, p_floor * share


def huber(r: Array, delta: float, weights: Array) -> Array:
    """Weighted sum of Huber_delta over the last axis."""
    size = np.abs(r)
    bounded = np.minimum(size, delta)
    return np.asarray((weights * bounded * (size - 0.5 * bounded)).sum(axis=-1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Minima:
    """Where each member of a batch ended."""

    theta: Array
    """(batch, 5)."""
    value: Array
    """F there."""
    gradient: Array
    """Norm of dF/dtheta there, over delta times the weights' sum: 1 is the largest possible slope's order."""


def minimise(problem: Problem, starts: Array, weights: Array, tolerance: float = TIGHT) -> Minima:
    """Damped Newton on the exact Huber Hessian from every start (batch, 5), weights (batch or 1, rows).

    H + lambda M with M the Gauss-Newton matrix of Huber's re-weighted least squares: Newton's speed near the optimum,
    descent far from it. Every member stops by itself, when a step promises less than `tolerance` of F.
    """
    shared = len(weights) == 1
    size = max(1, _CHUNK_CELLS // len(problem.x))
    parts = [
        _descend(problem, starts[i : i + size].copy(), weights if shared else weights[i : i + size], tolerance)
        for i in range(0, len(starts), size)
    ]
    theta, value, gradient = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Minima(theta=theta, value=value, gradient=gradient)


def _descend(problem: Problem, theta: Array, weights: Array, tolerance: float) -> tuple[Array, Array, Array]:
    count = len(theta)
    value = problem.value(theta, weights)
    slope = np.full(count, np.inf)
    damping, fails = np.full(count, 1e-1), np.zeros(count, dtype=int)
    active = np.arange(count)
    for _ in range(_MAX_STEPS if tolerance < RESAMPLE else _MAX_RESAMPLE_STEPS):
        w = weights if len(weights) == 1 else weights[active]
        gradient, hessian, gauss = _derivatives(problem, theta[active], w)
        slope[active] = np.linalg.norm(gradient, axis=-1) / (problem.delta * w.sum(axis=-1))
        step = _steps(gradient, hessian, gauss, damping[active])
        trial = theta[active] + step
        trial[:, :3] = np.maximum(trial[:, :3], _LOWEST_LOG)
        new = problem.value(trial, w)
        better = new < value[active]
        promised = -(gradient * step).sum(axis=-1)
        small = promised <= tolerance * value[active] + 1e-300
        moved = active[better]
        theta[moved], value[moved] = trial[better], new[better]
        damping[active] = np.clip(np.where(better, damping[active] * 0.15, damping[active] * 6.0), 1e-7, 1e9)
        fails[active] = np.where(better, 0, fails[active] + 1)
        # A small promise under large damping says nothing; under small damping it is convergence.
        active = active[~((small & (damping[active] < 1.0)) | (fails[active] > _MAX_FAILS))]
        if not len(active):
            break
    return theta, value, slope


def _steps(gradient: Array, hessian: Array, gauss: Array, damping: Array) -> Array:
    """Solutions of (H + lambda M) s = -g, or of M s = -g where that is no descent, none longer than two."""
    scale = np.sqrt(np.maximum(np.einsum("bii->bi", gauss), 1e-300))
    unit = scale[:, :, None] * scale[:, None, :]
    ridge = 1e-12 * np.eye(5)
    g = (-gradient / scale)[..., None]
    curved = hessian / unit + damping[:, None, None] * (gauss / unit + 1e-6 * np.eye(5)) + ridge
    flat = (1 + damping)[:, None, None] * (gauss / unit + 1e-6 * np.eye(5)) + ridge
    step = _solved(curved, g)
    downhill = (step * g[..., 0]).sum(axis=-1) > 0
    step = np.where(downhill[:, None], step, _solved(flat, g)) / scale
    longest = np.abs(step).max(axis=-1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-300)))


def _solved(matrices: Array, right: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(matrices, right)[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:  # one exactly singular member would fail the batch
        return np.asarray((np.linalg.pinv(matrices) @ right)[..., 0], dtype=np.float64)


def _derivatives(problem: Problem, theta: Array, weights: Array) -> tuple[Array, Array, Array]:
    """(gradient, exact Hessian, Gauss-Newton matrix) of F for each member of the batch.

    In (e, u, v), with u and v the two terms' logarithms at a row, r has gradient p and Hessian diag(p) - p p'; the
    chain rule to alpha and beta multiplies by -x and -y, which are the same for all members: a few matrix products.
    """
    r, p_u, p_v, p_e = problem._terms(theta)
    size = np.abs(r)
    inside = weights * (size <= problem.delta)
    psi = weights * np.clip(r, -problem.delta, problem.delta)
    irls = weights * np.minimum(1.0, problem.delta / np.maximum(size, 1e-300))
    x, y = problem.x, problem.y
    moments = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)

    def assembled(ee: Array, eu: Array, ev: Array, uu: Array, uv: Array, vv: Array) -> Array:
        m_ee, m_eu, m_ev, m_uu, m_uv, m_vv = (part @ moments for part in (ee, eu, ev, uu, uv, vv))
        full = np.empty((len(theta), 5, 5))
        entries: dict[tuple[int, int], Any] = {
            (0, 0): m_ee[:, 0], (0, 1): m_eu[:, 0], (0, 2): m_ev[:, 0], (0, 3): -m_eu[:, 1], (0, 4): -m_ev[:, 2],
            (1, 1): m_uu[:, 0], (1, 2): m_uv[:, 0], (1, 3): -m_uu[:, 1], (1, 4): -m_uv[:, 2],
            (2, 2): m_vv[:, 0], (2, 3): -m_uv[:, 1], (2, 4): -m_vv[:, 2],
            (3, 3): m_uu[:, 3], (3, 4): m_uv[:, 4], (4, 4): m_vv[:, 5],
        }  # fmt: skip
        for (i, j), entry in entries.items():
            full[:, i, j] = full[:, j, i] = entry
        return full

    def outer(weight: Array) -> tuple[Array, ...]:
        w_e, w_u = weight * p_e, weight * p_u
        return w_e * p_e, w_e * p_u, w_e * p_v, w_u * p_u, w_u * p_v, weight * p_v * p_v

    s_e, s_u, s_v = psi * p_e, psi * p_u, psi * p_v
    g_u, g_v = s_u @ moments[:, :3], s_v @ moments[:, :3]
    gradient = np.stack([s_e.sum(axis=-1), g_u[:, 0], g_v[:, 0], -g_u[:, 1], -g_v[:, 2]], axis=-1)
    ee, eu, ev, uu, uv, vv = outer(inside - psi)
    hessian = assembled(ee + s_e, eu, ev, uu + s_u, uv, vv + s_v)
    return gradient, hessian, assembled(*outer(irls))
