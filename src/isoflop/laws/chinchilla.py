"""L(N, D) = E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, Eq. 2 and 10) and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arrays import Array
from isoflop.errors import InputError, RefusedError
from isoflop.laws.balance import best_on_budget
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.law import FITTED, Index, Provenance

CONSTANTS = ("E", "A", "B", "alpha", "beta")
"""Names of the constants, in the order of saved draws."""

_BRACKET = 12.0
"""Distance in ln N from the optimum at 6 N within which that of another cost lies: costs of models with a body lie
within a factor e^6 of 6 N, and this covers the square of that."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChinchillaLaw:
    """L(N, D) = E + A / N^alpha + B / D^beta, the law of approach 3 (Hoffmann et al. 2022, Eq. 2).

    Constants are numbers, or arrays of draws that broadcast against N, D and C.

    >>> law = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
    >>> float(law.loss(70e9, 1.4e12).round(6))
    1.973882
    >>> N, D = law.optimum(5.76e23)
    >>> f"{N:.4g} {D:.4g}"
    '7.225e+10 1.329e+12'
    """

    E: float | Array
    """Loss of infinite N and D, in the unit of the losses."""
    A: float | Array
    """Coefficient of N^-alpha."""
    B: float | Array
    """Coefficient of D^-beta."""
    alpha: float | Array
    """Exponent of N."""
    beta: float | Array
    """Exponent of D."""
    provenance: Provenance = FITTED
    """Source, conventions, domain."""

    @property
    def has_loss(self) -> bool:
        """Always: this is a loss surface."""
        return True

    @property
    def has_optimum(self) -> NDArray[np.bool_]:
        """Which of the draws have a compute optimum: A, B, alpha and beta above zero."""
        positive = [np.asarray(getattr(self, name)) > 0 for name in ("A", "B", "alpha", "beta")]
        return np.asarray(np.all(np.broadcast_arrays(*positive), axis=0))

    @property
    def a(self) -> Array:
        """Exponent of N_opt = G (C/6)^a: beta / (alpha + beta) (Eq. 4)."""
        return np.asarray(self.beta) / (np.asarray(self.alpha) + self.beta)

    @property
    def b(self) -> Array:
        """Exponent of D_opt = (C/6)^b / G: alpha / (alpha + beta) (Eq. 4)."""
        return np.asarray(self.alpha) / (np.asarray(self.alpha) + self.beta)

    @property
    def G(self) -> Array:
        """Coefficient of the frontier for C = 6 N D: (alpha A / (beta B))^(1 / (alpha + beta)) (Eq. 4)."""
        ratio = np.asarray(self.alpha) * self.A / (np.asarray(self.beta) * self.B)
        return ratio ** (1.0 / (np.asarray(self.alpha) + self.beta))

    def constants(self) -> dict[str, float]:
        """{E, A, B, alpha, beta} of a law that is not a set of draws."""
        return {name: float(getattr(self, name)) for name in CONSTANTS}

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss at N parameters and D tokens (Eq. 2), the broadcast shape of both and of the constants."""
        size, tokens = np.asarray(N, dtype=np.float64), np.asarray(D, dtype=np.float64)
        return np.asarray(self.E + self.A * size ** -np.asarray(self.alpha) + self.B * tokens ** -np.asarray(self.beta))

    def slopes(self, N: ArrayLike, D: ArrayLike) -> tuple[Array, Array]:
        """(dL/d ln N, dL/d ln D) at N parameters and D tokens, in loss units."""
        size, tokens = np.asarray(N, dtype=np.float64), np.asarray(D, dtype=np.float64)
        by_size = -np.asarray(self.alpha) * self.A * size ** -np.asarray(self.alpha)
        return np.asarray(by_size), np.asarray(-np.asarray(self.beta) * self.B * tokens ** -np.asarray(self.beta))

    def log_gains(self, log_params: Array, log_tokens: Array) -> tuple[Array, Array]:
        """(ln of -dL/d ln N, ln of -dL/d ln D) at ln N and ln D."""
        by_size = np.log(np.asarray(self.alpha) * self.A) - self.alpha * log_params
        return np.asarray(by_size), np.asarray(np.log(np.asarray(self.beta) * self.B) - self.beta * log_tokens)

    def tokens_for(self, loss: ArrayLike, N: ArrayLike) -> Array:
        """D with which N parameters reach `loss`; infinite where no number of tokens suffices."""
        left = np.asarray(loss) - self.E - self.A * np.asarray(N, dtype=np.float64) ** -np.asarray(self.alpha)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(np.where(left > 0, (self.B / left) ** (1 / np.asarray(self.beta)), np.inf))

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) of least loss at C FLOPs; the closed form of Eq. 4 for 6 N, else the root of its condition.

        N_opt = G (C/6)^a, D_opt = (C/6)^b / G. With cost = kappa N^k locally, dL/d ln N = 0 along C = cost(N) D is
        alpha A N^-alpha = k beta B D^-beta.
        Raises RefusedError `no_optimum` where alpha, beta, A or B is not positive.
        """
        flops = np.asarray(C, dtype=np.float64)
        if any(np.any(np.asarray(value) <= 0) for value in (self.A, self.B, self.alpha, self.beta)):
            raise RefusedError("no_optimum", "the law has no compute optimum: expected A, B, alpha and beta above zero")
        N = self.G * (flops / 6.0) ** self.a
        if cost.is_six_n:
            return np.asarray(N), np.asarray(flops / (6.0 * N))
        start = np.log(np.asarray(N, dtype=np.float64))
        N = best_on_budget(self, flops, cost, start - _BRACKET, start + _BRACKET)
        return N, cost.tokens(flops, N)

    def frontier_loss(self, C: ArrayLike) -> Array:
        """Least loss that C = 6 N D FLOPs can buy."""
        return self.loss(*self.optimum(C))

    def frontier_exponents(self, C: float, cost: ComputeCost = SIX_N, span: float = 2.0) -> tuple[Array, Array]:
        """(a, b): slopes of ln N_opt and ln D_opt against ln C from C / span to C span; exactly Eq. 4's for 6 N.

        Under another cost the frontier bends with the cost, and its slope is that of the range it is taken over.
        """
        if cost.is_six_n:
            return np.asarray(self.a), np.asarray(self.b)
        (N_low, D_low), (N_high, D_high) = self.optimum(C / span, cost), self.optimum(C * span, cost)
        width = 2 * np.log(span)
        return np.asarray(np.log(N_high / N_low) / width), np.asarray(np.log(D_high / D_low) / width)

    def moved(self, params: ArrayLike, C: ArrayLike, cost: ComputeCost = SIX_N) -> ChinchillaLaw:
        """The same surface moved along its budgets, so that N = `params` has the least loss at C FLOPs.

        A e^(alpha d) and B e^(-beta d) are L(N e^-d, D e^d): at C = 6 N D every budget keeps its least loss, exponents
        and curvature. d solves alpha A N^-alpha = k beta B D^-beta, the condition of `optimum`, at this N. Arrays of
        draws, each with its own N, are moved one by one. Raises RefusedError `no_optimum` as `optimum` does.

        >>> law = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
        >>> moved = law.moved(5e10, 5.76e23)
        >>> N, D = moved.optimum(5.76e23)
        >>> f"{N:.4g} {moved.loss(N, D) - law.frontier_loss(5.76e23):.1e}"
        '5e+10 0.0e+00'
        """
        self.optimum(C, cost)  # refuses what has none
        N = np.asarray(params, dtype=np.float64)
        alpha, beta = np.asarray(self.alpha), np.asarray(self.beta)
        ratio = np.log(cost.exponent(N) * beta / alpha) + alpha * np.log(N) - beta * np.log(cost.tokens(C, N))
        shift = (ratio - np.log(np.asarray(self.A) / self.B)) / (alpha + beta)
        return replace(self, A=self.A * np.exp(alpha * shift), B=self.B * np.exp(-beta * shift))

    def draw(self, chosen: Index) -> ChinchillaLaw:
        """The law of some of the draws: `chosen` indexes the arrays."""
        picked = {name: np.asarray(getattr(self, name))[chosen] for name in CONSTANTS}
        return ChinchillaLaw(**picked, provenance=self.provenance)


