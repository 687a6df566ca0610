"""The loss of mixtures of experts by active and total parameters: L = E + A N^-(alpha - gamma) T^-gamma + B D^-beta.

N are the parameters that a token uses, T all that are stored. A dense model has T = N, and the law of Hoffmann et al.
2022; at N held, more experts lower the falling term as T^-gamma. The floor E is that of the text, experts or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.codec import JsonObject


@dataclass(frozen=True, kw_only=True)
class ExpertLossLaw:
    """A fitted law; `B` is 0 where every run had the same tokens, whose term is in E then."""

    E: float
    """Floor, in the unit of the losses."""
    A: float
    alpha: float
    """Exponent of the size where active and total parameters grow together."""
    gamma: float
    """Exponent of the total parameters at the same active ones."""
    B: float = 0.0
    beta: float = 0.0
    expert_share: float | None = None
    """T = N (1 + share (experts - 1)), where tables count experts and not T: the fitted share of a dense model's
    parameters that experts repeat. None where T was read."""

    def total(self, N: ArrayLike, experts: ArrayLike) -> Array:
        """T of models of N active parameters with so many experts. Raises ValueError where T was read."""
        if self.expert_share is None:
            raise ValueError("total: this law was fitted to total parameters")
        return np.asarray(np.asarray(N, float) * (1 + self.expert_share * (np.asarray(experts, float) - 1)))

    def loss(self, N: ArrayLike, T: ArrayLike, D: ArrayLike | None = None) -> Array:
        """Loss of models of N active and T total parameters after D tokens; D where the law has a term of it."""
        size = np.asarray(N, float) ** (self.gamma - self.alpha) * np.asarray(T, float) ** -self.gamma
        if self.B and D is None:
            raise ValueError("loss: this law needs tokens")
        text = 0.0 if D is None or not self.B else self.B * np.asarray(D, float) ** -self.beta
        return np.asarray(self.E + self.A * size + text)

    def as_json(self) -> JsonObject:
        """Constants, without those of a term that the law lacks."""
        constants: JsonObject = {"E": self.E, "A": self.A, "alpha": self.alpha, "gamma": self.gamma}
        if self.B:
            constants |= {"B": self.B, "beta": self.beta}
        if self.expert_share is not None:
            constants["expert_share"] = self.expert_share
        return constants
