"""The objective of approach 3 and its second-order expansion, for many laws or resamples at once.

F = sum over rows of w Huber_delta(r), r = LSE(a - alpha ln N, b - beta ln D, e) - ln L (Hoffmann et al. 2022, Eq. 3):
the SUM. An average with usual tolerances stops at its own start (Besiroglu et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array

# A row's slopes of r by (e, u, v) enter F's derivatives as fifteen products: each slope times Huber's influence, then
# the six pairs (ee, eu, ev, uu, uv, vv) times its curvature, then the same six times its weight in re-weighted least
# squares. dr/dalpha = -x dr/du and dr/dbeta = -y dr/dv, so an entry of the gradient or of a 5 x 5 matrix in
# (e, u, v, alpha, beta) is a product's sum against one of the moments (1, x, y, xx, xy, yy), with a sign.
_PRODUCTS, _CURVED, _GAUSS = 15, 3, 9
_PAIR = np.array([[0, 1, 2, 1, 2], [1, 3, 4, 3, 4], [2, 4, 5, 4, 5], [1, 3, 4, 3, 4], [2, 4, 5, 4, 5]])
_PAIR_MOMENT = np.array([[0, 0, 0, 1, 2], [0, 0, 0, 1, 2], [0, 0, 0, 1, 2], [1, 1, 1, 3, 4], [2, 2, 2, 4, 5]])
_SIGN = np.array([1.0, 1.0, 1.0, -1.0, -1.0])
_ENTRY_PRODUCT = np.concatenate([[0, 1, 2, 1, 2], (_CURVED + _PAIR).ravel(), (_GAUSS + _PAIR).ravel()])
_ENTRY_MOMENT = np.concatenate([[0, 0, 0, 1, 2], _PAIR_MOMENT.ravel(), _PAIR_MOMENT.ravel()])
_ENTRY_SIGN = np.concatenate([_SIGN, np.outer(_SIGN, _SIGN).ravel(), np.outer(_SIGN, _SIGN).ravel()])


@dataclass(frozen=True, kw_only=True, eq=False)
class HuberObjective:
    """Rows in the fit's coordinates: x = ln N and y = ln D less their means, z = ln L."""

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
    def of(cls, N: Array, D: Array, loss: Array, delta: float) -> HuberObjective:
        """The objective of fitting `loss` at N parameters and D tokens."""
        x, y = np.log(N), np.log(D)
        x_mean, y_mean = float(x.mean()), float(y.mean())
        return cls(x=x - x_mean, y=y - y_mean, z=np.log(loss), x_mean=x_mean, y_mean=y_mean, delta=delta)

    def rows(self, chosen: NDArray[np.int64] | slice) -> HuberObjective:
        """The objective of some of the rows, in the same coordinates."""
        return replace(self, x=self.x[chosen], y=self.y[chosen], z=self.z[chosen])

    @cached_property
    def z_typical(self) -> float:
        """Mean of z: what E and the terms are measured by where only their size matters."""
        return float(self.z.mean())

    @cached_property
    def moments(self) -> Array:
        """(1, x, y, xx, xy, yy) of each row, (rows, 6)."""
        x, y = self.x, self.y
        return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)

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
        """r of each row, predicted less seen ln L: (..., rows)."""
        e, u, v, alpha, beta = (theta[..., k, None] for k in range(5))
        return np.asarray(np.log(np.exp(u - alpha * self.x) + np.exp(v - beta * self.y) + np.exp(e)) - self.z)

    def value(self, theta: Array, weights: Array) -> Array:
        """F of each theta (batch, 5) under weights (batch or 1, rows)."""
        return huber(self.residuals(theta), self.delta, weights)


def huber(r: Array, delta: float, weights: Array) -> Array:
    """Weighted sum of Huber_delta over the last axis."""
    size = np.abs(r)
    bounded = np.minimum(size, delta)
    return np.asarray((weights * bounded * (size - 0.5 * bounded)).sum(axis=-1))


@dataclass(frozen=True, kw_only=True, eq=False)
class SecondOrder:
    """F about each member of a batch, to second order in (e, u, v, alpha, beta)."""

    packed: Array
    """(batch, 56): the value, the gradient, the Hessian and the Gauss-Newton matrix, side by side."""

    @property
    def value(self) -> Array:
        """F, (batch,)."""
        return self.packed[:, 0]

    @property
    def gradient(self) -> Array:
        """(batch, 5)."""
        return self.packed[:, 1:6]

    @property
    def hessian(self) -> Array:
        """Exact, (batch, 5, 5); F is not convex in these coordinates, so it may have a negative direction."""
        return self.packed[:, 6:31].reshape(-1, 5, 5)

    @property
    def gauss(self) -> Array:
        """Gauss-Newton matrix of Huber's re-weighted least squares, (batch, 5, 5): never negative."""
        return self.packed[:, 31:].reshape(-1, 5, 5)


