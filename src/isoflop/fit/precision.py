"""How well a design will tell the optimum, before any of its runs is paid for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import RefusedError
from isoflop.laws import ChinchillaLaw

Array = NDArray[np.float64]

_SMALLEST = 1e-13  # eigenvalue over the largest below which a design is blind in some direction; float64 keeps 1e-16


def log_params_se(law: ChinchillaLaw, N: ArrayLike, D: ArrayLike, *, noise: float, flops: float) -> float:
    """Standard error of ln N_opt at `flops` from approach 3 on runs of `N` parameters and `D` tokens.

    To first order around `law`, for independent relative errors `noise` of the losses: g' (J'J)^-1 g noise^2 with J the
    derivatives of ln L by (ln A, ln B, ln E, alpha, beta) and ln N_opt = [ln(alpha A / beta B) + beta ln(C/6)] /
    (alpha + beta). Raises RefusedError
    `not_identified` for a design that leaves a direction of the five open.

    >>> law = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
    >>> budgets = np.geomspace(1e18, 1e21, 5)[:, None]
    >>> N = law.optimum(budgets)[0] * np.geomspace(1 / 4, 4, 8)
    >>> round(log_params_se(law, N, budgets / 6 / N, noise=0.005, flops=1e23), 3)
    0.088
    """
    x, y = np.log(np.ravel(np.asarray(N, dtype=np.float64))), np.log(np.ravel(np.asarray(D, dtype=np.float64)))
    A, B, E, alpha, beta = (float(getattr(law, name)) for name in ("A", "B", "E", "alpha", "beta"))
    # Centred logarithms: the same five-dimensional space, far better conditioned.
    x0, y0 = float(x.mean()), float(y.mean())
    terms = np.stack([A * np.exp(-alpha * x), B * np.exp(-beta * y), np.full_like(x, E)])
    shares = terms / terms.sum(axis=0)
    jacobian = np.stack([*shares, -shares[0] * (x - x0), -shares[1] * (y - y0)], axis=1)
    values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
    if values[0] <= _SMALLEST * values[-1]:
        raise RefusedError(
            "not_identified", f"{len(x)} runs of this design do not tell E, A, B, alpha and beta apart; add budgets"
        )
    total = alpha + beta
    at = (np.log(alpha * A / (beta * B)) + beta * np.log(flops / 6)) / total
    # By the centred constants ln A' = ln A - alpha x0: ln A moves with alpha at x0, ln B with beta at y0.
    gradient = np.array(
        [1.0, -1.0, 0.0, 1 / alpha - at + x0, -1 / beta + float(np.log(flops / 6)) - at - y0]
    ) / total  # fmt: skip
    return noise * float(np.linalg.norm((gradient @ vectors) / np.sqrt(values)))
