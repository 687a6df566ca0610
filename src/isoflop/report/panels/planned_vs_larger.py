"""The planned model against a larger one trained with the same compute."""

from __future__ import annotations

from isoflop.report.drawing import Drawing, LegendEntry, layout, line, linear_axis, points, room
from isoflop.report.formatting import format_or_dash, loss_text, percent
from isoflop.report.panel import Absent, Panel, SmallTable, Table
from isoflop.report.record import ComparedModel, PlannedVsLarger, StudyRecord
from isoflop.report.style import LARGER_COLOUR, PLANNED_COLOUR
from isoflop.units import format_bytes, format_flops, format_number

_IN_SUMMARY = ("Parameters", "Tokens", "Loss", "Bits per byte, all text", "Memory to serve")


def comparison_table(models: PlannedVsLarger) -> SmallTable:
    """What the summary shows of both models."""
    rows = tuple((what, ours, theirs) for what, ours, theirs, _ in comparison_rows(models) if what in _IN_SUMMARY)
    return SmallTable(heading="Planned against larger, same compute", columns=("", "planned", "larger"), rows=rows)


def comparison_rows(models: PlannedVsLarger) -> list[tuple[str, str, str, str]]:
    """(what, planned, larger, which is better)."""
    ours, theirs = _cells(models.planned), _cells(models.larger)
    rows = [(what, ours[what], theirs[what], better) for what, better in _BETTER.items()]
    domains = [
        (f"Bits per byte, {name}", *(_score(model.bits_per_byte_of[name]) for model in (models.planned, models.larger)))
        for name in models.domains
    ]
    after = list(_BETTER).index("Bits per byte, all text") + 1
    return [*rows[:after], *((what, a, b, "lower") for what, a, b in domains), *rows[after:]]


_BETTER = {
    "Parameters": "",
    "Tokens": "",
    "Tokens per parameter": "",
    "Training compute (FLOPs)": "the same",
    "Loss": "lower",
    "Bits per byte, all text": "lower",
    "Memory to serve": "lower",
}
"""{row of the table: which model is the better one by it}."""


def _cells(model: ComparedModel) -> dict[str, str]:
    """{row: the model's number}, but for the domains."""
    run = model.run
    return {
        "Parameters": format_or_dash(run.params),
        "Tokens": format_or_dash(run.tokens_seen),
        "Tokens per parameter": format_or_dash(model.tokens_per_param, _rate),
        "Training compute (FLOPs)": format_or_dash(run.flops, format_flops),
        "Loss": format_or_dash(run.loss, loss_text),
        "Bits per byte, all text": format_or_dash(run.bits_per_byte, _score),
        "Memory to serve": format_or_dash(model.memory_bytes, format_bytes),
    }


def _score(value: float) -> str:
    return f"{value:.4f}"


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else format_number(value)


def draw_comparison(models: PlannedVsLarger) -> Drawing:
    """Bits per byte by domain: two points joined by a line, better to the left."""
    rows = [("all text", models.planned.run.bits_per_byte, models.larger.run.bits_per_byte)]
    ours, theirs = models.planned.bits_per_byte_of, models.larger.bits_per_byte_of
    rows += [(name, ours[name], theirs[name]) for name in models.domains]
    known = [(name, a, b) for name, a, b in reversed(rows) if a is not None and b is not None]
    data = [line([a, b], [name, name], "#b8c0c7", width=3) for name, a, b in known]
    names = [name for name, _, _ in known]
    for who, colour, symbol, scores in (
        ("larger", LARGER_COLOUR, "square", [b for _, _, b in known]),
        ("planned", PLANNED_COLOUR, "star", [a for _, a, _ in known]),
    ):
        data.append(
            points(
                scores,
                names,
                colour,
                [f"{who}, {name}: {s:.4f} bits per byte" for name, s in zip(names, scores, strict=True)],
                size=14,
                symbol=symbol,
            )
        )
    return Drawing(
        name="contest-domains",
        describes="Bits per byte by domain of the planned and the larger model",
        data=data,
        layout=layout(
            linear_axis("bits per byte (lower is better)", range=room([s for _, *pair in known for s in pair], 0.15)),
            {**linear_axis(""), "type": "category", "showgrid": False, "range": [-0.6, len(known) - 0.4]},
        ),
        legend=(
            LegendEntry(label="planned", colour=PLANNED_COLOUR, kind="star"),
            LegendEntry(label="larger, same compute", colour=LARGER_COLOUR, kind="square"),
        ),
        height=110 + 52 * len(known),
        narrow_height=110 + 52 * len(known),
    )


def comparison_panel(record: StudyRecord) -> Panel | Absent:
    """The planned and the larger model in a figure and a table."""
    models, words = record.comparison, record.conventions
    if models is None:
        return Absent(sentence="Planned against larger: the two final runs are not both finished.")
    verdict, theirs = "", models.larger.run.bits_per_byte
    if models.advantage is not None and theirs:
        share = percent(-models.advantage / theirs)
        verdict = f" Bits per byte of the planned model against the larger: {share}; lower is better."
    served = models.planned.served_sequences
    side = f" of {served} sequences side by side" if served else ""
    return Panel(
        name="contest",
        short="Planned or larger",
        title="The planned against the larger model",
        lead="The same compute, spent on a larger model and fewer tokens, as habit had it before Hoffmann et al. 2022."
        + verdict,
        drawings=(draw_comparison(models),),
        tables=(
            Table(columns=("", "planned", "larger", "better if"), rows=tuple(comparison_rows(models)), words=(0, 3)),
        ),
        columns=2,
        caption=f"N: {words.params} parameters; FLOPs: {words.flops}; loss: {words.loss_unit}, validation; memory: "
        f"weights and key-value cache{side}, in the precision of training. How long both took is among the methods.",
    )