def gadre_law(*, E: float, a: float, b: float, eta: float, provenance: Provenance = FITTED) -> ChinchillaLaw:
    """L(C, M) = E + (a M^eta + b M^-eta) C^-eta with M = D / N (Gadre et al. 2024, 2403.08540).

    For C = 6 N D this is the Chinchilla form with one exponent for both: alpha = beta = 2 eta, A = a 6^-eta, B = b
    6^-eta, so that the loss of an over-trained run (M far above the optimum) follows from runs that were not.

    (M / C)^eta = (6 N^2)^-eta and (M C)^-eta = (6 D^2)^-eta. Raises InputError unless a, b and eta are above zero.

    >>> law = gadre_law(E=1.8, a=100.0, b=150.0, eta=0.125)
    >>> C, M = 6e21, 20.0
    >>> N = (C / (6 * M)) ** 0.5
    >>> float(law.loss(N, M * N).round(9)) == round(1.8 + (100 * M**0.125 + 150 * M**-0.125) * C**-0.125, 9)
    True
    """
    for name, value in (("a", a), ("b", b), ("eta", eta)):
        if not value > 0:
            raise InputError(f"{name}: expected a number above zero, got {value!r}")
    shrink = 6.0**-eta
    return ChinchillaLaw(E=E, A=a * shrink, B=b * shrink, alpha=2 * eta, beta=2 * eta, provenance=provenance)
