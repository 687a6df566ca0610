"""What a fit read, used and left out, and where its runs lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from isoflop.fit import FitReport
from isoflop.observations import DroppedRow, TableSummary
from isoflop.observations.columns import ColumnMapping
from isoflop.observations.flops_check import FlopsCheck
from isoflop.report.fitted_runs import rows_of
from isoflop.report.formatting import in_words, loss_text
from isoflop.report.panel import Absent, KeyValue, Panel
from isoflop.units import format_flops, format_number, format_quantity

_MOST_NAMED = 8
"""Rows of one reason that are named one by one."""
_FIELDS = {"params": "N", "tokens": "D", "flops": "C"}
_SCHEDULES = {
    "matched": "each row is the end of its own schedule",
    "constant": "checkpoints at a constant rate, not annealed",
    "unmatched": "one schedule for several horizons",
    "unknown": "not stated",
}


def left_out(read: TableSummary) -> list[tuple[str, str, int]]:
    """(reason, rows, count) of what no fit saw, the commonest reason first; reasons that differ in numbers are one."""
    groups: dict[str, list[DroppedRow]] = {}
    for row in read.dropped:
        groups.setdefault(_kind(row.reason), []).append(row)
    reasons = [(_reason(rows), _rows(rows), len(rows)) for rows in groups.values()]
    if read.filtered:
        reasons.append(("not among the rows that were asked for", "", read.filtered))
    return sorted(reasons, key=lambda group: -group[2])


def _kind(reason: str) -> str:
    """The reason without its numbers and quoted values: `loss 3.41 is above 3.2` and `loss 5 is above 3.2` are one."""
    words = reason.split()
    return " ".join(word for word in words if not any(sign.isdigit() for sign in word) and word[:1] not in "'\"")


def _reason(rows: Sequence[DroppedRow]) -> str:
    first = rows[0].reason
    return first if all(row.reason == first for row in rows) else f"such as: {first}"


def _rows(rows: Sequence[DroppedRow]) -> str:
    named = ", ".join(str(row.row) for row in rows[:_MOST_NAMED])
    more = f" and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else ""
    return f"row{'s' if len(rows) > 1 else ''} {named}{more}"


def read_facts(read: TableSummary) -> list[KeyValue]:
    """Rows read and used, what a row stands for, and the conventions, with those that nobody stated marked."""

    def mark(name: str) -> str:
        return "" if read.stated.get(name, True) else "not stated: assumed"

    of_runs = f", of {read.runs:,} runs" if read.runs and read.runs != read.rows_used else ""
    facts = [KeyValue(label="Rows", value=f"{read.rows_used:,} used of {read.rows_read:,} read{of_runs}")]
    if read.columns:
        names = [*(n for n in _FIELDS if n in read.columns), *(n for n in read.columns if n not in _FIELDS)]
        value = ", ".join(f"{_FIELDS.get(name, name)}: {_source(read.columns[name])}" for name in names)
        facts.append(KeyValue(label="Columns", value=value))
    if read.cells:
        tried = sum(cell.rows for cell in read.cells)
        value = f"{len(read.cells):,} rows stand for {tried:,}: the best setting of each size and token count"
        facts.append(KeyValue(label="Cells", value=value))
    params, flops = f"{in_words(read.params_convention)} parameters", f"{in_words(read.flops_convention)} FLOPs a token"
    facts += [
        KeyValue(label="N counts", value=params, note=mark("params_convention")),
        KeyValue(label="C counts", value=flops, note=mark("flops_convention")),
        *_ratio_to_6nd(read.flops_check),
        KeyValue(label="Loss in", value=in_words(read.loss_unit), note=mark("loss_unit")),
    ]
    if read.schedule:
        note = mark("schedule") if read.schedule != "unknown" else ""
        facts.append(KeyValue(label="Schedule", value=_SCHEDULES[read.schedule], note=note))
    return facts


def _source(column: ColumnMapping) -> str:
    return column.column if column.constant is None else f"{format_number(column.constant, 6)} in every row"


def _ratio_to_6nd(check: FlopsCheck | None) -> list[KeyValue]:
    """How the table's FLOPs compare with 6ND, or that they were computed so; nothing where FLOPs gave N or D."""
    if check is not None and check.ratio_to_6nd is not None:
        low, middle, high = (format_number(ratio) for ratio in check.ratio_to_6nd)
        value = middle if low == high else f"{low} to {high}, median {middle}"
        note = f"6ND in {check.rows_not_used:,} rows, see the warnings" if check.rows_not_used else ""
        return [KeyValue(label="C / 6ND", value=value, note=note)]
    if check is not None and check.source == "six_nd":
        return [KeyValue(label="C / 6ND", value="1: computed here as 6ND")]
    return []


def left_out_facts(read: TableSummary) -> list[KeyValue]:
    """A fact a reason: how many rows, why, and which."""
    return [
        KeyValue(label=f"{count:,} row{'s' if count > 1 else ''}", value=reason, note=rows)
        for reason, rows, count in left_out(read)
    ]


def range_facts(report: FitReport) -> list[KeyValue]:
    """Least to most of N, D, C, D/N and the loss of the rows used."""
    rows = rows_of(report)
    columns: list[tuple[str, list[float], Callable[[float], str]]] = [
        ("N", [row.params for row in rows], format_quantity),
        ("D", [row.tokens for row in rows], format_quantity),
        ("C", [row.flops for row in rows], format_flops),
        ("D / N", [row.tokens / row.params for row in rows], _ratio_text),
        ("Loss", [row.loss for row in rows if row.loss is not None], loss_text),
    ]
    return [
        KeyValue(label=label, value=f"{how(min(values))} to {how(max(values))}")
        for label, values, how in columns
        if values
    ]


def _ratio_text(value: float) -> str:
    return format_quantity(value) if value >= 1e3 else format_number(value)


def left_out_panel(read: TableSummary) -> Panel | Absent:
    """What no fit saw, by reason."""
    facts = left_out_facts(read)
    if not facts:
        return Absent(sentence="Rows left out: none; every row that was read is used.")
    return Panel(
        name="left-out",
        short="Left out",
        title="Rows left out",
        lead="What no fit saw, and why. Row 1 is the first below the header.",
        cards=(("By reason", tuple(facts)),),
    )
