"""What leaving the frontier costs under a Chinchilla law with C = 6 N D: waste, smaller models, inference demand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.laws.balance import best_at_loss
from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.coupled import CoupledLaw
from isoflop.laws.frontier import FrontierLaw
from isoflop.units import format_number


def wasted_compute(law: ChinchillaLaw, m: ArrayLike) -> Array:
    """Share w of C wasted by a model `m` times smaller (or, below 1, larger) than the optimum at C.

    An optimal run reaches the same loss with C (1 - w). Along the frontier L - E = R C^-g with g = alpha beta / (alpha
    + beta) (from Eq. 4 of Hoffmann et al. 2022), and off it at the same C the reducible loss is
    (beta m^alpha + alpha m^-beta) / (alpha + beta) times the least one, so that w = 1 - that^(-1/g). For small ln m it
    is 1 - exp(-(alpha + beta) / 2 ln(m)^2).

    >>> law = ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
    >>> round(float(wasted_compute(law, 2.0)), 3)
    0.139
    """
    small = np.asarray(m, dtype=np.float64)
    total = np.asarray(law.alpha) + law.beta
    rise = (law.beta * small**law.alpha + law.alpha * small ** -np.asarray(law.beta)) / total
    return np.asarray(1 - rise ** (-total / (np.asarray(law.alpha) * law.beta)))


def wasted_by_size(law: ChinchillaLaw, log_ratio: ArrayLike, params: float, cost: ComputeCost = SIX_N) -> Array:
    """Share of C wasted by a model whose ln N lies `log_ratio` above the optimum, near `params` parameters.

    Where a token costs kappa N^k the law in M = N^k is one with C = kappa M D and alpha / k in place of alpha, so that
    `wasted_compute` holds for k ln N; near 0 it is k (alpha + k beta) / 2 ln(N / N_opt)^2. Constants may be draws.

    >>> law = ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
    >>> round(float(wasted_by_size(law, np.log(0.5), 1e9)), 3)
    0.139
    """
    k = float(cost.exponent(params))
    effective = replace(law, alpha=np.asarray(law.alpha) / k)
    return wasted_compute(effective, np.exp(-k * np.asarray(log_ratio, dtype=np.float64)))


def compute_for_loss(law: ChinchillaLaw, loss: float) -> float:
    """Least C = 6 N D FLOPs that reaches `loss`. Raises RefusedError `below_floor` at or below E.

    On the frontier alpha A N^-alpha = beta B D^-beta (Hoffmann et al. 2022, Eq. 4), so the reducible loss is shared
    A N^-alpha : B D^-beta = beta : alpha, and each term gives its own N and D.
    """
    if loss <= law.E:
        floor = format_number(float(law.E), 6)
        raise RefusedError(
            "below_floor", f"no compute reaches a loss of {format_number(loss, 6)}: the law's floor E is {floor}"
        )
    share = law.b  # alpha/(alpha+beta): the token term's share of the reducible loss
    N = (law.A / ((loss - law.E) * (1 - share))) ** (1 / np.asarray(law.alpha))
    D = (law.B / ((loss - law.E) * share)) ** (1 / np.asarray(law.beta))
    return float(6 * N * D)


def compute_for_params(law: ChinchillaLaw | CoupledLaw | FrontierLaw, N: float) -> float:
    """C = 6 N D FLOPs at which `N` parameters are the law's best size: the inverse of N_opt = k (C/6)^a.

    >>> law = FrontierLaw.through(params=67e9, flops=5.76e23, a=0.5)
    >>> f"{compute_for_params(law, 140e9):.4g}"
    '2.515e+24'
    """
    k = float(law.optimum(6.0)[0])
    return 6.0 * float((N / k) ** (1 / np.asarray(law.a)))


@dataclass(frozen=True, kw_only=True)
class LifetimeOptimum:
    """The model of a given loss with the least training and inference FLOPs."""

    params: float
    """N."""
    tokens: float
    """Training tokens D."""
    flops: float
    """6 N D + 2 N T over D training and T inference tokens."""
    flops_without: float
    """The same total for the training-optimal model of equal loss."""

    @property
    def saving(self) -> float:
        """Share of the FLOPs saved against the training-optimal model."""
        return 1 - self.flops / self.flops_without


def lifetime_optimum(law: ChinchillaLaw, loss: float, inference_tokens: float) -> LifetimeOptimum:
    """The model of `loss` that minimises 6 N D + 2 N T over T inference tokens (Sardana et al. 2024, 2401.00448).

    At equal loss the derivative is zero where alpha A N^-alpha = beta B D^-beta (1 + T/(3 D)). Raises RefusedError
    `below_floor` where no model reaches `loss`.
    """
    C = compute_for_loss(law, loss)
    N_train, D_train = (float(value) for value in law.optimum(C))
    T = inference_tokens
    smallest = np.log(law.A / (loss - np.asarray(law.E))) / law.alpha  # reaches `loss` with infinite tokens
    N = float(best_at_loss(law, loss, T, SIX_N, smallest, np.log(N_train)))
    D = float(law.tokens_for(loss, N))
    return LifetimeOptimum(
        params=N, tokens=D, flops=6 * N * D + 2 * N * T, flops_without=6 * N_train * D_train + 2 * N_train * T
    )
