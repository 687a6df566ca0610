"""The tables and facts of a comparison, which its page and the terminal share."""

from __future__ import annotations

from isoflop.compare import Audit, Comparison, NoiseFloor, SetVerdict
from isoflop.report.comparison_words import (
    AXIS_WORDS,
    VERDICTS,
    listed,
    named,
    percent_text,
    short_name,
    times_text,
)
from isoflop.report.formatting import DASH, format_or_dash, interval_text, share_text
from isoflop.report.panel import KeyValue, SmallTable
from isoflop.report.record import in_words
from isoflop.units import format_flops, format_money, format_number

PARTS = {
    "noise": "noise of the losses between seeds",
    "slope": "error of the slope of the baseline's loss",
    "cells": "spread of the multiplier between cells",
    "form": "form of the law",
    "extrapolation": "distance beyond the runs",
}
"""{part of an interval: what it is}"""
_UNKNOWN = "unknown"
_NOTHING = 1e-7  # of a share: rounding


def set_table(comparison: Comparison) -> SmallTable:
    """A row an evaluation set: multiplier, interval, how it changes with compute, verdict."""
    sets, axis, along = comparison.sets, AXIS_WORDS[comparison.axis], _along(comparison)
    rows = tuple(
        (
            short_name(one.name, sets),
            format_or_dash(one.multiplier, times_text) if one.reachable else "out of reach",
            interval_text(one.interval, times_text),
            _slope(one),
            _verdict(one),
        )
        for one in sets
    )
    return SmallTable(
        heading=f"Multiplier of {axis} by evaluation set",
        columns=(
            "evaluation set",
            "multiplier",
            share_text(comparison.level),
            f"slope in {along}",
            "verdict",
        ),
        rows=rows,
        note=f"Multiplier: the {axis} that {comparison.a} needs for the loss of {comparison.b}, over that of "
        f"{comparison.b}. Slope: d ln(multiplier) / d ln({along}).",
    )


def _along(comparison: Comparison) -> str:
    """What the slope of the multiplier is taken along."""
    return "tokens" if comparison.axis == "data" else "compute"


def _slope(one: SetVerdict) -> str:
    if one.slope is None:
        return DASH
    trend = "" if one.trend == "unknown" else f", {one.trend}"
    return f"{one.slope:+.3f}{trend}".replace("-", "−")


def _verdict(one: SetVerdict) -> str:
    words = VERDICTS[one.verdict]
    if one.verdict == "equal" and one.equal_within is not None:
        words += f" within {percent_text(one.equal_within)}"
    if one.verdict == "cannot_tell" and one.pairs_needed is not None:
        words += f", {one.pairs_needed:,} more pairs"
    return words


def basis_facts(comparison: Comparison) -> list[KeyValue]:
    """What each verdict rests on, and why one cannot be told; one line where that is the same for all sets."""
    found: dict[str, list[str]] = {}
    for one in comparison.sets:
        found.setdefault(_basis(comparison, one), []).append(short_name(one.name, comparison.sets))
    if len(found) == 1:
        return [KeyValue(label="Rests on", value=words) for words in found]
    return [KeyValue(label=f"Rests on, {listed(names)}", value=words) for words, names in found.items()]


def _basis(comparison: Comparison, one: SetVerdict) -> str:
    if one.verdict == "cannot_tell" or one.multiplier is None:
        return named(one.reason.strip().rstrip("."), comparison)
    runs = [sum(counts) for counts in zip(*((cell.runs_a, cell.runs_b) for cell in one.cells), strict=True)]
    cells = f"{len(one.cells)} cell{'s' if len(one.cells) != 1 else ''}"
    paired = ", in pairs of one seed" if one.paired else ""
    return f"{cells} with {runs[0]} and {runs[1]} runs{paired}" if one.cells else "no cell"


def slope_facts(comparison: Comparison) -> list[KeyValue]:
    """The slope that gaps of loss are converted by, and the answer if the loss of infinite compute were another."""
    facts = []
    for one in comparison.sets:
        used, where = one.slope_used, "" if len(comparison.sets) == 1 else f", {short_name(one.name, comparison.sets)}"
        if used is not None and used.value is not None:
            between = "" if used.interval is None else f" ({interval_text(used.interval, format_number)})"
            value = f"{format_number(used.value)}{between}: share of the loss that falls per e-fold, by {used.source}"
            facts.append(KeyValue(label=f"Slope used{where}", value=value))
        if one.pinned:
            cases = ", ".join(
                f"{format_number(pin.floor)}: {format_or_dash(pin.multiplier, times_text)}" for pin in one.pinned
            )
            facts.append(KeyValue(label=f"If E were{where}", value=f"{cases} (floor of the loss: multiplier)"))
        if one.shrunk is not None:
            value = f"{times_text(one.shrunk)}, without what choosing the best of several adds"
            facts.append(KeyValue(label=f"As the best of several{where}", value=value))
    return facts


