"""N = k C^a and D = k' C^b: the laws of approaches 1 and 2, and of published tables. They carry no loss surface."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.law import FITTED, Index, Provenance


@dataclass(frozen=True, kw_only=True, eq=False)
class FrontierLaw:
    """N = k C^a and D = k' C^b, two power laws through compute optima (Hoffmann et al. 2022, section 3). Constants are
    numbers or arrays of draws.

    >>> law = FrontierLaw.through(params=67e9, flops=5.76e23, a=0.5)
    >>> N, D = law.optimum(2.5272e24)
    >>> f"{N:.3g} {D:.3g}"
    '1.4e+11 3e+12'
    """

    params_coefficient: float | Array
    """k of N = k C^a."""
    a: float | Array
    """Exponent of N."""
    tokens_coefficient: float | Array
    """k' of D = k' C^b."""
    b: float | Array
    """Exponent of D."""
    provenance: Provenance = FITTED
    """Source, conventions, domain."""

    @classmethod
    def through(cls, *, params: float, flops: float, a: float, provenance: Provenance | None = None) -> FrontierLaw:
        """The law with N = params at C = flops and exponent a, and D = C / 6 N."""
        k = float(np.exp(np.log(params) - a * np.log(flops)))
        source = provenance or FITTED
        return cls(params_coefficient=k, a=a, tokens_coefficient=1 / (6 * k), b=1 - a, provenance=source)

    @classmethod
    def through_tokens(
        cls, *, tokens: float, flops: float, b: float, provenance: Provenance | None = None
    ) -> FrontierLaw:
        """The law with D = tokens at C = flops and exponent b, and N = C / 6 D: for papers that fit tokens.

        >>> law = FrontierLaw.through_tokens(tokens=16.55e12, flops=3.8e25, b=0.53778)
        >>> f"{float(law.optimum(3.8e25)[1]):.4g}"
        '1.655e+13'
        """
        k = float(np.exp(np.log(tokens) - b * np.log(flops)))
        source = provenance or FITTED
        return cls(params_coefficient=1 / (6 * k), a=1 - b, tokens_coefficient=k, b=b, provenance=source)

    @property
    def has_loss(self) -> bool:
        """Never: these approaches fit where the optimum lies, not how deep it is."""
        return False

    @property
    def has_optimum(self) -> NDArray[np.bool_]:
        """Which of the draws have a compute optimum: all."""
        return np.ones(np.shape(self.a), dtype=bool)

    def constants(self) -> dict[str, float]:
        """{params_coefficient, a, tokens_coefficient, b} of a law that is not a set of draws."""
        names = ("params_coefficient", "a", "tokens_coefficient", "b")
        return {name: float(getattr(self, name)) for name in names}

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:  # noqa: ARG002 the protocol's signature
        """Raises RefusedError `no_loss`: a frontier has no loss surface."""
        raise RefusedError(
            "no_loss",
            f"{self.provenance.name} says how N and D grow with C, not what the loss is; "
            f"use a law with a loss surface, such as besiroglu2024",
        )

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) at C FLOPs: N from its power law, D = what C pays for at that N.

        Where the cost is 6 N and the law came from C = 6 N D both power laws agree with this.
        """
        flops = np.asarray(C, dtype=np.float64)
        N = np.asarray(self.params_coefficient * flops ** np.asarray(self.a))
        return N, cost.tokens(flops, N)

    def moved(self, params: ArrayLike, C: ArrayLike, cost: ComputeCost = SIX_N) -> FrontierLaw:  # noqa: ARG002
        """The same exponents through N = `params` at C FLOPs; tokens move the other way, so that their product stays.

        Arrays of draws, each with its own N, are moved one by one.
        """
        factor = np.asarray(params, dtype=np.float64) / self.optimum(C)[0]
        return replace(
            self,
            params_coefficient=self.params_coefficient * factor,
            tokens_coefficient=self.tokens_coefficient / factor,
        )

    def draw(self, chosen: Index) -> FrontierLaw:
        """The law of some of the draws: `chosen` indexes the arrays."""
        names = ("params_coefficient", "a", "tokens_coefficient", "b")
        picked = {name: np.asarray(getattr(self, name))[chosen] for name in names}
        return FrontierLaw(**picked, provenance=self.provenance)
