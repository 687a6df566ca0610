"""The tables and facts of a comparison, which its page and the terminal share."""

from __future__ import annotations

from isoflop.compare import Comparison, NoiseFloor, Savings, SetVerdict
from isoflop.compare.result import CHANGES
from isoflop.report.comparison_words import (
    AXIS_WORDS,
    VERDICTS,
    equal_length_text,
    gap_text,
    listed,
    named,
    percent_text,
    short_name,
    times_text,
)
from isoflop.report.formatting import DASH, format_or_dash, in_words, interval_text, share_text
from isoflop.report.panel import KeyValue, SmallTable
from isoflop.units import format_flops, format_money, format_number

PARTS = {
    "noise": "noise of the losses between seeds",
    "slope": "error of the slope of the baseline's loss",
    "cells": "spread of the multiplier between cells",
    "form": "form of the law",
    "extrapolation": "distance beyond the runs",
}
"""{part of an interval: what it is}"""
_FLOORS = ("lowest E", "fitted E", "highest E")
_NOTHING = 1e-7  # of a share: rounding


def set_table(comparison: Comparison) -> SmallTable:
    """A row an evaluation set: multiplier, interval, how it changes with compute, difference of the losses, verdict."""
    sets, axis, along = comparison.sets, AXIS_WORDS[comparison.axis], _along(comparison)
    level = share_text(comparison.level)
    loss_note = f"Loss: of {comparison.b} over that of {comparison.a}, less 1."
    rows = tuple(
        (
            short_name(one.name, sets),
            format_or_dash(one.multiplier, times_text) if one.reachable else "out of reach",
            interval_text(one.interval, times_text),
            _slope(one),
            gap_text(one),
            _verdict(one),
        )
        for one in sets
    )
    return SmallTable(
        heading=f"Multiplier of {axis} by evaluation set",
        columns=("evaluation set", "multiplier", level, f"slope in {along}", "loss", "verdict"),
        rows=rows,
        note=f"Multiplier: the {axis} that {comparison.a} needs for the loss of {comparison.b}, over that of "
        f"{comparison.b}. Slope: d ln(multiplier) / d ln({along}). {loss_note}",
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
    """What each verdict rests on, and why there is none; one line where that is the same for all sets."""
    found: dict[str, list[str]] = {}
    for one in comparison.sets:
        found.setdefault(_basis(comparison, one), []).append(short_name(one.name, comparison.sets))
    several = len(found) > 1
    return [
        KeyValue(label="" if place else "Rests on", value=f"{listed(names)}: {words}" if several else words)
        for place, (words, names) in enumerate(found.items())
    ]


def _basis(comparison: Comparison, one: SetVerdict) -> str:
    """Cells and runs; of `cannot_tell` its reason."""
    if one.verdict == "cannot_tell" or not one.cells:
        return named(one.reason.strip().rstrip("."), comparison)
    equal = equal_length_text(comparison, one)
    rest = f"{f'; {equal}' if equal else ''}{_out_of_reach(comparison, one)}"
    if one.own_law is not None:
        return f"{_by_own_law(comparison, one)}{rest}"
    runs = [sum(counts) for counts in zip(*((cell.runs_a, cell.runs_b) for cell in one.cells), strict=True)]
    cells = f"{len(one.cells)} cell{'s' if len(one.cells) != 1 else ''}"
    paired = ", in pairs of one seed" if one.paired else ""
    return f"{cells} with {runs[0]} and {runs[1]} runs{paired}{rest}"


def _out_of_reach(comparison: Comparison, one: SetVerdict) -> str:
    """How many of B's runs A does not reach, and what serves in place of a mean; empty where it reaches all."""
    if not one.runs_not_reached or one.slope_used is None:
        return ""
    found = f"; {comparison.a} does not reach {one.runs_not_reached} of the {one.runs_of_b} runs of {comparison.b}"
    if one.own_law is not None:
        found += ", which count as the largest"
    elif one.median is not None:
        found += f", and the median of all cells is {times_text(one.median)}"
    return found if one.reachable else f"{found}, by {one.slope_used.source}"


def _by_own_law(comparison: Comparison, one: SetVerdict) -> str:
    """That the multiplier is the median of runs, each solved by A's law."""
    source = "" if one.slope_used is None else f", each solved by {named(one.slope_used.source, comparison)}"
    return f"the median of {one.runs_of_b} runs of {comparison.b}{source}"


def next_facts(comparison: Comparison) -> list[KeyValue]:
    """What would decide the sets without a verdict; empty where every set has one."""
    decided = [one for one in comparison.sets if one.verdict != "cannot_tell"]
    steps = []
    if any(one.gap is not None and one.gap_interval is None for one in comparison.sets):
        steps.append("repeat each run with another seed, or name repeated runs of another recipe: --noise-from FILE")
    elif len(decided) < len(comparison.sets):
        needed = [one.pairs_needed for one in comparison.sets if one.pairs_needed is not None]
        most = f"{max(needed):,} " if needed else ""
        if any(one.verdict == "cannot_tell" and one.trend in CHANGES for one in comparison.sets):
            steps.append("pairs at the compute that matters, or --at C: the multiplier changes with it")
        if needed or not steps:
            steps.append(f"{most}more pairs of runs, or larger runs, whose losses scatter less")
    if any(one.slope_used is not None and one.slope_used.usual for one in comparison.sets):
        steps.append("for a multiplier by your own slope, runs of more sizes or lengths, or --slope S")
    return [KeyValue(label="" if place else "Next", value=step) for place, step in enumerate(steps)]


def slope_table(comparison: Comparison) -> SmallTable | None:
    """The slopes by which differences of losses became multipliers, and the multipliers for other floors of the loss.

    None where no slope was used.
    """
    used = [one for one in comparison.sets if one.slope_used is not None and one.slope_used.value is not None]
    if not used:
        return None
    floors, best = max(len(one.pinned) for one in used), any(one.shrunk is not None for one in used)
    rows = tuple(
        (
            short_name(one.name, comparison.sets),
            _slope_used(one),
            *(_pinned(one, place) for place in range(floors)),
            *((format_or_dash(one.shrunk, times_text),) if best else ()),
        )
        for one in used
    )
    names = _FLOORS if floors == len(_FLOORS) else tuple(f"E {k + 1}" for k in range(floors))
    sources = dict.fromkeys(one.slope_used.source for one in used if one.slope_used is not None)
    axis = AXIS_WORDS[comparison.axis]
    by = named("; ".join(sources), comparison)
    note = f"Slope: fall of ln(loss) of {comparison.a} per e-fold of {axis}, by {by}."
    note += " E: the multiplier if the loss of infinite compute were this." if floors else ""
    note += " As the best: without what choosing the best of several adds." if best else ""
    return SmallTable(
        heading="The slope behind it",
        columns=("evaluation set", "slope of the loss", *names, *(("as the best",) if best else ())),
        rows=rows,
        note=note,
    )


def _slope_used(one: SetVerdict) -> str:
    used = one.slope_used
    if used is None or used.value is None:
        return DASH
    between = "" if used.interval is None else f" ({interval_text(used.interval, format_number)})"
    return f"{format_number(used.value)}{between}"


def _pinned(one: SetVerdict, place: int) -> str:
    if place >= len(one.pinned):
        return DASH
    pin = one.pinned[place]
    floor = 0.0 if pin.floor < _NOTHING else pin.floor
    return f"{format_number(floor)}: {format_or_dash(pin.multiplier, times_text)}"


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
    of_loss = " of the multiplier" if any(one.multiplier is not None for one in known) else ""
    return SmallTable(
        heading="What the interval is made of",
        columns=("evaluation set", *names),
        rows=rows,
        note=f"Standard deviations{of_loss}, whose squares add up. {words[:1].upper()}{words[1:]}.",
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


def _money_between(saved: Savings) -> str:
    """The range of the money by what whole runs reach of the peak, where it is one."""
    if saved.money_range is None or saved.money_range[0] == saved.money_range[1]:
        return ""
    low, high = (format_money(end, "USD") for end in saved.money_range)
    return f" ({low} to {high}, as whole runs differ)"


def saved_facts(comparison: Comparison) -> list[KeyValue]:
    """What B saves at the planned run, in FLOPs and money."""
    saved = comparison.saved
    if saved is None:
        return []
    between = ""
    if saved.interval is not None:
        low, high = (percent_text(end) for end in saved.interval)
        between = f" ({low.removesuffix(' %')} to {high})"
    on = f" on {saved.set_name}" if saved.set_name and len(comparison.sets) > 1 else ""
    what = f"{percent_text(saved.share)}{between} of the FLOPs of {comparison.a}{on}: {format_flops(saved.flops)} FLOPs"
    if saved.money is not None:
        what += f", {format_money(saved.money, 'USD')}{_money_between(saved)}"
    facts = [KeyValue(label="Saved", value=what)]
    if saved.multiplier is not None:
        beyond = f", {format_number(saved.extrapolated_by)} times beyond the runs" if saved.extrapolated_by > 1 else ""
        facts.append(KeyValue(label="", value=f"multiplier there: {times_text(saved.multiplier)}{beyond}"))
    return facts
