"""What a comparison of two recipes found, as values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from isoflop.compare.curves import LossCurve
from isoflop.errors import Notice

Axis = Literal["data", "compute", "time", "money"]
"""What is multiplied: tokens at fixed size, FLOPs along the frontier, wall-clock time, or money."""
AXES: tuple[Axis, ...] = ("data", "compute", "time", "money")
Verdict = Literal["better", "worse", "equal", "cannot_tell"]
"""Of B against A."""
Trend = Literal["holds", "falls", "grows", "unknown"]
"""Of the multiplier with compute."""
CHANGES: frozenset[Trend] = frozenset({"falls", "grows"})
"""Trends with which no one multiplier serves all scales."""
Reach = Literal["measured", "extrapolated", "never"]
"""Where A has B's loss: within the compute that A was trained with, beyond it, or at no compute at all."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """One thing in which the two recipes must be equal, or differ by intent."""

    what: str
    a: str
    """The value of A, in words; `unknown` where the source does not tell."""
    b: str
    equal: bool
    """False where either is unknown."""
    must: bool = False
    """Whether a difference forbids a verdict: the tokenizer or the bytes of evaluation."""
    remark: str = ""
    """What the difference does to the comparison, and what to do about it; empty where nothing."""


@dataclass(frozen=True, kw_only=True)
class Multiplier:
    """The multiplier in one cell: what A would spend for the loss of B there, over what B spent."""

    params: float | None
    """None where neither side tells its size; the size is then taken to be the same."""
    tokens: float | None
    flops: float | None
    """Training FLOPs of B's runs."""
    loss_a: float
    """Mean over the runs of A in this cell, in the unit of the losses."""
    loss_b: float
    runs_a: int
    runs_b: int
    multiplier: float | None
    """None where A does not reach the loss of B, or the slope is unknown."""
    interval: tuple[float, float] | None
    gap_interval: tuple[float, float] | None = None
    """Of `gap`, at the comparison's level; None without any estimate of noise."""
    reach: Reach = "measured"

    @property
    def gap(self) -> float:
        """ln loss_a - ln loss_b: above zero where B has the lower loss."""
        return math.log(self.loss_a / self.loss_b)


@dataclass(frozen=True, kw_only=True)
class SlopeUsed:
    """By how much the baseline's loss falls along the axis, with which gaps of loss become a multiplier."""

    source: str
    """In words: `a law with one E, alpha and beta for both recipes, fitted to 48 runs`."""
    value: float | None
    """-d ln L / d ln axis of A at the centre of the cells; None where it is not one number."""
    interval: tuple[float, float] | None = None
    usual: bool = False
    """Whether it is the usual slope of language models, since these runs do not show one."""


@dataclass(frozen=True, kw_only=True)
class PinnedFloor:
    """The multiplier if the loss of infinite compute were this number: how much of the answer the floor carries."""

    floor: float
    """E, in the unit of the losses."""
    multiplier: float | None


@dataclass(frozen=True, kw_only=True)
class OwnLaw:
    """That the multiplier is by A's law alone, solved at each run of B, at equal tokens per parameter."""

    multiplier: float
    """Median over B's runs, those that A does not reach as the largest."""
    interval: tuple[float, float]
    runs: int
    runs_not_reached: int
    """Those whose loss lies under A's floor, or below all of A's losses at more than three times their compute."""


