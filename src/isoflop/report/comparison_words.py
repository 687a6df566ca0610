"""A comparison of two recipes in words: its headline, and the facts and tables that its page and the terminal share."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.compare import Audit, Comparison, NoiseFloor, Savings, SetVerdict
from isoflop.report.formatting import DASH, format_or_dash, interval_text, share_text
from isoflop.report.panel import KeyValue, SmallTable
from isoflop.units import format_flops, format_money, format_number

AXES = {"data": "tokens", "compute": "compute", "time": "time", "money": "money"}
"""{axis: what is multiplied, in a word}"""
AXIS_NOTES = {
    "data": "training tokens at a fixed model size",
    "compute": "training FLOPs",
    "time": "wall-clock time of training",
    "money": "price of training",
}
VERDICTS = {"better": "better", "worse": "worse", "equal": "equal", "cannot_tell": "cannot be told"}
"""{verdict: its words}"""
PARTS = {
    "noise": "noise of the losses between seeds",
    "slope": "error of the slope of the baseline's loss",
    "cells": "spread of the multiplier between cells",
    "form": "form of the law",
    "extrapolation": "distance beyond the runs",
}
"""{part of the interval: what it is}"""
_BIG, _SMALL = 100.0, 0.01


def times_text(multiplier: float) -> str:
    """A multiplier with two decimals, or three digits where it is far from 1.

    >>> times_text(1.3149), times_text(0.8), times_text(123.4), times_text(.00123)
    ('1.31', '0.80', '123', '0.00123')
    """
    if _SMALL <= multiplier < _BIG:
        return f"{multiplier:.2f}"
    return format_number(multiplier)


def headline(comparison: Comparison) -> str:
    """The answer in one sentence, with the multiplier and its interval."""
    sets = comparison.sets
    if not sets:
        return f"Whether {comparison.b} is better than {comparison.a} cannot be told: no evaluation set is common."
    if len(sets) == 1:
        return _one_set(comparison, sets[0])
    verdicts = {one.verdict for one in sets}
    if len(verdicts) == 1:
        return _all_agree(comparison)
    return _differ(comparison)


def _one_set(comparison: Comparison, one: SetVerdict) -> str:
    a, b = comparison.a, comparison.b
    match one.verdict:
        case "better" | "worse":
            return f"{b} is {one.verdict} than {a}: {_needs(comparison, one)}."
        case "equal":
            within = "" if one.equal_within is None else f" within {_percent(one.equal_within)} of the "
            return f"{b} and {a} are equal{within}{AXES[comparison.axis]}: {_needs(comparison, one)}."
        case "cannot_tell":
            return f"Whether {b} is better than {a} cannot be told: {_clause(one.reason)}{_more_pairs(one)}."


def _needs(comparison: Comparison, one: SetVerdict) -> str:
    """What A needs for B's loss; that it does not reach it, where no multiplier says so."""
    if one.multiplier is None:
        if not one.reachable:
            return f"no amount of {AXES[comparison.axis]} brings {comparison.a} to the loss of {comparison.b}"
        return _clause(one.reason)
    between = "" if one.interval is None else f" ({_interval(one)}, {share_text(comparison.level)})"
    return (
        f"for the loss that {comparison.b} reaches, {comparison.a} needs {times_text(one.multiplier)} times the "
        f"{AXES[comparison.axis]}{between}"
    )


def _all_agree(comparison: Comparison) -> str:
    sets, a, b, axis = comparison.sets, comparison.a, comparison.b, AXES[comparison.axis]
    count = "both evaluation sets" if len(sets) == 2 else f"all {len(sets)} evaluation sets"
    match sets[0].verdict:
        case "better" | "worse":
            word = f"{b} is {sets[0].verdict} than {a} on {count}"
        case "equal":
            word = f"{b} and {a} are equal on {count}"
        case "cannot_tell":
            return f"Whether {b} is better than {a} cannot be told on any of {len(sets)} evaluation sets."
    return f"{word}: for the loss that {b} reaches, {a} needs {_range(sets, axis)}."


