"""A comparison of two recipes in sentences: the verdict with its multiplier and interval, set by set."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from isoflop.compare import Comparison, SetVerdict
from isoflop.compare.result import CHANGES
from isoflop.errors import Notice
from isoflop.report.formatting import DASH, interval_text, share_text
from isoflop.units import format_flops, format_number

AXIS_WORDS = {"data": "tokens", "compute": "compute", "time": "time", "money": "money"}
"""{axis: what is multiplied, in a word}"""
AXIS_NOTES = {
    "data": "training tokens at a fixed model size",
    "compute": "training FLOPs",
    "time": "wall-clock time of training",
    "money": "price of training",
}
_CANNOT_TELL = "cannot be told"
VERDICTS = {"better": "better", "worse": "worse", "equal": "equal", "cannot_tell": _CANNOT_TELL}
"""{verdict: its words}"""
_BIG, _SMALL, _NEAR = 99.95, 0.01, 0.05
_LISTED = 4
_USUAL = "the usual slope of language models, not by these runs"
_OF_SIDES = ("not_reached", "some_not_reached", "best_of_variants")
"""Codes of notices that speak of A and B."""
_NOTHING = 1e-7  # of a share: rounding
_SIDE = re.compile(r"\b[AB]\b")


def times_text(multiplier: float) -> str:
    """A multiplier with three digits, with three decimals near 1.

    >>> times_text(1.3149), times_text(1.0084), times_text(0.8), times_text(10.299), times_text(.00123)
    ('1.31', '1.008', '0.800', '10.3', '0.00123')
    """
    if abs(multiplier - 1) < _NEAR:
        return f"{multiplier:.3f}"
    if _SMALL <= multiplier < _BIG:
        return f"{multiplier:.{max(0, 2 - math.floor(math.log10(multiplier)))}f}"
    return format_number(multiplier)


def percent_text(share: float) -> str:
    """A share in per cent, two digits; below nought with a minus sign as wide as a plus.

    >>> percent_text(.2345), percent_text(-.1)
    ('23 %', '−10 %')
    """
    if abs(share) < _NOTHING:
        return "0 %"
    return f"{format_number(100 * share, 2)} %".replace("-", "−")


def named(text: str, comparison: Comparison) -> str:
    """`text` with the names of the recipes in place of A and B."""
    return _SIDE.sub(lambda side: comparison.a if side[0] == "A" else comparison.b, text)


def named_notices(comparison: Comparison) -> tuple[Notice, ...]:
    """The comparison's notices, those about A and B with their names."""
    return tuple(
        replace(notice, message=named(notice.message, comparison)) if notice.code in _OF_SIDES else notice
        for notice in comparison.notices
    )


def headline(comparison: Comparison) -> str:
    """The answer in one sentence, with the multiplier and its interval."""
    sets = comparison.sets
    if not sets:
        return f"Whether {comparison.b} is better than {comparison.a} {_CANNOT_TELL}: no evaluation set is common."
    if len(sets) == 1:
        return _one_set(comparison, sets[0])
    if len({one.verdict for one in sets}) == 1:
        return _all_agree(comparison)
    return _differ(comparison)


def _one_set(comparison: Comparison, one: SetVerdict) -> str:
    a, b = comparison.a, comparison.b
    match one.verdict:
        case "better" | "worse":
            return f"{b} is {one.verdict} than {a}: {_worth(comparison, one)}{_and_trend(one)}."
        case "equal":
            return f"{b} and {a} are equal{_within(comparison, one)}: {_worth(comparison, one)}{_and_trend(one)}."
        case "cannot_tell" if one.trend in CHANGES:
            return f"Whether {b} is better than {a} {_CANNOT_TELL} for all scales at once: {changing(one)}."
        case "cannot_tell":
            return f"Whether {b} is better than {a} {_CANNOT_TELL}: {_worth(comparison, one)}{_more_pairs(one)}."


