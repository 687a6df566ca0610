"""Loss when tokens repeat: the data-constrained law of Muennighoff et al. 2023 (arXiv 2305.16264)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.laws.chinchilla import ChinchillaLaw

Array = NDArray[np.float64]

R_TOKENS = 15.387756
"""R_D*: repetitions over which the value of a repeated token decays (Muennighoff et al. 2023)."""
R_PARAMS = 5.309743
"""R_N*: the same for parameters beyond what the unique tokens call for (Muennighoff et al. 2023)."""


def effective(unique: ArrayLike, used: ArrayLike, decay: float) -> Array:
    """U + U R* (1 - exp(-R / R*)) with R = used / U - 1, at least 0: how much fresh data `used` is worth.

    >>> float(effective(1.0, 4.0, R_TOKENS).round(6))
    3.725673
    """
    first = np.asarray(unique, dtype=np.float64)
    repeats = np.maximum(np.asarray(used, dtype=np.float64) / first - 1, 0.0)
    return np.asarray(np.minimum(first, used) + first * decay * -np.expm1(-repeats / decay))


def repeated_loss(law: ChinchillaLaw, N: ArrayLike, D: ArrayLike, unique_tokens: ArrayLike) -> Array:
    """Loss of N parameters after D tokens of which `unique_tokens` are different ones.

    The parameters count in full up to the N that is optimal for the unique tokens, then with decay R_N*. Up to one
    epoch and that N this is `law.loss`.
    """
    unique = np.minimum(np.asarray(unique_tokens, dtype=np.float64), D)
    # N_opt for D = U on the frontier of C = 6 N D: alpha A N^-alpha = beta B D^-beta.
    wanted = (unique * law.G) ** (np.asarray(law.beta) / law.alpha) * law.G
    size = np.asarray(N, dtype=np.float64)
    return law.loss(effective(np.minimum(wanted, size), size, R_PARAMS), effective(unique, D, R_TOKENS))
