"""One law for both recipes: common E, alpha and beta, and what each recipe shifts.

L = E e^(s de) + A N^-(alpha + s dalpha) e^(s p) + B D^-(beta + s dbeta) e^(s q), s = 1/2 for one recipe and -1/2 for
the other. With de = dalpha = dbeta = 0 they differ by factors on N and D alone: e^(p / alpha) and e^(q / beta) are what
the recipe of s = -1/2 makes of a parameter and of a token. The objective is that of approach 3, Huber's loss of ln L,
started by variable projection: at given exponents the law is linear in E and the four coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array, robust_sd
from isoflop.distributions import f_upper
from isoflop.fit.parametric.newton import Slopes, descend
from isoflop.fit.parametric.objective import huber
from isoflop.fit.resampling import run_weights

SHIFTED, FLOORS, OWN = 7, 8, 10
"""Constants of the three nested laws: shifts of N and D alone; a floor each; exponents each."""
_LOWEST = np.array([-30, -30, -30, 0.01, 0.01, -8, -8, -8, -2, -2], dtype=np.float64)
_HIGHEST = np.array([8, 30, 30, 3, 3, 8, 8, 8, 2, 2], dtype=np.float64)
_EXPONENTS = np.array([0.04, 0.08, 0.12, 0.17, 0.22, 0.28, 0.34, 0.41, 0.5, 0.62, 0.8, 1.1])
_TIGHT = 1e-14
_REJECTED = 0.01
"""Tail probability below which the recipes are taken to have floors or exponents of their own: of two recipes that
share them, one comparison in a hundred loses its common multiplier."""
HUBER = 1.345  # robust standard deviations: 95 % efficient at the normal distribution (Huber 1981)
LEAST_DELTA, _ROUNDING = 1e-9, 1e-6
_NEWTON_STEPS = 4
_ENOUGH_TO_RESAMPLE = 4
"""Runs a constant from which on runs are resampled; with fewer, a resample loses sizes, and noise is drawn instead."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedRows:
    """Final points of both sides in logarithms, in an order that does not depend on which side is A; (rows,) each."""

    x: Array
    """ln N less its mean."""
    y: Array
    """ln D less its mean."""
    z: Array
    """ln L."""
    side: Array
    """+1/2 of the side of the first row, -1/2 of the other: fits do not depend on which is called A."""
    a: float
    """The sign of A."""
    x_mean: float
    y_mean: float

    @classmethod
    def of(cls, N: Array, D: Array, loss: Array, is_a: Array) -> SharedRows:
        """The rows of runs with N parameters and D tokens; `is_a` (rows,) is 1 for A and 0 for B."""
        order = np.lexsort((loss, D, N))
        x, y, z = (np.log(column[order]) for column in (N, D, loss))
        first = is_a[order] == is_a[order][0]
        return cls(
            x=x - x.mean(),
            y=y - y.mean(),
            z=z,
            side=np.where(first, 0.5, -0.5),
            a=1.0 if is_a[order][0] > 0.5 else -1.0,
            x_mean=float(x.mean()),
            y_mean=float(y.mean()),
        )

    def terms(self, theta: Array) -> tuple[Array, Array, Array]:
        """Logarithms of the floor, of the size term and of the token term, each (batch, rows), theta (batch, 10)."""
        e, u, v, alpha, beta, q, p, de, da, db = (theta[:, k, None] for k in range(OWN))
        s, x, y = self.side, self.x, self.y
        return e + s * de, u - alpha * x + s * (p - da * x), v - beta * y + s * (q - db * y)