def changing(one: SetVerdict) -> str:
    """`its multiplier grows with compute, from 0.721 at 9.8e10 FLOPs to 1.29 at 3.9e11`, by the cells at both ends."""
    known = sorted((cell.flops, cell.multiplier) for cell in one.cells if cell.flops and cell.multiplier)
    words = f"the multiplier {one.trend} with compute"
    if len(known) < 2 or known[0][0] == known[-1][0]:
        return words
    (least, first), (most, last) = known[0], known[-1]
    return (
        f"{words}, from {times_text(first)} at {format_flops(least, 2)} FLOPs to {times_text(last)} at "
        f"{format_flops(most, 2)}"
    )


def _and_trend(one: SetVerdict) -> str:
    return f"; {changing(one)}" if one.trend in CHANGES else ""


def _within(comparison: Comparison, one: SetVerdict) -> str:
    if one.equal_within is None:
        return ""
    of = AXIS_WORDS[comparison.axis] if one.multiplier is not None else "loss"
    return f" within {percent_text(one.equal_within)} of the {of}"


def _worth(comparison: Comparison, one: SetVerdict) -> str:
    """What A needs for B's loss; where A does not reach it, the gap of the losses."""
    a, b, axis = comparison.a, comparison.b, AXIS_WORDS[comparison.axis]
    if one.multiplier is not None:
        between = (
            f" ({interval_text(one.interval, times_text)}, {share_text(comparison.level)})" if one.interval else ""
        )
        usual = f", by {_USUAL}" if one.slope_used is not None and one.slope_used.usual else ""
        noise = "" if one.interval else "; nothing tells how far apart two seeds are"
        times = times_text(one.multiplier)
        return f"for the loss that {b} reaches, {a} needs {times} times the {axis}{between}{usual}{noise}"
    gap = _gap(comparison, one)
    return f"no {axis} that its runs speak for brings {a} to the loss of {b}" + (f", and {gap}" if gap else "")


def _gap(comparison: Comparison, one: SetVerdict) -> str:
    """`the loss of muon is 0.41 % lower (0.30 to 0.52 %, 90 %)`; empty where it is not known."""
    if one.gap is None:
        return ""
    word = "lower" if one.gap >= 0 else "higher"
    if one.gap_interval is None and abs(one.gap) < _NOTHING:
        return f"the loss of {comparison.b} is the same"
    between = "" if one.gap_interval is None else f" ({gap_interval_text(one)}, {share_text(comparison.level)})"
    return f"the loss of {comparison.b} is {percent_text(_apart(one.gap, one.gap))} {word}{between}"


def equal_length_text(comparison: Comparison, one: SetVerdict) -> str:
    """`at equal length of training the loss of muon is 0.05 % lower (0.02 to 0.09 %, 90 %)`.

    Empty where the runs trained equally long.
    """
    if one.gap_at_equal_length is None:
        return ""
    at_equal = replace(one, gap=one.gap_at_equal_length, gap_interval=one.gap_at_equal_length_interval)
    return f"at equal length of training {_gap(comparison, at_equal)}"


def gap_text(one: SetVerdict) -> str:
    """`−0.41 %`: the loss of B over that of A, less 1; a dash where it is not known."""
    if one.gap is None:
        return DASH
    share = percent_text(_apart(one.gap, one.gap))
    sign = "" if share == "0 %" else "+" if one.gap < 0 else "−"
    return sign + share


def gap_interval_text(one: SetVerdict) -> str:
    """`0.30 to 0.52 %`, lower or higher as the gap itself; a dash where it is not known."""
    if one.gap is None or one.gap_interval is None:
        return DASH
    low, high = sorted(100 * _apart(end, one.gap) for end in one.gap_interval)
    return f"{format_number(low, 2)} to {format_number(high, 2)} %".replace("-", "−")


def _apart(gap: float, direction: float) -> float:
    """The share by which B's loss is lower, or where `direction` is below nought higher, than A's."""
    share = -math.expm1(-gap)
    return share if direction >= 0 else -share