@dataclass(frozen=True, kw_only=True)
class SetVerdict:
    """The answer on one evaluation set."""

    json_without: ClassVar = ("curves",)

    name: str
    multiplier: float | None
    """Over the cells, or the runs with `own_law`; None where A does not reach B's loss, or the slope is unknown."""
    interval: tuple[float, float] | None
    """At the comparison's level."""
    probability_above_1: float | None
    """Of the multiplier; where that is unknown, that B's loss is lower."""
    slope: float | None
    """d ln m / d ln C over the cells (d ln D on the axis `data`); None with cells of one compute."""
    slope_interval: tuple[float, float] | None
    trend: Trend
    """With compute: `holds` where the interval of the slope contains zero."""
    reachable: bool
    """Whether A reaches B's losses, in three quarters of the cells or more."""
    verdict: Verdict
    equal_within: float | None
    """Share of the axis within which the two are equal, where the verdict is `equal`; of the loss where the multiplier
    is unknown."""
    pairs_needed: int | None
    """Further pairs that would tell, where the verdict is `cannot_tell` for noise; None otherwise, and where the
    multiplier changes with compute."""
    reason: str
    """What the verdict rests on, as a clause that may follow it: the gap or the multiplier, its cells, its slope."""
    gap: float | None = None
    """ln L_A - ln L_B, mean over the cells, as the runs ended."""
    gap_interval: tuple[float, float] | None = None
    gap_at_equal_length: float | None = None
    """The same with A's losses brought to B's lengths of training by the slope; None where lengths are equal."""
    gap_at_equal_length_interval: tuple[float, float] | None = None
    """With the error of that slope."""
    constant: bool | None = None
    """Whether one multiplier fits all cells: the two recipes share E, alpha and beta as far as the runs tell. None
    where that cannot be tested."""
    slope_used: SlopeUsed | None = None
    runs_of_b: int | None = None
    """Runs of B with a loss on this set; None where no cell has runs of both."""
    runs_not_reached: int | None = None
    """How many of these A does not reach: at no compute, or below all of A's losses and at more than three times the
    cell's compute. A run without a partner of its size and length counts where its loss is below all of A's."""
    median: float | None = None
    """Median multiplier of the cells, those out of reach counting as the largest: unlike a mean it leaves none out.
    None where B is out of reach."""
    own_law: OwnLaw | None = None
    """Where a test finds that the recipes have floors or exponents of their own, `multiplier` is by A's law alone."""
    pinned: tuple[PinnedFloor, ...] = ()
    """Of three floors: the lowest and highest that the runs allow, with the fitted one between them."""
    shrunk: float | None = None
    """The multiplier less what choosing the best of several variants adds; None where one variant was tried."""
    paired: bool = False
    """Whether runs of one label (seed, order of the data) were compared with each other."""
    cells: tuple[Multiplier, ...] = ()
    curves: tuple[LossCurve, ...] = ()
    """Losses on the way of some runs of the largest cells, for pictures; empty where the sources have final rows."""
    parts: dict[str, float] = field(default_factory=dict)
    """Standard deviation of ln m by source: noise, slope, cells, form. Of ln loss where m is unknown."""


@dataclass(frozen=True, kw_only=True)
class NoiseFloor:
    """Scatter of final losses between runs that differ by their seed alone."""

    sd: float
    """Standard deviation of the final loss, in the unit of the losses, pooled."""
    runs: int
    recipes: int
    """Groups of repeated runs that it is pooled over."""
    smallest_gain: dict[int, float]
    """{pairs: smallest gap of ln loss that so many pairs can show, at 5 % one-sided with 80 % power}."""
    interval: tuple[float, float] | None = None
    """Of sd, at the level of the question, by the chi-square distribution."""
    relative_sd: float = 0.0
    """Standard deviation of ln loss, pooled: what the gaps are measured by."""
    degrees: int = 0
    """Of freedom: runs less groups."""
    set_name: str = ""
    """The evaluation set that the losses are of."""


@dataclass(frozen=True, kw_only=True)
class Savings:
    """At a planned run: FLOPs that B spends less than A for A's loss there, and their share of A's."""

    flops: float
    share: float
    interval: tuple[float, float] | None
    """Of the share."""
    money: float | None = None
    """US dollars, where a price is known."""
    money_range: tuple[float, float] | None = None
    """Of `money`, by what whole runs reach of the peak: the FLOPs saved are taken as known."""
    set_name: str = ""
    """The evaluation set whose multiplier this is: the first."""
    multiplier: float | None = None
    """At the planned run, with its trend carried on; never the mean over the cells."""
    extrapolated_by: float = 1.0
    """The planned compute over the largest that was compared; 1 inside."""


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
    """Of the first set."""
    saved: Savings | None
    loss_unit: str = "nats_per_token"
    """Of all losses."""
    notices: tuple[Notice, ...] = ()
    noises: tuple[NoiseFloor, ...] = ()
    """Of every set whose noise is known."""

    @property
    def differences(self) -> tuple[Audit, ...]:
        """What differs, or is not known of one side: said before any number."""
        return tuple(each for each in self.audit if not each.equal)