@dataclass(frozen=True, kw_only=True, eq=False)
class SharedLaw:
    """A fitted law with its draws."""

    rows: SharedRows
    theta: Array
    """(10,); constants beyond the fitted ones are 0."""
    constants: int
    objective: float
    delta: float
    sd: float
    """Of the residuals of ln loss, by runs less constants."""
    draws: Array
    """(draws, 10)."""

    def floor_and_exponent(self, N: Array, theta: Array, axis_is_data: bool, own: bool) -> tuple[Array, Array]:
        """(F, gamma) (batch, cells) along the axis at N parameters, theta (batch, 10).

        With `own` those of A, else those of the law between both recipes: the same whichever is called A.
        """
        e, u, _, alpha, beta, _, p, de, da, db = (theta[:, k, None] for k in range(OWN))
        half = 0.5 * self.rows.a if own else 0.0
        E, alpha, beta = np.exp(e + half * de), alpha + half * da, beta + half * db
        wide = np.ones_like(N)[None, :]
        if not axis_is_data:
            return E * wide, alpha * beta / (alpha + beta) * wide
        return E + np.exp(u + half * p - alpha * (np.log(N) - self.rows.x_mean)[None, :]), beta * wide

    def log_loss(self, N: Array, D: Array, theta: Array, is_a: bool) -> Array:
        """ln loss of a recipe at N parameters and D tokens, (places,) or (batch, places); (batch, places)."""
        rows = self.rows
        side = np.full(N.shape[-1], 0.5 * rows.a * (1 if is_a else -1))
        e, u, v = replace(rows, x=np.log(N) - rows.x_mean, y=np.log(D) - rows.y_mean, side=side).terms(theta)
        return np.asarray(np.logaddexp(np.logaddexp(e, u), v))

    def pinned(self, floor: float) -> SharedLaw:
        """The law of one E and common exponents, or of one recipe, with E held at a number."""
        limits = _LOWEST.copy(), _HIGHEST.copy()
        limits[0][0] = limits[1][0] = np.log(max(floor, np.exp(_LOWEST[0])))
        start = self.theta.copy()
        start[0] = limits[0][0]
        start[SHIFTED:] = 0
        constants = min(self.constants, SHIFTED)
        theta, value = _fitted(self.rows, start[None], constants, self.delta, limits)
        return replace(self, theta=theta[0], constants=constants, objective=float(value[0]), draws=theta)

    def better_than(self, smaller: SharedLaw) -> bool:
        """Whether this law, of more constants, fits better than chance lets it: F of the objectives."""
        more, left = self.constants - smaller.constants, len(self.rows.z) - self.constants
        if left < 3:
            return False
        gain = max(0.0, smaller.objective - self.objective) / more
        # Residuals of a millionth are rounding and the search's end, of which no test can be made.
        scale = max(self.objective, 0.5 * len(self.rows.z) * _ROUNDING**2) / left
        return f_upper(gain / scale, more, left) < _REJECTED


def fit_shared(rows: SharedRows, constants: int = SHIFTED, start: SharedLaw | None = None) -> SharedLaw | None:
    """The law of `constants` constants, without draws; None where no start has positive terms.

    A law of more constants starts from `start` and keeps its delta, so that their objectives compare.
    """
    if start is not None:
        theta, value = _fitted(rows, start.theta[None], constants, start.delta, (_LOWEST, _HIGHEST))
        return _law(rows, theta[0], constants, float(value[0]), start.delta)
    found = _projected(rows)
    if found is None:
        return None
    delta = max(HUBER * robust_sd(residuals(rows, found[None])[0]), LEAST_DELTA)
    theta, value = found[None], np.array([np.inf])
    for _ in range(2):
        theta, value = _fitted(rows, theta, constants, delta, (_LOWEST, _HIGHEST))
        fresh = max(HUBER * robust_sd(residuals(rows, theta)[0]), LEAST_DELTA)
        if 0.8 * delta < fresh < 1.25 * delta:
            break
        delta = fresh
    theta, value = _fitted(rows, theta, constants, delta, (_LOWEST, _HIGHEST))
    return _law(rows, theta[0], constants, float(value[0]), delta)


def _law(rows: SharedRows, theta: Array, constants: int, value: float, delta: float) -> SharedLaw:
    left = max(1, len(rows.z) - constants)
    sd = float(np.sqrt(2 * value / left))
    return SharedLaw(
        rows=rows, theta=theta, constants=constants, objective=value, delta=delta, sd=sd, draws=theta[None]
    )


def with_draws(law: SharedLaw, draws: int, seed: int) -> SharedLaw:
    """The law with refits: of resampled runs, or of the fit with fresh noise where runs are few.

    Each is a few damped Gauss-Newton steps from the optimum.
    """
    rows, rng = law.rows, np.random.default_rng(seed)
    n, k = len(rows.z), law.constants
    if n >= _ENOUGH_TO_RESAMPLE * k:
        # Drawn within sizes, so that no resample loses one; the number of a run's stratum does not depend on the sides.
        stratum = np.unique(np.round(rows.x, 2), return_inverse=True)[1]
        weights, noise = run_weights(stratum.astype(np.int64), draws, rng), np.zeros((1, n))
    else:
        weights, noise = np.ones((1, n)), law.sd * rng.standard_normal((draws, n))
    theta = np.repeat(law.theta[None], draws, axis=0)
    # A constant at its limit, such as a floor of zero, stays there: the others are all that the runs tell.
    free = np.flatnonzero((law.theta[:k] > _LOWEST[:k] + 1e-9) & (law.theta[:k] < _HIGHEST[:k] - 1e-9))
    low, high = _LOWEST[free], _HIGHEST[free]
    offset = residuals(rows, law.theta[None]) if len(weights) == 1 else 0.0
    for _ in range(_NEWTON_STEPS):
        r, J = residuals_and_slopes(rows, theta, k)
        J = J[:, free]
        # With drawn noise the fit itself is the truth that the noise is added to.
        r = r - offset - noise
        irls = weights * np.minimum(1.0, law.delta / np.maximum(np.abs(r), 1e-300))
        gauss = (J * irls[:, None]) @ np.swapaxes(J, 1, 2)
        gradient = (J @ (irls * r)[..., None])[..., 0]
        scale = np.sqrt(np.maximum(np.einsum("bii->bi", gauss), 1e-300))
        unit = gauss / (scale[:, :, None] * scale[:, None, :]) + 1e-6 * np.eye(len(free))
        step = -np.linalg.solve(unit, (gradient / scale)[..., None])[..., 0] / scale
        step *= np.minimum(1.0, 1.0 / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300))
        theta[:, free] = np.clip(theta[:, free] + step, low, high)
    if len(weights) > 1:
        # Residuals are smaller than the noise by as many constants as were fitted, and so are resamples of them.
        wider = law.theta[free] + (theta[:, free] - law.theta[free]) * np.sqrt(n / (n - k))
        theta[:, free] = np.clip(wider, low, high)
    return replace(law, draws=theta)


