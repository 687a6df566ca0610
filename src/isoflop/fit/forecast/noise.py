"""How far single runs scatter about the fits: less near the frontier than far from it, where forms fit worse too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.fit.forecast.rolling_origin import NEAR

Array = NDArray[np.float64]

_KNOTS = np.array([0.0, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8])
_CONSTANTS = 6  # of the largest form


@dataclass(frozen=True, kw_only=True)
class LocalNoise:
    """Standard deviation of one run's ln loss against its excess over the frontier."""

    excess: tuple[float, ...]
    """Knots: ln of the loss over the least loss of that compute."""
    sd: tuple[float, ...]
    """Standard deviation of ln loss at the knots."""
    freedom: float
    """Degrees of freedom near the frontier, at least 3."""

    @classmethod
    def of(cls, excess: Array, residuals: Array, weights: Array, shares: Array) -> LocalNoise:
        """The scatter of `residuals` (rows,), around each knot those of like excess counting most.

        `weights` are those of the fit, which took the degrees of freedom; `shares` those of the rows' compute.
        """
        # Squared, as a far row's misfit is many times a near row's noise: 1 % of its square would still decide.
        kernel = shares / (1.0 + ((excess - _KNOTS[:, None]) / NEAR) ** 2) ** 2
        spread = np.sqrt(kernel @ residuals**2 / kernel.sum(axis=1))
        rows = float(weights.sum() ** 2 / np.sum(weights**2))
        freedom = max(rows - _CONSTANTS, 0.25 * rows)
        return cls(
            excess=tuple(_KNOTS.tolist()),
            sd=tuple((spread * np.sqrt(rows / freedom)).tolist()),
            freedom=max(freedom, 3.0),
        )

    def at(self, excess: Array) -> Array:
        """Standard deviation at each excess; beyond the last knot that of the last."""
        return np.asarray(np.interp(excess, self.excess, self.sd))

    def as_json(self) -> dict[str, Any]:
        """{excess, sd, freedom}."""
        return {"excess": list(self.excess), "sd": list(self.sd), "freedom": self.freedom}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LocalNoise:
        """What `as_json` wrote."""
        return cls(excess=tuple(data["excess"]), sd=tuple(data["sd"]), freedom=float(data["freedom"]))