def _all_agree(comparison: Comparison) -> str:
    sets, a, b, axis = comparison.sets, comparison.a, comparison.b, AXIS_WORDS[comparison.axis]
    count = "both evaluation sets" if len(sets) == 2 else f"all {len(sets)} evaluation sets"
    match sets[0].verdict:
        case "better" | "worse":
            word = f"{b} is {sets[0].verdict} than {a} on {count}"
        case "equal":
            word = f"{b} and {a} are equal on {count}"
        case "cannot_tell":
            open_words = f"Whether {b} is better than {a} {_CANNOT_TELL} on any of {len(sets)} evaluation sets"
            return f"{open_words}{_all_trend(sets)}."
    worth = _range(comparison, axis)
    return f"{word}: {worth}{_all_trend(sets)}." if worth else f"{word}."


def _all_trend(sets: Sequence[SetVerdict]) -> str:
    """The trend that all sets share, with the numbers of the first; empty where they share none."""
    if sets[0].trend not in CHANGES or len({one.trend for one in sets}) > 1:
        return ""
    return f"; on each {changing(sets[0])} ({short_name(sets[0].name, sets)})"


def _range(comparison: Comparison, axis: str) -> str:
    """From the least to the largest multiplier, each with its set: one pooled number would say of no set what holds."""
    sets = comparison.sets
    known = sorted((one.multiplier, short_name(one.name, sets)) for one in sets if one.multiplier is not None)
    missing = [short_name(one.name, sets) for one in sets if not one.reachable]
    parts = []
    if known:
        (low, first), (high, last) = known[0], known[-1]
        ends = f"{times_text(low)} ({first})" + (f" to {times_text(high)} ({last})" if len(known) > 1 else "")
        parts.append(f"for the loss that {comparison.b} reaches, {comparison.a} needs {ends} times the {axis}")
    if missing:
        parts.append(f"on {listed(missing)} no {axis} that its runs speak for is enough")
    return ", and ".join(parts)


def _differ(comparison: Comparison) -> str:
    """The sets by verdict: better on these, worse on those."""
    parts = []
    for verdict, words in (
        ("better", "better on"),
        ("worse", "worse on"),
        ("equal", "equal on"),
        ("cannot_tell", "no verdict on"),
    ):
        found = [one for one in comparison.sets if one.verdict == verdict]
        if found:
            parts.append(f"{words} {listed([_with_times(one, comparison.sets) for one in found])}")
    return f"{comparison.b} against {comparison.a} depends on the evaluation set: {'; '.join(parts)}."


def _with_times(one: SetVerdict, sets: Sequence[SetVerdict]) -> str:
    name = short_name(one.name, sets)
    if one.multiplier is not None:
        return f"{name} ({times_text(one.multiplier)})"
    return f"{name} (out of reach)"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`; of many the first, and how many more."""
    shown = list(names) if len(names) <= _LISTED else [*names[: _LISTED - 1], f"{len(names) - _LISTED + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _more_pairs(one: SetVerdict) -> str:
    if one.pairs_needed is None:
        return ""
    return f"; about {one.pairs_needed:,} further pair{'s' if one.pairs_needed != 1 else ''} would tell"


def short_name(name: str, sets: Sequence[SetVerdict]) -> str:
    """The name of an evaluation set without what the names of all share, where that still tells them apart.

    >>> from isoflop.report.comparison_words import shortened
    >>> shortened(["loss[val/c4/1.tar]", "loss[val/ptb/1.tar]"])
    {'loss[val/c4/1.tar]': 'c4', 'loss[val/ptb/1.tar]': 'ptb'}
    """
    return shortened([one.name for one in sets]).get(name, name)


def shortened(names: Sequence[str]) -> dict[str, str]:
    """{name: the name without the beginning and the end that all names share, cut between words}."""
    if len(set(names)) < 2:
        return {name: name for name in names}
    head, tail = _whole_words(names), _whole_words([name[::-1] for name in names])
    short = {name: name[len(head) : len(name) - len(tail)] for name in names}
    return short if all(short.values()) else {name: name for name in names}


def _whole_words(names: Sequence[str]) -> str:
    """What all names begin with, up to its last mark that parts words: a beginning of a word stays with it."""
    first, last = min(names), max(names)
    length = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    common = first[:length]
    return common[: max(common.rfind(mark) for mark in "/[]|:;. ") + 1]