def residuals(rows: SharedRows, theta: Array) -> Array:
    """ln of the law's loss less ln L, (batch, rows)."""
    e, u, v = rows.terms(theta)
    return np.asarray(np.logaddexp(np.logaddexp(e, u), v) - rows.z)


def residuals_and_slopes(rows: SharedRows, theta: Array, constants: int) -> tuple[Array, Array]:
    """(residuals (batch, rows), their slopes by the first constants (batch, constants, rows))."""
    e, u, v = rows.terms(theta)
    total = np.logaddexp(np.logaddexp(e, u), v)
    f, n, d = np.exp(e - total), np.exp(u - total), np.exp(v - total)
    s, x, y = rows.side, rows.x, rows.y
    columns = (f, n, d, -x * n, -y * d, s * d, s * n, s * f, -s * x * n, -s * y * d)
    return total - rows.z, np.stack(columns[:constants], axis=1)


def _fitted(
    rows: SharedRows, start: Array, constants: int, delta: float, limits: tuple[Array, Array]
) -> tuple[Array, Array]:
    """(theta (batch, 10), objective (batch,)) of the least Huber loss of the first constants."""
    full = start.copy()
    ones = np.ones((1, len(rows.z)))

    def whole(part: Array) -> Array:
        """The full theta: what is not fitted keeps the value that it starts with."""
        theta = np.repeat(full[:1], len(part), axis=0)
        theta[:, :constants] = part
        return theta

    def value(part: Array, w: Array) -> Array:
        return huber(residuals(rows, whole(part)), delta, w)

    def slopes(part: Array, w: Array) -> Slopes:
        """Gradient and Gauss-Newton matrix; rows beyond delta count by their weight in iterated least squares."""
        r, J = residuals_and_slopes(rows, whole(part), constants)
        influence = w * np.clip(r, -delta, delta)
        irls = w * np.minimum(1.0, delta / np.maximum(np.abs(r), 1e-300))
        gauss = (J * irls[:, None]) @ np.swapaxes(J, 1, 2)
        return Slopes(gradient=(J @ influence[..., None])[..., 0], hessian=gauss, gauss=gauss)

    low, high = limits[0][:constants], limits[1][:constants]
    part, found = descend(value, slopes, start[:, :constants], ones, (low, high), _TIGHT)
    return whole(part), found


def _projected(rows: SharedRows) -> Array | None:
    """theta (10,) at the best pair of exponents of a grid, (E, A, B) of each recipe by weighted least squares."""
    is_a = rows.side > 0
    inverse = np.exp(rows.z.mean() - rows.z)
    best, least = None, np.inf
    for alpha in _EXPONENTS:
        size = np.exp(-alpha * rows.x) * inverse
        for beta in _EXPONENTS:
            tokens = np.exp(-beta * rows.y) * inverse
            design = np.stack([inverse, size * is_a, size * ~is_a, tokens * is_a, tokens * ~is_a])
            linear = _bounded(design)
            if linear is None:
                continue
            error = float(np.sum((linear @ design - 1) ** 2))
            if error < least:
                least, best = error, (linear, float(alpha), float(beta))
    if best is None:
        return None
    linear, alpha, beta = best
    E, size_a, size_b, tokens_a, tokens_b = np.log(linear)
    level = float(rows.z.mean())
    theta = np.zeros(OWN)
    theta[:7] = (
        E + level,
        (size_a + size_b) / 2 + level,
        (tokens_a + tokens_b) / 2 + level,
        alpha,
        beta,
        tokens_a - tokens_b,
        size_a - size_b,
    )
    return theta


def _bounded(design: Array) -> Array | None:
    """Least-squares coefficients of 1, the first one 1e-6 where it would be negative; None where another is."""
    gram, right = design @ design.T, design.sum(axis=1)
    gram = gram + 1e-10 * np.diag(np.diag(gram))
    linear = np.linalg.solve(gram, right)
    if linear[0] <= 1e-6:
        rest = np.linalg.solve(gram[1:, 1:], right[1:] - 1e-6 * gram[1:, 0])
        linear = np.concatenate([[1e-6], rest])
    return linear if np.all(linear > 0) else None