def _range(sets: Sequence[SetVerdict], axis: str) -> str:
    """From the least to the largest multiplier, each with its set: one pooled number would say of no set what holds."""
    known = sorted((one.multiplier, short_name(one.name, sets)) for one in sets if one.multiplier is not None)
    missing = [short_name(one.name, sets) for one in sets if one.multiplier is None and not one.reachable]
    parts = []
    if known:
        (low, first), (high, last) = known[0], known[-1]
        ends = f"{times_text(low)} ({first})" + (f" to {times_text(high)} ({last})" if len(known) > 1 else "")
        parts.append(f"{ends} times the {axis}")
    if missing:
        parts.append(f"on {_listed(missing)} no amount of {axis} is enough")
    return ", and ".join(parts) if parts else f"an amount of {axis} that the runs do not tell"


def _differ(comparison: Comparison) -> str:
    """The sets by verdict: better on these, worse on those."""
    parts = []
    for verdict, words in (
        ("better", "better on"),
        ("worse", "worse on"),
        ("equal", "equal on"),
        ("cannot_tell", "not told on"),
    ):
        found = [one for one in comparison.sets if one.verdict == verdict]
        if found:
            parts.append(f"{words} {_listed([_with_times(one, comparison.sets) for one in found])}")
    return f"{comparison.b} against {comparison.a} depends on the evaluation set: {'; '.join(parts)}."


def _with_times(one: SetVerdict, sets: Sequence[SetVerdict]) -> str:
    name = short_name(one.name, sets)
    if one.multiplier is not None:
        return f"{name} ({times_text(one.multiplier)})"
    return name if one.reachable else f"{name} (out of reach)"


