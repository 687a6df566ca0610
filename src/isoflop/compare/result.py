"""What a comparison of two recipes found, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from isoflop.errors import Notice

Axis = Literal["data", "compute", "time", "money"]
"""What is multiplied: tokens at fixed size, FLOPs along the frontier, wall-clock time, or money."""
Verdict = Literal["better", "worse", "equal", "cannot_tell"]
"""Of B against A."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """One thing in which the two recipes must be equal, or differ by intent."""

    what: str
    a: str
    """The value of A, in words; `unknown` where the source does not tell."""
    b: str
    equal: bool
    must: bool = False
    """Whether a difference forbids a verdict: the tokenizer or the bytes of evaluation."""


@dataclass(frozen=True, kw_only=True)
class Multiplier:
    """The multiplier in one cell (or at one compute): C_A(L_B(C)) / C, and what it was made from."""

    params: float
    tokens: float
    flops: float
    loss_a: float
    """Nats per token, mean over the runs of A in this cell."""
    loss_b: float
    runs_a: int
    runs_b: int
    multiplier: float | None
    """None where A does not reach the loss of B at any compute."""
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class SetVerdict:
    """The answer on one evaluation set."""

    name: str
    multiplier: float | None
    """Over the cells; None where A does not reach B's loss, or the slope cannot be told."""
    interval: tuple[float, float] | None
    """At the comparison's level."""
    probability_above_1: float | None
    slope: float | None
    """d ln m / d ln C over the cells; None with cells of one compute."""
    slope_interval: tuple[float, float] | None
    trend: Literal["holds", "falls", "grows", "unknown"]
    """With compute."""
    reachable: bool
    """Whether A reaches B's losses at all, by the shared law."""
    verdict: Verdict
    equal_within: float | None
    """Share of the axis within which the two are equal, where the verdict is `equal`."""
    pairs_needed: int | None
    """Further pairs that would tell, where the verdict is `cannot_tell` for noise; None otherwise."""
    reason: str
    """The verdict in words, with what it rests on."""
    cells: tuple[Multiplier, ...] = ()
    parts: dict[str, float] = field(default_factory=dict)
    """Standard deviation of ln m by source: noise, slope, cells, form, extrapolation."""


@dataclass(frozen=True, kw_only=True)
class NoiseFloor:
    """Scatter of final losses between runs that differ by their seed alone."""

    sd: float
    """Standard deviation of the final loss, nats per token, pooled."""
    runs: int
    recipes: int
    """Groups of repeated runs that it is pooled over."""
    smallest_gain: dict[int, float]
    """{pairs: smallest gap of ln loss that so many pairs can show, at 5 % one-sided with 80 % power}."""


@dataclass(frozen=True, kw_only=True)
class Savings:
    """At a planned run: FLOPs that B spends less than A for A's loss there, and their share of A's."""

    flops: float
    share: float
    interval: tuple[float, float] | None
    """Of the share."""
    money: float | None = None
    """US dollars, where a price is known."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Recipe B against recipe A."""

    a: str
    b: str
    axis: Axis
    level: float
    audit: tuple[Audit, ...]
    sets: tuple[SetVerdict, ...]
    noise: NoiseFloor | None
    saved: Savings | None
    notices: tuple[Notice, ...] = ()
