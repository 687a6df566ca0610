"""Loss when tokens repeat: the data-constrained law of Muennighoff et al. 2023 (arXiv 2305.16264)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.laws.bisection import bracket
from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.golden_section import minimise
from isoflop.laws.law import Provenance

R_TOKENS = 15.387756
"""R_D*: repetitions over which the value of a repeated token decays (Muennighoff et al. 2023)."""
R_PARAMS = 5.309743
"""R_N*: the same for parameters beyond what the unique tokens call for (Muennighoff et al. 2023)."""
FREE_EPOCHS, LAST_EPOCHS = 4.0, 40.0
"""Epochs that are nearly as good as fresh text, and those where returns have vanished (the same, abstract)."""


def repeated_data(what: str) -> Notice:
    """The warning `repeated_data` that `what`, such as "runs read the text up to 3 times", is above one epoch."""
    return Notice(code="repeated_data", message=f"{what}: the law's D counts tokens as if all were fresh")


def effective(unique: ArrayLike, used: ArrayLike, decay: ArrayLike) -> Array:
    """U + U R* (1 - exp(-R / R*)) with R = used / U - 1, at least 0: how much fresh data `used` is worth.

    >>> float(effective(1.0, 4.0, R_TOKENS).round(6))
    3.725673
    """
    first = np.asarray(unique, dtype=np.float64)
    repeats = np.maximum(np.asarray(used, dtype=np.float64) / first - 1, 0.0)
    rate = np.asarray(decay, dtype=np.float64)
    return np.asarray(np.minimum(first, used) + first * rate * -np.expm1(-repeats / rate))


def repeated_loss(
    law: ChinchillaLaw,
    N: ArrayLike,
    D: ArrayLike,
    unique_tokens: ArrayLike,
    R_tokens: ArrayLike = R_TOKENS,
    R_params: ArrayLike = R_PARAMS,
) -> Array:
    """Loss of N parameters after D tokens of which `unique_tokens` are different ones (Muennighoff et al. 2023).

    It is the fresh law's loss at N' and D', D' = `effective`(U, D, R_D*) and N' = `effective`(U_N, N, R_N*). The
    parameters count in full up to the N that is optimal for the unique tokens, then with decay R_N*. Up to one epoch
    and that N this is `law.loss`."""
    unique = np.minimum(np.asarray(unique_tokens, dtype=np.float64), D)
    size = np.asarray(N, dtype=np.float64)
    return law.loss(effective(np.minimum(_enough(law, unique), size), size, R_params), effective(unique, D, R_tokens))


@dataclass(frozen=True, kw_only=True, eq=False)
class RepeatedLaw:
    """A Chinchilla law for limited text, of which `unique_tokens` are read for several epochs (`repeated_loss`).

    >>> from isoflop.laws import published_law
    >>> law = RepeatedLaw(fresh=published_law("muennighoff2023"), unique_tokens=25e9)
    >>> float(law.loss(6.34e9, 242e9).round(6))
    2.225644
    """

    fresh: ChinchillaLaw
    """The law of fresh tokens; its constants may be arrays of draws."""
    unique_tokens: float
    """U: number of different tokens; infinite where all are fresh."""
    R_tokens: float | Array = R_TOKENS
    """R_D*: repetitions over which a repeated token's value decays."""
    R_params: float | Array = R_PARAMS
    """R_N*: the same for parameters beyond those that the unique tokens call for."""

    @property
    def provenance(self) -> Provenance:
        """Source of the fresh law."""
        return self.fresh.provenance

    @property
    def has_loss(self) -> bool:
        """Always: this is a loss surface."""
        return True

    def constants(self) -> dict[str, float]:
        """{E, A, B, alpha, beta, R_tokens, R_params} of a law that is not a set of draws."""
        return {**self.fresh.constants(), "R_tokens": float(self.R_tokens), "R_params": float(self.R_params)}

    def loss(self, N: ArrayLike, D: ArrayLike) -> Array:
        """Loss of N parameters after D tokens, repeated ones discounted."""
        return repeated_loss(self.fresh, N, D, self.unique_tokens, self.R_tokens, self.R_params)

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) of least loss at C FLOPs: at C = 6 N D the fresh law's where it fits into one epoch, else sought.

        Under another cost the fresh law's optimum has another N than its tokens call for at 6 N, which R_N* discounts.
        Raises RefusedError `no_optimum` as the fresh law does.
        """
        N_free, D_free = self.fresh.optimum(C, cost)

        def at_size(log_params: Array) -> Array:
            N = np.exp(log_params)
            return self.loss(N, cost.tokens(C, N))

        fits = (D_free <= self.unique_tokens) & cost.is_six_n
        if np.all(fits):
            return N_free, D_free
        if cost.is_six_n:
            N = np.where(fits, N_free, np.exp(self._balanced(np.asarray(C, dtype=np.float64) / 6.0)))
            return N, cost.tokens(C, N)
        # The best size lies within these factors of the unlimited one: at a thousand epochs nothing is left to gain.
        N = np.exp(minimise(at_size, np.log(N_free) - 4.0, np.log(N_free) + 8.0))
        return N, cost.tokens(C, N)

    def _balanced(self, product: Array) -> Array:
        """ln N of least loss where N D = `product` and one epoch is too little for it.

        There N is beyond what the unique tokens call for: repeated tokens and these parameters count less with each,
        and the loss is least where d ln L by N and by D are equal, alpha A N' ^ -(alpha + 1) N e^(-r / R_N*) =
        beta B D' ^ -(beta + 1) D e^(-r / R_D*), r being repetitions. The left side falls with N, the right side rises.
        """
        law, U = self.fresh, self.unique_tokens
        enough = _enough(law, U)

        def larger_pays(log_params: Array) -> NDArray[np.bool_]:
            """Whether a larger model lowers the loss more than the tokens that it costs raise it."""
            N = np.exp(log_params)
            by_params = _log_value(law.alpha, law.A, enough, N, self.R_params)
            return np.asarray(by_params > _log_value(law.beta, law.B, U, product / N, self.R_tokens))

        most = np.log(product / U)
        return bracket(larger_pays, np.minimum(np.log(enough), most), most, tolerance=1e-16)[1]


def _enough(law: ChinchillaLaw, unique: ArrayLike) -> Array:
    """N_opt for D = `unique` on the frontier of C = 6 N D: alpha A N^-alpha = beta B D^-beta."""
    return np.asarray((np.asarray(unique) * law.G) ** (np.asarray(law.beta) / law.alpha) * law.G)


def _log_value(
    exponent: float | Array, coefficient: float | Array, first: float | Array, used: Array, decay: float | Array
) -> Array:
    """ln of -dL / d ln(used) of the term coefficient / effective(first, used)^exponent, beyond `first`."""
    repeats = np.maximum(used / first - 1, 0.0)
    worth = np.log(effective(first, used, decay))
    gain = np.log(exponent * coefficient) - (exponent + 1) * worth + np.log(used)
    return np.asarray(gain - repeats / decay)
