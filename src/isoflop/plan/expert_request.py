"""Which experts a plan is asked for: their numbers, or a sparsity, and how narrow they are."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.errors import InputError
from isoflop.laws.experts import ExpertMixture
from isoflop.units import format_number

USUAL_ACTIVE = 8
"""Routed experts of a token where only a sparsity is stated, as in DeepSeek-V3 (2412.19437) and Kimi K2."""
USUAL_SHARED = 1
"""Shared experts there, of the same models."""
DENSE_COLUMNS = 8 / 3
"""Columns of a gated feed-forward over the width of its model (Touvron et al. 2023): what the experts of a token have
together unless a granularity is stated. DeepSeek-V3 and Kimi K2 have 2.6, Qwen3-235B 3.0."""


@dataclass(frozen=True, kw_only=True)
class ExpertRequest:
    """The experts of a plan; None where nothing was stated."""

    experts: int | None = None
    """Routed experts of a layer."""
    active: int | None = None
    """Routed experts that a token uses."""
    shared: int | None = None
    """Experts that every token uses besides."""
    sparsity: float | None = None
    """Routed experts over those that a token uses."""
    activation_ratio: float | None = None
    """Used over all experts, shared ones among both."""
    granularity: float | None = None
    """2 d_model over the width of an expert."""

    @property
    def is_set(self) -> bool:
        """Whether anything was stated."""
        return any(value is not None for value in vars(self).values())

    def mixture(self) -> ExpertMixture:
        """The experts in numbers.

        Raises InputError for a number of experts without one of active ones, and for two statements of one thing.
        """
        stated = [name for name in ("experts", "sparsity", "activation_ratio") if getattr(self, name) is not None]
        if len(stated) != 1:
            got = " and ".join(stated) or "none"
            raise InputError(f"plan: expected one of --experts, --sparsity and --activation-ratio, got {got}")
        if self.experts is not None and self.active is None:
            raise InputError(f"plan: --experts {self.experts} says how many there are; add --active, those of a token")
        shared = self.shared if self.shared is not None else 0 if self.experts is not None else USUAL_SHARED
        active = self._active(shared)
        used = active + shared
        return ExpertMixture(
            experts=self._experts(active, shared),
            active=active,
            shared=shared,
            granularity=self.granularity or 2 * used / DENSE_COLUMNS,
        )

    def _active(self, shared: int) -> int:
        """As stated; else the usual number, or as many as the granularity needs for the usual columns."""
        if self.active is not None:
            return self.active
        if self.granularity is None:
            return USUAL_ACTIVE
        return max(1, round(self.granularity * DENSE_COLUMNS / 2) - shared)

    def _experts(self, active: int, shared: int) -> int:
        if self.experts is not None:
            return self.experts
        if self.sparsity is not None:
            if self.sparsity < 1:
                raise InputError(f"--sparsity: expected at least 1, got {format_number(self.sparsity, 6)}")
            return round(self.sparsity * active)
        ratio = self.activation_ratio or 0.0
        if not 0 < ratio <= 1:
            raise InputError(f"--activation-ratio: expected more than 0 and at most 1, got {format_number(ratio, 6)}")
        return max(active, round((active + shared) / ratio) - shared)