def differing(comparison: Comparison) -> list[Audit]:
    """What differs between the two recipes, what forbids a verdict first; not what neither side tells."""
    found = [one for one in comparison.audit if not one.equal and not _untold(one)]
    return sorted(found, key=lambda one: not one.must)


def _untold(one: Audit) -> bool:
    return one.a == one.b == _UNKNOWN


def audit_table(comparison: Comparison) -> SmallTable | None:
    """What differs, with the value of each side and what that does to the answer; None where nothing differs."""
    found = differing(comparison)
    if not found:
        return None
    remarks = any(one.remark for one in found)
    rows = tuple((one.what, one.a, one.b, *((one.remark,) if remarks else ())) for one in found)
    return SmallTable(
        heading="What differs",
        columns=("", comparison.a, comparison.b, *(("",) if remarks else ())),
        rows=rows,
        note=audit_note(comparison),
    )


def audit_note(comparison: Comparison) -> str:
    """What is equal, and what neither side tells; empty where there is neither."""
    equal = [one.what for one in comparison.audit if one.equal]
    untold = [one.what for one in comparison.audit if _untold(one)]
    sentences = [f"Equal: {', '.join(equal)}."] if equal else []
    sentences += [f"Told by neither side: {', '.join(untold)}."] if untold else []
    return " ".join(sentences)


def parts_table(comparison: Comparison) -> SmallTable | None:
    """Standard deviation of ln(multiplier) by source and evaluation set; None where none is known."""
    known = [one for one in comparison.sets if one.parts]
    shown = {name for one in known for name, sd in one.parts.items() if sd > _NOTHING}
    names = [*(name for name in PARTS if name in shown), *sorted(shown - set(PARTS))]
    if not names:
        return None
    rows = tuple(
        (
            short_name(one.name, comparison.sets) + ("" if one.multiplier is not None else " (of the loss)"),
            *(percent_text(one.parts[name]) if name in one.parts else DASH for name in names),
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


def noise_facts(noise: NoiseFloor | None, loss_unit: str = "nats_per_token") -> list[KeyValue]:
    """The noise floor and the smallest gain that pairs of runs can show."""
    if noise is None:
        return []
    gains = ", ".join(
        f"{pairs} pair{'s' if pairs > 1 else ''} {percent_text(gain)}"
        for pairs, gain in sorted(noise.smallest_gain.items())
    )
    between = "" if noise.interval is None else f" ({interval_text(noise.interval, format_number)})"
    groups = f"{noise.recipes} group{'s' if noise.recipes != 1 else ''}"
    return [
        KeyValue(
            label="Noise floor",
            value=f"{format_number(noise.sd)}{between} {in_words(loss_unit)}: standard deviation of the final loss "
            f"between runs of one recipe and size, pooled over {noise.runs} runs in {groups}",
        ),
        KeyValue(label="Smallest gain", value=f"of the loss that is shown 8 times of 10, by {gains}"),
    ]


def saved_facts(comparison: Comparison) -> list[KeyValue]:
    """What B saves at the planned run, in FLOPs and money."""
    saved = comparison.saved
    if saved is None:
        return []
    between = "" if saved.interval is None else f" ({interval_text(saved.interval, percent_text)})"
    on = f" on {saved.set_name}" if saved.set_name and len(comparison.sets) > 1 else ""
    what = f"{percent_text(saved.share)}{between} of the FLOPs of {comparison.a}{on}: {format_flops(saved.flops)} FLOPs"
    if saved.money is not None:
        what += f", {format_money(saved.money, 'USD')}"
    facts = [KeyValue(label="Saved", value=what)]
    if saved.multiplier is not None:
        beyond = f", {format_number(saved.extrapolated_by)} times beyond the runs" if saved.extrapolated_by > 1 else ""
        facts.append(KeyValue(label="", value=f"multiplier there: {times_text(saved.multiplier)}{beyond}"))
    return facts
