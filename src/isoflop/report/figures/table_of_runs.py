"""What a fit read, used and left out, and where its runs lie, as facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isoflop.report.figures.facts import Fact
from isoflop.report.view import Run, View, conventions, fitted_rows, section
from isoflop.report.wording import DASH, loss_text
from isoflop.units import format_flops, format_quantity

_MOST_NAMED = 8
"""Rows of one reason that are named one by one."""


def left_out(view: View) -> list[tuple[str, str, int]]:
    """(reason, rows, count) of what no fit saw, the reason met most first; reasons that differ in numbers are one."""
    seen = section(view, "fit").get("observations") or {}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in seen.get("dropped") or ():
        groups.setdefault(_kind(str(entry.get("reason") or "no reason is recorded")), []).append(entry)
    found = [(_reason(entries), _rows(entries), len(entries)) for entries in groups.values()]
    filtered = seen.get("filtered") or 0
    if filtered:
        found.append(("not among the rows asked for", "", int(filtered)))
    return sorted(found, key=lambda group: -group[2])


def _kind(reason: str) -> str:
    """The reason without its numbers and quoted values: `loss 3.41 is above 3.2` and `loss 5 is above 3.2` are one."""
    words = reason.split()
    return " ".join(word for word in words if not any(sign.isdigit() for sign in word) and word[:1] not in "'\"")


def _reason(entries: Sequence[Mapping[str, Any]]) -> str:
    first = str(entries[0].get("reason") or "no reason is recorded")
    return first if all(entry.get("reason") == first for entry in entries) else f"such as: {first}"


def _rows(entries: Sequence[Mapping[str, Any]]) -> str:
    named = [str(entry.get("row", DASH)) for entry in entries[:_MOST_NAMED]]
    more = f" and {len(entries) - _MOST_NAMED:,} more" if len(entries) > _MOST_NAMED else ""
    return f"row{'s' if len(entries) > 1 else ''} {', '.join(named)}{more}"


def read_facts(view: View) -> list[Fact]:
    """Rows read, used and left out by reason, then the conventions."""
    seen = section(view, "fit").get("observations") or {}
    words = conventions(view)
    read, used = seen.get("rows_read", 0), seen.get("rows_used", 0)
    facts = [Fact(label="Rows", value=f"{used:,} used of {read:,} read")]
    for reason, rows, count in left_out(view):
        facts.append(Fact(label="Left out", value=f"{count:,}: {reason}", note=rows))
    facts += [
        Fact(label="N counts", value=f"{words['params']} parameters"),
        Fact(label="C counts", value=f"{words['flops']} FLOPs a token"),
        Fact(label="Loss in", value=words["loss_unit"]),
    ]
    return facts


def range_facts(view: View) -> list[Fact]:
    """Least to most of N, D, C, D/N and the loss of the rows used."""
    rows = [run for run in fitted_rows(view) if run.params and run.tokens and run.flops and run.loss]
    if not rows:
        return []

    def ends(label: str, values: list[float], how: Any) -> Fact:
        return Fact(label=label, value=f"{how(min(values))} to {how(max(values))}")

    return [
        ends("N", [run.params or 0.0 for run in rows], format_quantity),
        ends("D", [run.tokens or 0.0 for run in rows], format_quantity),
        ends("C", [run.flops or 0.0 for run in rows], format_flops),
        ends("D / N", [_ratio(run) for run in rows], lambda value: f"{value:.3g}"),
        ends("Loss", [run.loss or 0.0 for run in rows], loss_text),
    ]


def _ratio(run: Run) -> float:
    return (run.tokens or 0.0) / (run.params or 1.0)
