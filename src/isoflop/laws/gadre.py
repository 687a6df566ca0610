"""L(C, M) = E + (a M^eta + b M^-eta) C^-eta with M = D / N (Gadre et al. 2024, arXiv 2403.08540).

For C = 6 N D this is the Chinchilla form with one exponent for both, so the law is a `ChinchillaLaw`: the loss of an
over-trained run (M far above the optimum) follows from runs that were not.
"""

from __future__ import annotations

from isoflop.errors import InputError
from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.law import FITTED, Provenance


def gadre_law(*, E: float, a: float, b: float, eta: float, provenance: Provenance = FITTED) -> ChinchillaLaw:
    """The law with these constants: alpha = beta = 2 eta, A = a 6^-eta, B = b 6^-eta.

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