class Workspace:
    """Arrays to work in, kept from step to step: fresh ones cost more in page faults than the arithmetic in them."""

    def __init__(self, batch: int, rows: int) -> None:
        self._arrays = np.empty((11, batch, rows))
        self._sums = np.empty((_PRODUCTS, batch, 6))

    def arrays(self, batch: int) -> tuple[Array, ...]:
        """Eleven arrays (batch, rows), none with a meaning."""
        return tuple(self._arrays[:, :batch])

    def sums(self, batch: int) -> Array:
        """Room for the products' sums against the six moments, (15, batch, 6)."""
        return self._sums[:, :batch]


def expand(objective: HuberObjective, theta: Array, weights: Array, workspace: Workspace | None = None) -> SecondOrder:
    """The expansion of F about each theta (batch, 5) under weights (batch or 1, rows).

    With u and v the two terms' logarithms at a row, r has gradient p in (e, u, v) and Hessian diag(p) - p p'. A law
    that overflows, as a wild trial step may, has a value that is not finite.
    """
    with np.errstate(all="ignore"):
        return _expand(objective, theta, weights, workspace or Workspace(len(theta), len(objective.x)))


def expand_at_one(objective: HuberObjective, theta: Array, weights: Array) -> SecondOrder:
    """The expansion of F about one theta (5,) under many weights (batch, rows): one matrix product."""
    return SecondOrder(packed=weights @ row_shares(objective, theta))


def row_shares(objective: HuberObjective, theta: Array) -> Array:
    """What each row adds to `SecondOrder.packed` about theta (5,) at weight 1, (rows, 56)."""
    e, u, v, alpha, beta = theta
    p = np.exp(np.stack([np.full_like(objective.x, e), u - alpha * objective.x, v - beta * objective.y]))
    total = p.sum(axis=0)
    p /= total
    r = np.log(total) - objective.z
    bounded = np.clip(r, -objective.delta, objective.delta)
    inside, one = np.abs(r) <= objective.delta, np.ones_like(r)
    term, chain = np.array([0, 1, 2, 1, 2]), np.stack([one, one, one, -objective.x, -objective.y])
    slopes = p[term] * chain
    outer = slopes[:, None] * slopes[None, :]
    same = (term[:, None] == term)[..., None]
    hessian = (inside - bounded) * outer + np.where(same, bounded * slopes[:, None] * chain[None, :], 0.0)
    gauss = objective.delta / np.maximum(np.abs(r), objective.delta) * outer
    value = bounded * (r - 0.5 * bounded)
    return np.concatenate([value[None], bounded * slopes, hessian.reshape(25, -1), gauss.reshape(25, -1)]).T


def _expand(objective: HuberObjective, theta: Array, weights: Array, workspace: Workspace) -> SecondOrder:
    r, share, p_e, p_u, p_v, psi, irls, curve, first, second, third = workspace.arrays(len(theta))
    floor = np.exp(theta[:, :1])
    for p, k, along in ((p_u, 1, objective.x), (p_v, 2, objective.y)):
        np.multiply(theta[:, k + 2, None], along, out=p)
        np.subtract(theta[:, k, None], p, out=p)
        np.exp(p, out=p)
    np.add(p_u, p_v, out=share)
    share += floor
    np.log(share, out=r)
    r -= objective.z
    np.divide(1.0, share, out=share)
    p_u *= share
    p_v *= share
    np.multiply(share, floor, out=p_e)
    # From here share is min(1, delta / |r|): its whole part is 1 where Huber's loss is a square.
    np.abs(r, out=share)
    np.maximum(share, objective.delta, out=share)
    np.divide(objective.delta, share, out=share)
    np.multiply(weights, share, out=irls)
    np.multiply(irls, r, out=psi)
    np.floor(share, out=curve)
    curve *= weights
    curve -= psi
    share *= r
    packed = np.empty((len(theta), 56))
    packed[:, 0] = np.einsum("bn,bn->b", psi, r) - 0.5 * np.einsum("bn,bn->b", psi, share)
    slopes, sums, moments = (p_e, p_u, p_v), workspace.sums(len(theta)), objective.moments
    for k, p in enumerate(slopes):
        np.matmul(np.multiply(psi, p, out=first), moments, out=sums[k])
    for base, weight in ((_CURVED, curve), (_GAUSS, irls)):
        pair = base
        for i, p in enumerate(slopes):
            np.multiply(weight, p, out=second)
            for q in slopes[i:]:
                np.matmul(np.multiply(second, q, out=third), moments, out=sums[pair])
                pair += 1
    sums[[_CURVED, _CURVED + 3, _CURVED + 5]] += sums[:3]  # diag(p): the second derivatives of r itself
    packed[:, 1:] = (sums[_ENTRY_PRODUCT, :, _ENTRY_MOMENT] * _ENTRY_SIGN[:, None]).T
    return SecondOrder(packed=packed)
