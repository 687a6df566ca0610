"""The verdict in words: better, worse, equal within x %, or cannot be told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isoflop.compare.result import Axis, Trend, Verdict
from isoflop.units import format_number

Interval = tuple[float, float]
_WORD = {"data": "tokens", "compute": "compute", "time": "time", "money": "money"}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict on a quantity that is zero where both recipes are equal, with B better above."""

    verdict: Verdict
    within: float | None
    """Where they are equal: the share of the axis, or of the loss, within which they are."""


def judge(interval: Interval | None, margin: float) -> Judgement:
    """The verdict that an interval gives; `margin` is where equality ends, as a logarithm.

    >>> judge((0.01, 0.2), 0.05).verdict, judge((-0.01, 0.02), 0.05).verdict, judge((-0.1, 0.2), 0.05).verdict
    ('better', 'equal', 'cannot_tell')
    """
    if interval is None:
        return Judgement(verdict="cannot_tell", within=None)
    low, high = interval
    if low > 0 or high < 0:
        return Judgement(verdict="better" if low > 0 else "worse", within=None)
    widest = max(-low, high)
    if widest <= margin:
        return Judgement(verdict="equal", within=math.expm1(widest))
    return Judgement(verdict="cannot_tell", within=None)


def multiplier_words(value: float, interval: Interval | None, level: float, axis: Axis) -> str:
    """`A needs 1.18 times the compute for B's loss (90 % interval 1.09 to 1.27)`."""
    digits = 3 if abs(math.log(value)) > 0.1 else 4
    words = [format_number(each, digits) for each in (value, *(interval or ()))]
    ends = f" ({level:.0%} interval {words[1]} to {words[2]})" if interval else ""
    return f"A needs {words[0]} times the {_WORD[axis]} for B's loss{ends.replace('%', ' %')}"


def gap_words(value: float, interval: Interval | None, level: float) -> str:
    """`B's loss is .31 % lower (90 % interval .12 to .5 %)`."""
    ends = ""
    if interval is not None:
        low, high = sorted(100 * math.copysign(1, value) * end for end in interval)
        ends = f" ({level:.0%} interval".replace("%", " %") + f" {format_number(low)} to {format_number(high)} %)"
    word = "lower" if value >= 0 else "higher"
    return f"B's loss is {format_number(100 * abs(value))} % {word}{ends}"


def axis_word(axis: Axis) -> str:
    """What is multiplied, as a sentence says it."""
    return _WORD[axis]


def count_words(cells: int, runs_a: int, runs_b: int, paired: bool) -> str:
    """`3 cells, 6 and 6 runs in pairs of equal labels`."""
    pairs = ", in pairs of one label" if paired else ""
    return f"{cells} {'cell' if cells == 1 else 'cells'} with {runs_a} and {runs_b} runs{pairs}"


def trend_of(interval: Interval | None) -> Trend:
    """What an interval of d ln m / d ln C says: `holds` where it contains zero.

    >>> trend_of((-0.1, 0.2)), trend_of((0.1, 0.2)), trend_of(None)
    ('holds', 'grows', 'unknown')
    """
    if interval is None:
        return "unknown"
    if interval[0] > 0 or interval[1] < 0:
        return "grows" if interval[0] > 0 else "falls"
    return "holds"


def trend_words(slope: float | None, interval: Interval | None) -> str:
    """`it grows with compute, times 1.2 a decade (1.1 to 1.3)`; empty where nothing tells it."""
    if slope is None or interval is None:
        return ""
    decade = [format_number(10**value) for value in (slope, *interval)]
    if trend_of(interval) == "holds":
        return f"no trend with compute is seen (times {decade[1]} to {decade[2]} a decade)"
    return f"it {trend_of(interval)} with compute, times {decade[0]} a decade ({decade[1]} to {decade[2]})"
