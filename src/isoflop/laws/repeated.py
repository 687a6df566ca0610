"""Loss when tokens repeat: the data-constrained law of Muennighoff et al. 2023 (arXiv 2305.16264)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.laws.balance import best_on_budget
from isoflop.laws.bisection import bracket
from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.law import Provenance

R_TOKENS = 15.387756
"""R_D*: repetitions over which the value of a repeated token decays (Muennighoff et al. 2023)."""
R_PARAMS = 5.309743
"""R_N*: the same for parameters beyond what the unique tokens call for (Muennighoff et al. 2023)."""
FREE_EPOCHS, LAST_EPOCHS = 4.0, 40.0
"""Epochs that are nearly as good as fresh text, and those where returns have vanished (the same, abstract)."""

_WIDER = (
    12.0  # of ln N, by which the best size of limited text is sought beyond those of free text: as in chinchilla.py
)
_MANY_MORE = 60.0  # of ln D, within which enough tokens lie where parameters in excess count less


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

    def log_gains(self, log_params: Array, log_tokens: Array) -> tuple[Array, Array]:
        """(ln of -dL/d ln N, ln of -dL/d ln D) at ln N and ln D.

        Repeated tokens, and parameters beyond what the different tokens call for, gain less with each. In the first
        epoch further tokens call for further parameters too, and make those that are there count.
        """
        law, N, D = self.fresh, np.exp(log_params), np.exp(log_tokens)
        unique = np.minimum(self.unique_tokens, D)
        enough = _enough(law, unique)
        by_params = _log_value(law.alpha, law.A, enough, N, self.R_params)
        by_tokens = _log_value(law.beta, law.B, unique, D, self.R_tokens)
        surplus = np.maximum(N / enough - 1, 0.0)
        if not np.any(first := (self.unique_tokens > D) & (surplus > 0)):
            return by_params, by_tokens
        # d effective(m, N) / d ln m at m = `enough`, which grows as D^(beta / alpha)
        left = np.exp(-surplus / self.R_params)
        with np.errstate(divide="ignore"):
            counts = np.log(enough * np.where(first, 1 + self.R_params * (1 - left) - (1 + surplus) * left, 0.0))
        worth = np.log(effective(np.minimum(enough, N), N, self.R_params))
        through = np.log(np.asarray(law.beta) * law.A) - (law.alpha + 1) * worth + counts
        return by_params, np.logaddexp(by_tokens, through)

    def tokens_for(self, loss: ArrayLike, N: ArrayLike) -> Array:
        """D with which N parameters reach `loss`; infinite where no number of repetitions suffices."""
        U, decay, size = self.unique_tokens, np.asarray(self.R_tokens), np.asarray(N, dtype=np.float64)
        D = self.fresh.tokens_for(loss, effective(np.minimum(_enough(self.fresh, U), size), size, self.R_params))
        if np.any(again := U < D):
            repeats = np.where(again, D / U - 1, 0.0) / decay  # of which only so many R_D* can be worth
            with np.errstate(divide="ignore", invalid="ignore"):
                often = np.where(repeats < 1, U * (1 - decay * np.log1p(-repeats)), np.inf)
            D = np.where(again, often, D)
        few = (U > D) & (size > _enough(self.fresh, D))
        if not np.any(few):
            return D
        # so few tokens call for fewer parameters than there are: it takes more of them
        low = np.log(np.where(few, D, 1.0))
        _, enough = bracket(
            lambda log_tokens: self.loss(size, np.exp(log_tokens)) > np.asarray(loss, dtype=np.float64),
            low,
            np.minimum(np.log(U), low + _MANY_MORE),
            tolerance=1e-15,
        )
        return np.where(few, np.exp(enough), D)

    def optimum(self, C: ArrayLike, cost: ComputeCost = SIX_N) -> tuple[Array, Array]:
        """(N, D) of least loss at C FLOPs: at C = 6 N D the fresh law's where it fits into one epoch, else sought.

        Under another cost the fresh law's optimum has another N than its tokens call for at 6 N, which R_N* discounts.
        Raises RefusedError `no_optimum` as the fresh law does.
        """
        N_free, D_free = self.fresh.optimum(C, cost)
        fits = (D_free <= self.unique_tokens) & cost.is_six_n
        if np.all(fits):
            return N_free, D_free
        # At what the different tokens call for a larger model pays, as tokens repeat; in far less than an epoch none.
        enough, one_epoch = _enough(self.fresh, np.minimum(self.unique_tokens, D_free)), N_free * D_free
        low = np.log(np.minimum(enough, N_free)) - _WIDER
        high = np.log(np.maximum(N_free, one_epoch / np.minimum(self.unique_tokens, D_free))) + _WIDER
        N = np.where(fits, N_free, best_on_budget(self, C, cost, low, high))
        return N, cost.tokens(C, N)


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
