"""What a fit read, used and left out, and where its runs lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isoflop.report.formatting import DASH, loss_text
from isoflop.report.panel import Absent, KeyValue, Panel
from isoflop.report.view import View, conventions, fitted_rows, in_words, section
from isoflop.units import format_flops, format_quantity

_MOST_NAMED = 8
"""Rows of one reason that are named one by one."""

_FIELDS = {"params": "N", "tokens": "D", "flops": "C"}

_SCHEDULES = {
    "matched": "each row is the end of its own schedule",
    "constant": "checkpoints at a constant rate, not annealed",
    "unmatched": "one schedule for several horizons",
    "unknown": "not stated",
}


def left_out(view: View) -> list[tuple[str, str, int]]:
    """(reason, rows, count) of what no fit saw, the reason met most first; reasons that differ in numbers are one."""
    seen = section(view, "fit").get("observations") or {}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for entry in seen.get("dropped") or ():
        groups.setdefault(_kind(str(entry.get("reason") or "")), []).append(entry)
    found = [(_reason(entries), _rows(entries), len(entries)) for entries in groups.values()]
    if seen.get("filtered"):
        found.append(("not among the rows that were asked for", "", int(seen["filtered"])))
    return sorted(found, key=lambda group: -group[2])


def _kind(reason: str) -> str:
    """The reason without its numbers and quoted values: `loss 3.41 is above 3.2` and `loss 5 is above 3.2` are one."""
    words = reason.split()
    return " ".join(word for word in words if not any(sign.isdigit() for sign in word) and word[:1] not in "'\"")


def _reason(entries: Sequence[Mapping[str, Any]]) -> str:
    first = str(entries[0].get("reason") or "no reason is recorded")
    return first if all(entry.get("reason") == entries[0].get("reason") for entry in entries) else f"such as: {first}"


def _rows(entries: Sequence[Mapping[str, Any]]) -> str:
    named = [str(entry.get("row", DASH)) for entry in entries[:_MOST_NAMED]]
    more = f" and {len(entries) - _MOST_NAMED:,} more" if len(entries) > _MOST_NAMED else ""
    return f"row{'s' if len(entries) > 1 else ''} {', '.join(named)}{more}"


def read_facts(view: View) -> list[KeyValue]:
    """Rows read and used, what a row stands for, and the conventions, with those that nobody stated marked."""
    seen = section(view, "fit").get("observations") or {}
    words, stated = conventions(view), seen.get("stated") or {}

    def mark(name: str) -> str:
        return "" if stated.get(name, True) else "not stated: assumed"

    runs = f", of {seen['runs']:,} runs" if seen.get("runs") and seen["runs"] != seen.get("rows_used") else ""
    facts = [
        KeyValue(label="Rows", value=f"{seen.get('rows_used', 0):,} used of {seen.get('rows_read', 0):,} read{runs}")
    ]
    columns = seen.get("columns") or {}
    if columns:
        names = [*(name for name in _FIELDS if name in columns), *(name for name in columns if name not in _FIELDS)]
        value = ", ".join(f"{_FIELDS.get(name, name)}: {columns[name]['column']}" for name in names)
        facts.append(KeyValue(label="Columns", value=value))
    tried = sum(cell["rows"] for cell in seen.get("cells") or ())
    if tried:
        cells = len(seen["cells"])
        value = f"{cells:,} rows stand for {tried:,}: the best setting of each size and token count"
        facts.append(KeyValue(label="Cells", value=value))
    facts += [
        KeyValue(label="N counts", value=f"{words['params']} parameters", note=mark("params_convention")),
        KeyValue(label="C counts", value=f"{words['flops']} FLOPs a token", note=mark("flops_convention")),
        *_ratio_to_6nd(seen.get("flops_check") or {}),
        KeyValue(label="Loss in", value=words["loss_unit"], note=mark("loss_unit")),
    ]
    if seen.get("schedule"):
        value = _SCHEDULES.get(seen["schedule"], in_words(seen["schedule"]))
        facts.append(
            KeyValue(label="Schedule", value=value, note=mark("schedule") if seen["schedule"] != "unknown" else "")
        )
    return facts


def _ratio_to_6nd(check: Mapping[str, Any]) -> list[KeyValue]:
    """How the file's FLOPs compare with 6ND, or that they were computed so; nothing where FLOPs gave N or D."""
    ratios = check.get("ratio_to_6nd")
    if ratios:
        low, middle, high = (f"{ratio:.3g}" for ratio in ratios)
        value = middle if low == high else f"{low} to {high}, median {middle}"
        unused = check.get("rows_not_used") or 0
        return [
            KeyValue(label="C / 6ND", value=value, note=f"6ND in {unused:,} rows, see the warnings" if unused else "")
        ]
    if check.get("source") == "six_nd":
        return [KeyValue(label="C / 6ND", value="1: computed here as 6ND")]
    return []


def left_out_facts(view: View) -> list[KeyValue]:
    """A fact a reason: how many rows, why, and which."""
    return [
        KeyValue(label=f"{count:,} row{'s' if count > 1 else ''}", value=reason, note=rows)
        for reason, rows, count in left_out(view)
    ]


def range_facts(view: View) -> list[KeyValue]:
    """Least to most of N, D, C, D/N and the loss of the rows used."""
    rows = fitted_rows(view)
    columns: list[tuple[str, list[float], Callable[[float], str]]] = [
        ("N", [row["params"] for row in rows], format_quantity),
        ("D", [row["tokens"] for row in rows], format_quantity),
        ("C", [row["flops"] for row in rows], format_flops),
        ("D / N", [row["tokens"] / row["params"] for row in rows], _ratio_text),
        ("Loss", [row["loss"] for row in rows if row["loss"] is not None], loss_text),
    ]
    return [
        KeyValue(label=label, value=f"{how(min(values))} to {how(max(values))}")
        for label, values, how in columns
        if values
    ]


def _ratio_text(value: float) -> str:
    return format_quantity(value) if value >= 1e3 else f"{value:.3g}"


def read_panel(view: View) -> Panel | Absent:
    """What no fit saw, by reason."""
    facts = left_out_facts(view)
    if not facts:
        return Absent(sentence="Rows left out: none; every row that was read is used.")
    return Panel(
        name="left-out",
        short="Left out",
        title="Rows left out",
        lead="What no fit saw, and why. Row 1 is the first below the header.",
        cards=(("By reason", tuple(facts)),),
    )
