"""L(N, D) = E + (A / N^alpha + B / D^beta)^gamma: a lack of size and a lack of tokens need not add up.

gamma = 1 is the law of Hoffmann et al. 2022; E = 0 with gamma = alpha_D is that of Kaplan et al. 2020 (Eq. 1.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arrays import Array
from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.law import FITTED, Index, Provenance

CONSTANTS = ("E", "A", "B", "alpha", "beta", "gamma")
"""Names of the constants, in the order of saved draws."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CoupledLaw:
    """L(N, D) = E + (A / N^alpha + B / D^beta)^gamma. Constants are numbers, or arrays of draws that broadcast against
    N, D and C.

    >>> kaplan = CoupledLaw(E=0, A=6.4e13 ** (.076 / .103), B=1.8e13, alpha=.076 / .103, beta=1, gamma=.103)
    >>> float(kaplan.loss(175e9, 300e9).round(6))
    1.660957
    """

    E: float | Array
    """Loss of infinite N and D, in the unit of the losses."""
    A: float | Array
    """Coefficient of N^-alpha, inside the power."""
    B: float | Array
    """Coefficient of D^-beta, inside the power."""
    alpha: float | Array
    """Exponent of N inside the power: far from the frontier the loss falls as N^-(alpha gamma)."""
    beta: float | Array
    """Exponent of D inside the power."""
    gamma: float | Array
    """The power. Below 1 the larger of the two terms decides more than it does in the Chinchilla form."""
    provenance: Provenance = FITTED
    """Source, conventions, domain."""

    @property
    def has_loss(self) -> bool:
        """Always: this is a loss surface."""
        return True

    @property
    def has_optimum(self) -> NDArray[np.bool_]:
        """Which of the draws have a compute optimum: A, B, alpha and beta above zero."""
        return self._inside().has_optimum

    @property
    def a(self) -> Array:
        """Exponent of N along the frontier at C = 6 N D: beta / (alpha + beta)."""
        return self._inside().a

    @property
    def b(self) -> Array:
        """Exponent of D along the frontier at C = 6 N D: alpha / (alpha + beta)."""
        return self._inside().b

    def constants(self) -> dict[str, float]:
        """{E, A, B, alpha, beta, gamma} of a law that is not a set of draws."""
        return {name: float(getattr(self, name)) for name in CONSTANTS}

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss at N parameters and D tokens, the broadcast shape of both and of the constants."""
        return np.asarray(self.E + self._inside().loss(N, D) ** self.gamma)

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) of least loss at C FLOPs: that of the Chinchilla form with these A, B, alpha and beta.

        The power is monotone, so it moves no optimum. Raises RefusedError `no_optimum` as that form does.
        """
        return self._inside().optimum(C, cost)

    def draw(self, chosen: Index) -> CoupledLaw:
        """The law of some of the draws: `chosen` indexes the arrays."""
        picked = {name: np.asarray(getattr(self, name))[chosen] for name in CONSTANTS}
        return CoupledLaw(**picked, provenance=self.provenance)

    def _inside(self) -> ChinchillaLaw:
        """A / N^alpha + B / D^beta."""
        return ChinchillaLaw(E=0.0, A=self.A, B=self.B, alpha=self.alpha, beta=self.beta)


def kaplan_law(
    *, N_c: float, D_c: float, alpha_N: float, alpha_D: float, provenance: Provenance = FITTED
) -> CoupledLaw:
    """L(N, D) = [(N_c / N)^(alpha_N / alpha_D) + D_c / D]^alpha_D (Kaplan et al. 2020, Eq. 1.5), without a floor E.

    N_c parameters with unlimited tokens, or D_c tokens with unlimited parameters, have a loss of one nat; N leaves
    embeddings out. The least loss at fixed 6 N D is not the compute-optimal allocation of that paper, which supposes
    training at the critical batch size: that one is `kaplan2020`.

    >>> law = kaplan_law(N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)
    >>> float(law.loss(175e9, 300e9).round(6))
    1.660957
    """
    ratio = alpha_N / alpha_D
    return CoupledLaw(E=0.0, A=N_c**ratio, B=D_c, alpha=ratio, beta=1.0, gamma=alpha_D, provenance=provenance)
