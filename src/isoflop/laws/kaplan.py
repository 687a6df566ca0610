"""L(N, D) = [(N_c / N)^(alpha_N / alpha_D) + D_c / D]^alpha_D (Kaplan et al. 2020, Eq. 1.5).

The coupled form without a floor: its loss goes to zero. N leaves embeddings out. Its least loss at fixed 6 N D is not
the compute-optimal allocation of that paper, which supposes training at the critical batch: that one is `kaplan2020`.
"""

from __future__ import annotations

from isoflop.laws.coupled import CoupledLaw
from isoflop.laws.law import FITTED, Provenance


def kaplan_law(
    *, N_c: float, D_c: float, alpha_N: float, alpha_D: float, provenance: Provenance = FITTED
) -> CoupledLaw:
    """The law with Kaplan's constants: N_c parameters, or D_c tokens, with no lack of the other have a loss of one nat.

    >>> law = kaplan_law(N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)
    >>> float(law.loss(175e9, 300e9).round(6))
    1.660957
    """
    ratio = alpha_N / alpha_D
    return CoupledLaw(E=0.0, A=N_c**ratio, B=D_c, alpha=ratio, beta=1.0, gamma=alpha_D, provenance=provenance)
