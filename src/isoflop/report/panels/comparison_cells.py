"""What a comparison rests on: what differs, each cell's runs and multiplier, and the parts of the intervals."""

from __future__ import annotations

from isoflop.compare import Comparison
from isoflop.report.comparison_words import audit_table, differing, parts_table, short_name, times_text
from isoflop.report.formatting import DASH, interval_text, loss_text, share_text
from isoflop.report.panel import Absent, Panel, Table
from isoflop.units import format_flops, format_quantity


def audit_panel(comparison: Comparison) -> Panel | Absent:
    """Everything that was compared besides the losses; what differs stands first."""
    if not comparison.audit:
        return Absent(sentence="Audit: the sources tell nothing of how the runs were made.")
    differs = differing(comparison)
    equal = [one for one in comparison.audit if one.equal]
    table = audit_table(comparison)
    return Panel(
        name="audit",
        short="Audit",
        title="What the two recipes share",
        lead="Nothing that was recorded differs." if table is None else "What differs stands first.",
        tables=(
            Table(
                columns=("", comparison.a, comparison.b, ""),
                rows=tuple(
                    (one.what, one.a, one.b, "equal" if one.equal else "forbids a verdict" if one.must else "differs")
                    for one in (*differs, *equal)
                ),
                words=(0, 1, 2, 3),
            ),
        ),
        caption="A multiplier says what the difference between the recipes is worth only where all else is equal.",
    )


def cells_panel(comparison: Comparison) -> Panel | Absent:
    """Every cell of every evaluation set."""
    rows = tuple(
        (
            short_name(one.name, comparison.sets),
            DASH if cell.params is None else format_quantity(cell.params),
            DASH if cell.tokens is None else format_quantity(cell.tokens),
            DASH if cell.flops is None else format_flops(cell.flops),
            loss_text(cell.loss_a),
            loss_text(cell.loss_b),
            f"{cell.runs_a}, {cell.runs_b}",
            DASH if cell.multiplier is None else times_text(cell.multiplier),
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
                    "multiplier",
                    share_text(comparison.level),
                ),
                rows=rows,
                words=(0,),
                tall=len(rows) > _MANY,
            ),
        ),
        caption="Losses: nats per token, the mean of the runs of a cell.",
    )


_MANY = 24  # rows: a longer table scrolls in a box


def parts_panel(comparison: Comparison) -> Panel | Absent:
    """The standard deviations that each interval is made of."""
    table = parts_table(comparison)
    if table is None:
        return Absent(sentence="Parts of the interval: no multiplier has an interval.")
    return Panel(
        name="parts",
        short="The interval",
        title=table.heading,
        lead=table.note,
        tables=(Table(columns=table.columns, rows=table.rows, words=(0,)),),
        caption="The largest part says what would make the interval narrower: more seeds, more sizes, or larger runs.",
    )