_LISTED = 4


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`; of many the first, and how many more."""
    shown = list(names) if len(names) <= _LISTED else [*names[: _LISTED - 1], f"{len(names) - _LISTED + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _clause(reason: str) -> str:
    """A reason as the end of a sentence."""
    return reason.strip().rstrip(".")


def _more_pairs(one: SetVerdict) -> str:
    if one.pairs_needed is None:
        return ""
    return f"; about {one.pairs_needed} further pair{'s' if one.pairs_needed != 1 else ''} would tell"


def _interval(one: SetVerdict) -> str:
    return interval_text(one.interval, times_text)


def _percent(share: float) -> str:
    return f"{format_number(100 * share, 2)} %"


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
    alike = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    common = first[:alike]
    return common[: max(common.rfind(mark) for mark in "/[]|:;. ") + 1]


def set_table(comparison: Comparison) -> SmallTable:
    """A row an evaluation set: multiplier, interval, how it changes with compute, verdict."""
    sets = comparison.sets
    rows = []
    for one in sets:
        times = format_or_dash(one.multiplier, times_text) if one.reachable else "out of reach"
        rows.append(
            (short_name(one.name, sets), times, interval_text(one.interval, times_text), _slope(one), _verdict(one))
        )
    return SmallTable(
        heading=f"Multiplier of {AXES[comparison.axis]} by evaluation set",
        columns=("evaluation set", "multiplier", share_text(comparison.level), "slope in compute", "verdict"),
        rows=tuple(rows),
        note=f"Multiplier: the {AXES[comparison.axis]} that {comparison.a} needs for the loss of {comparison.b}, over "
        f"that of {comparison.b}. Slope: d ln(multiplier) / d ln(compute).",
    )


def _slope(one: SetVerdict) -> str:
    if one.slope is None:
        return DASH
    trend = "" if one.trend == "unknown" else f", {one.trend}"
    return f"{one.slope:+.3f}{trend}".replace("-", "−")


def _verdict(one: SetVerdict) -> str:
    words = VERDICTS[one.verdict]
    if one.verdict == "equal" and one.equal_within is not None:
        words += f" within {_percent(one.equal_within)}"
    if one.verdict == "cannot_tell" and one.pairs_needed is not None:
        words += f", {one.pairs_needed} more pairs"
    return words


def reason_facts(comparison: Comparison) -> list[KeyValue]:
    """Why each verdict is what it is; one line where the reasons are the same."""
    found: dict[str, list[str]] = {}
    for one in comparison.sets:
        if one.reason:
            found.setdefault(_clause(one.reason), []).append(short_name(one.name, comparison.sets))
    if len(found) == 1:
        return [KeyValue(label="Why", value=reason) for reason in found]
    return [KeyValue(label=_listed(names), value=reason) for reason, names in found.items()]


def differing(comparison: Comparison) -> list[Audit]:
    """What differs between the two recipes, what forbids a verdict first."""
    return sorted((one for one in comparison.audit if not one.equal), key=lambda one: not one.must)


def audit_table(comparison: Comparison) -> SmallTable | None:
    """What differs, with the value of each side; None where nothing does."""
    rows = tuple((one.what, one.a, one.b) for one in differing(comparison))
    if not rows:
        return None
    same = sum(one.equal for one in comparison.audit)
    return SmallTable(
        heading="What differs",
        columns=("", comparison.a, comparison.b),
        rows=rows,
        note=f"{same} of {len(comparison.audit)} things that were compared are equal." if same else "",
    )


def parts_table(comparison: Comparison) -> SmallTable | None:
    """Standard deviation of ln(multiplier) by source and evaluation set; None where none is known."""
    known = [one for one in comparison.sets if one.parts]
    names = [name for name in PARTS if any(name in one.parts for one in known)]
    names += sorted({name for one in known for name in one.parts} - set(PARTS))
    if not names:
        return None
    rows = tuple(
        (
            short_name(one.name, comparison.sets),
            *(_percent(one.parts[name]) if name in one.parts else DASH for name in names),
        )
        for one in known
    )
    words = "; ".join(f"{name}: {PARTS[name]}" for name in names if name in PARTS)
    return SmallTable(
        heading="What the interval is made of",
        columns=("evaluation set", *names),
        rows=rows,
        note=f"Standard deviations of the multiplier, whose squares add up. {words[:1].upper()}{words[1:]}.",
    )


def noise_facts(noise: NoiseFloor | None) -> list[KeyValue]:
    """The noise floor and the smallest gain that pairs of runs can show."""
    if noise is None:
        return []
    gains = ", ".join(
        f"{pairs} pair{'s' if pairs > 1 else ''} {_percent(gain)}"
        for pairs, gain in sorted(noise.smallest_gain.items())
    )
    groups = "recipe" if noise.recipes == 1 else "recipes"
    return [
        KeyValue(
            label="Noise floor",
            value=f"{format_number(noise.sd)} nats per token: standard deviation of the final loss between seeds, "
            f"pooled over {noise.runs} runs of {noise.recipes} {groups}",
        ),
        KeyValue(label="Smallest gain", value=f"of the loss, that is shown 8 times of 10: {gains}"),
    ]


def saved_facts(saved: Savings | None, comparison: Comparison) -> list[KeyValue]:
    """What B saves at the planned run, in FLOPs and money."""
    if saved is None:
        return []
    between = "" if saved.interval is None else f" ({interval_text(saved.interval, share_of)})"
    facts = [
        KeyValue(
            label="Saved",
            value=f"{share_of(saved.share)}{between} of the FLOPs of {comparison.a}: {format_flops(saved.flops)} FLOPs",
        )
    ]
    if saved.money is not None:
        facts.append(KeyValue(label="", value=f"{format_money(saved.money, 'USD')}"))
    return facts


def share_of(share: float) -> str:
    """A share in per cent, two digits; below nought with a minus sign.

    >>> share_of(.2345), share_of(-.1)
    ('23 %', '−10 %')
    """
    return f"{format_number(100 * share, 2)} %".replace("-", "−")
