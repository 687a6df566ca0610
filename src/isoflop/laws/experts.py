"""What a mixture of experts saves over a dense model, and how its compute is split: Tian et al. 2025 (2507.17702).

The efficiency leverage is the compute of a dense model over that of the mixture, at equal loss. Equation 13 does not
say which logarithms it takes: with log10 of the compute and log2 of the granularity it gives what its own text claims,
7.24 for 3.1 % of the experts at granularity 12 and 1e22 FLOPs, and no other pair of bases does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

from isoflop.codec import Pair
from isoflop.errors import InputError
from isoflop.units import format_number


@dataclass(frozen=True, kw_only=True)
class ExpertMixture:
    """How many experts a layer has, how many a token uses, and how narrow they are: what the leverage depends on."""

    experts: float
    """Routed experts of a layer."""
    active: float
    """Routed experts that a token uses."""
    shared: float = 0
    """Experts that every token uses besides, each as wide as a routed one."""
    granularity: float
    """2 d_model over the width of an expert."""

    def __post_init__(self) -> None:
        """Raises InputError where a token would use more experts than there are, or none."""
        problems = []
        if not 1 <= self.active <= self.experts:
            problems.append(
                f"active: expected 1 to {format_number(self.experts, 6)} of the experts, "
                f"got {format_number(self.active, 6)}"
            )
        if not 0 <= self.shared < math.inf:
            problems.append(f"shared: expected 0 or more experts, got {format_number(self.shared, 6)}")
        if not 0 < self.granularity < math.inf:
            problems.append(f"granularity: expected a positive number, got {format_number(self.granularity, 6)}")
        if problems:
            raise InputError.gathered("experts", problems)

    @property
    def activation_ratio(self) -> float:
        """A: the experts that a token uses over all of them, the shared ones among both."""
        return (self.active + self.shared) / (self.experts + self.shared)

    @property
    def sparsity(self) -> float:
        """Routed experts over those that a token uses, as in Kimi Team 2025 (2507.20534, section 2.3)."""
        return self.experts / self.active


@dataclass(frozen=True, kw_only=True)
class LeverageLaw:
    """EL(A, G, C) = Ahat^(a + d log10 C + gamma (log2 G)^2 + beta log2 G), equation 13.

    1 / Ahat = 1 / (A + 1 / (1/A_start - 1/A_max)) + 1 / A_max: the ratio between its two limits.
    """

    a: float = 1.23
    d: float = -0.0761
    gamma: float = 0.0167
    beta: float = -0.117
    start: float = 0.0163
    """A_start; these six numbers are those of table 2."""
    most: float = 5.28e16
    """A_max."""
    flops_domain: Pair = (3e18, 3e20)
    """Training FLOPs of the runs that it was fitted to, more than 300."""
    name: str = "tian2025"
    paper: str = "Tian et al. 2025, 2507.17702"

    def leverage(self, activation_ratio: float, granularity: float, flops: float) -> float:
        """FLOPs of a dense model over those of the mixture with the same loss, the mixture's being `flops`.

        >>> round(LeverageLaw().leverage(0.031, 12, 1e22), 2)
        7.24
        """
        _check(activation_ratio, granularity, flops)
        inner = activation_ratio + 1 / (1 / self.start - 1 / self.most)
        moved = 1 / (1 / inner + 1 / self.most)
        log_granularity = math.log2(granularity)
        power = self.a + self.d * math.log10(flops)
        return float(moved ** (power + self.gamma * log_granularity**2 + self.beta * log_granularity))

    @property
    def best_granularity(self) -> float:
        """G of the largest leverage, the same for every A and C: where the power is least."""
        return float(2 ** (-self.beta / (2 * self.gamma)))


LEVERAGE = LeverageLaw()
"""The published law."""


@dataclass(frozen=True, kw_only=True)
class TokenAllocation:
    """D = coefficient C^exponent, and so M = C / D FLOPs a token, of the same paper."""

    coefficient: float
    exponent: float

    def tokens(self, flops: float) -> float:
        """Training tokens that `flops` training FLOPs are best spent on."""
        if not 0 < flops < math.inf:
            raise InputError(f"flops: expected a positive number, got {format_number(flops, 6)}")
        return float(self.coefficient * flops**self.exponent)

    def flops_per_token(self, flops: float) -> float:
        """M: training FLOPs a token of the best model of this budget."""
        return flops / self.tokens(flops)


EXPERT_ALLOCATION = TokenAllocation(coefficient=5.2232, exponent=0.4905)
"""Of mixtures of experts: 3.23e11 tokens at 1e22 FLOPs."""
DENSE_ALLOCATION = TokenAllocation(coefficient=15.2582, exponent=0.4578)
"""Of dense models: 1.80e11 tokens at 1e22 FLOPs."""


@dataclass(frozen=True, kw_only=True)
class SparsityReport:
    """An independent measurement: how many times fewer FLOPs the sparsest mixture needs for the same loss.

    Kimi Team 2025 (2507.20534), section 2.3: 8 of up to 384 experts, one shared.
    """

    paper: str = "Kimi Team 2025, 2507.20534, section 2.3"
    sparsest: float = 48.0
    times_fewer: dict[float, float] = field(default_factory=lambda: {8.0: 1.69, 16.0: 1.39, 32.0: 1.15, 48.0: 1.0})
    """{sparsity: its FLOPs over those of the sparsest}."""
    active: int = 8
    shared: int = 1
    granularity: float = 7.0
    """2 x 7,168 over 2,048, the widths of Kimi K2."""

    def saving(self, sparsity: float) -> float | None:
        """FLOPs at sparsity 8 over those at `sparsity` for the same loss, between its points linear in the logarithms.

        None outside 8 to 48.

        >>> round(SparsityReport().saving(48), 2)
        1.69
        """
        points = sorted(self.times_fewer.items())
        for (low, before), (high, after) in pairwise(points):
            if low <= sparsity <= high:
                way = math.log(sparsity / low) / math.log(high / low)
                at_it = before * (after / before) ** way
                return float(points[0][1] / at_it)
        return None

    def saving_by(self, law: LeverageLaw, sparsity: float, flops: float) -> float:
        """The same by a law of leverage, with the report's own experts."""

        def leverage(of: float) -> float:
            """The law's leverage of the report's mixture at sparsity `of`."""
            mixture = ExpertMixture(
                experts=self.active * of, active=self.active, shared=self.shared, granularity=self.granularity
            )
            return law.leverage(mixture.activation_ratio, mixture.granularity, flops)

        return leverage(sparsity) / leverage(min(self.times_fewer))


SPARSITY_REPORT = SparsityReport()
"""The published measurement."""


def _check(activation_ratio: float, granularity: float, flops: float) -> None:
    problems = []
    if not 0 < activation_ratio <= 1:
        problems.append(
            f"activation ratio: expected more than 0 and at most 1, got {format_number(activation_ratio, 6)}"
        )
    if not 0 < granularity < math.inf:
        problems.append(f"granularity: expected a positive number, got {format_number(granularity, 6)}")
    if not 0 < flops < math.inf:
        problems.append(f"flops: expected a positive number, got {format_number(flops, 6)}")
    if problems:
        raise InputError.gathered("leverage of experts", problems)
