"""What a comparison rests on: what differs, each cell's runs and multiplier, and the parts of the intervals."""

from __future__ import annotations

from isoflop.compare import Audit, Comparison
from isoflop.compare.audit import UNKNOWN
from isoflop.report.comparison_audit import differing
from isoflop.report.comparison_tables import parts_table, slope_table
from isoflop.report.comparison_words import percent_text, short_name, times_text
from isoflop.report.formatting import format_or_dash, interval_text, loss_text, share_text
from isoflop.report.panel import Absent, Panel, Table
from isoflop.units import format_flops


def audit_panel(comparison: Comparison) -> Panel | Absent:
    """Everything that was compared besides the losses; what differs stands first, what neither side tells last."""
    if not comparison.audit:
        return Absent(sentence="Audit: the sources tell nothing of how the runs were made.")
    differs = differing(comparison)
    others = [one for one in comparison.audit if one not in differs]
    rest = sorted(others, key=lambda one: not one.equal)
    return Panel(
        name="audit",
        short="Audit",
        title="What the two recipes share",
        lead="What differs stands first." if differs else "Nothing that was recorded differs.",
        tables=(
            Table(
                columns=("", comparison.a, comparison.b, "", "what to know"),
                rows=tuple((one.what, one.a, one.b, _state(one, differs), one.remark) for one in (*differs, *rest)),
                words=(0, 1, 2, 3, 4),
            ),
        ),
        caption="A multiplier says what the difference between the recipes is worth only where all else is equal.",
    )


def _state(one: Audit, differs: list[Audit]) -> str:
    if one not in differs:
        return "not known" if one.a == one.b == UNKNOWN else "equal"
    return "must be equal" if one.must else "differs"


def cells_panel(comparison: Comparison) -> Panel | Absent:
    """Every cell of every evaluation set."""
    rows = tuple(
        (
            short_name(one.name, comparison.sets),
            format_or_dash(cell.params),
            format_or_dash(cell.tokens),
            format_or_dash(cell.flops, format_flops),
            loss_text(cell.loss_a),
            loss_text(cell.loss_b),
            f"{cell.runs_a}, {cell.runs_b}",
            percent_text(cell.gap),
            "out of reach" if cell.reach == "never" else format_or_dash(cell.multiplier, times_text),
            interval_text(cell.interval, times_text),
        )
        for one in comparison.sets
        for cell in one.cells
    )
    if not rows:
        return Absent(sentence="Cells: no size and number of tokens has runs of both recipes.")
    return Panel(
        name="cells",
        short="Cells",
        title="Every cell",
        lead="A cell is a size and a number of tokens at which both recipes have runs.",
        tables=(
            Table(
                columns=(
                    "evaluation set",
                    "N",
                    "D",
                    "C (FLOPs)",
                    f"loss, {comparison.a}",
                    f"loss, {comparison.b}",
                    "runs",
                    "gap",
                    "multiplier",
                    share_text(comparison.level),
                ),
                rows=rows,
                words=(0,),
                tall=len(rows) > _MANY,
            ),
        ),
        caption="Losses: the mean of the runs of a cell. Gap: ln loss of the first recipe less that of the second.",
    )


_MANY = 24  # rows: a longer table scrolls in a box


def parts_panel(comparison: Comparison) -> Panel | Absent:
    """The standard deviations that each interval is made of, and the slope that differences of losses are read by."""
    parts, slope = parts_table(comparison), slope_table(comparison)
    tables = tuple(
        Table(columns=table.columns, rows=table.rows, words=(0,), heading=table.heading)
        for table in (parts, slope)
        if table is not None
    )
    if not tables:
        return Absent(sentence="Parts of the interval: no answer has an interval, and no slope was used.")
    return Panel(
        name="parts",
        short="The interval",
        title="What the interval is made of",
        lead=" ".join(table.note for table in (parts, slope) if table is not None),
        tables=tables,
        caption="The largest part says what would make the interval narrower: more seeds, more sizes, or larger runs.",
    )
