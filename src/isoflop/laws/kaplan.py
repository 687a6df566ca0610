"""L(N, D) = [(N_c / N)^(alpha_N / alpha_D) + D_c / D]^alpha_D (Kaplan et al. 2020, Eq. 1.5).

N leaves embeddings out. The form has no floor: its loss goes to zero. Its least loss at fixed 6 N D is not the
compute-optimal allocation of that paper, which supposes training at the critical batch: that one is `kaplan2020`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.law import FITTED, Provenance

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class KaplanLaw:
    """Kaplan's surface in his own letters.

    >>> law = KaplanLaw(N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)
    >>> float(law.loss(175e9, 300e9).round(6))
    1.660957
    """

    N_c: float
    """Parameters that reach a loss of one nat with unlimited tokens."""
    D_c: float
    """Tokens that unlimited parameters need for a loss of one nat."""
    alpha_N: float
    """Exponent of N with unlimited tokens."""
    alpha_D: float
    """Exponent of D with unlimited parameters."""
    provenance: Provenance = FITTED
    """Source, conventions, domain."""

    @property
    def has_loss(self) -> bool:
        """Always: this is a loss surface."""
        return True

    @property
    def a(self) -> float:
        """Exponent of N where the loss is least at C = 6 N D: alpha_D / (alpha_N + alpha_D)."""
        return self.alpha_D / (self.alpha_N + self.alpha_D)

    @property
    def b(self) -> float:
        """Exponent of D there: 1 - a."""
        return 1 - self.a

    @property
    def _inside(self) -> ChinchillaLaw:
        """What stands inside the brackets: a sum of two powers, least where the loss is."""
        ratio = self.alpha_N / self.alpha_D
        return ChinchillaLaw(E=0.0, A=self.N_c**ratio, B=self.D_c, alpha=ratio, beta=1.0)

    def constants(self) -> dict[str, float]:
        """{N_c, D_c, alpha_N, alpha_D}."""
        return {name: float(getattr(self, name)) for name in ("N_c", "D_c", "alpha_N", "alpha_D")}

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss at N parameters and D tokens, the broadcast shape of both."""
        return np.asarray(self._inside.loss(N, D) ** self.alpha_D)

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) of least loss at C FLOPs under this surface."""
        return self._inside.optimum(C, cost)
