"""The panels that only a study has: published systems, forecast and contest, learning rates, every run."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.report.draw.drawing import Drawing
from isoflop.report.draw.laws import draw_landscape
from isoflop.report.draw.proof import draw_backtest, draw_contest, draw_forecast
from isoflop.report.draw.sweep import draw_rates
from isoflop.report.figures.contest_table import contest_rows
from isoflop.report.figures.proof import contest, proof
from isoflop.report.figures.record import RUN_COLUMNS, run_rows, status_counts
from isoflop.report.figures.scaling import landscape
from isoflop.report.figures.training import rate_checks
from isoflop.report.panel import Panel, Table
from isoflop.report.view import Absent, View, conventions, section
from isoflop.report.wording import percent


def landscape_panel(view: View) -> Panel | Absent:
    """From the study's range to the published systems."""
    values = landscape(view)
    if isinstance(values, Absent):
        return values
    return Panel(
        name="landscape",
        short="Published systems",
        title="From this study to the published systems",
        lead="Gopher, MT-NLG and PaLM stand far above the lines: trained too large, on too few tokens. "
        "Chinchilla and 140B on 3T stand on them.",
        drawings=(draw_landscape(values),),
        caption="Conventions differ: this study counts its own tokens (bytes unless told otherwise), exact FLOPs and "
        "very small models; the systems are drawn at C = 6ND of their printed N and D. No line is meant to hold over "
        "all these decades.",
        sources=tuple(f"{mark.label}: {mark.source}" for mark in values.systems),
    )


_PREDICTED = {
    "before": "What was predicted before the runs",
    "not_begun": "What was predicted before the runs",
    "after": "What was predicted, sealed after the run began: not a forecast",
}
"""{order of seal and run: what the panel shows}."""


def proof_panel(view: View) -> Panel | Absent:
    """The sealed forecast and the backtest against what came."""
    values = proof(view)
    if isinstance(values, Absent):
        return values
    unit = conventions(view)["loss_unit"]
    drawings: list[Drawing] = []
    if values.forecast or values.backtest_best:
        drawings.append(draw_forecast(values, unit))
    if any(row.actual is not None for row in values.backtest):
        drawings.append(draw_backtest(values, unit))
    level = f" Interval of the forecast: {100 * values.forecast_level:g} %." if values.forecast_level else ""
    sealed = f" Sealed {values.sealed}: {values.seal_words}." if values.sealed else ""
    return Panel(
        name="proof",
        short="Forecast",
        title="Forecast against outcome",
        lead=f"{_PREDICTED.get(values.order, 'What was predicted')}, and what came. The backtest holds out the top "
        "budget.",
        drawings=tuple(drawings),
        columns=len(drawings),
        caption=f"Error = predicted / actual − 1.{level}{sealed}",
    )


def _side_by_side(view: View) -> str:
    sequences = (section(view, "contest").get("planned") or {}).get("served_sequences")
    return f"{sequences} sequences side by side " if sequences else ""


def contest_panel(view: View) -> Panel | Absent:
    """The planned model beside the larger one."""
    values = contest(view)
    if isinstance(values, Absent):
        return values
    verdict = ""
    if values.advantage is not None and values.planned.bits_per_byte:
        share = percent(-values.advantage / (values.planned.bits_per_byte + values.advantage))
        verdict = f" Bits per byte of the planned model against the larger: {share}."
    return Panel(
        name="contest",
        short="Planned or larger",
        title="The planned against the larger model",
        lead="The same compute, spent on a larger model and fewer tokens, as habit had it before Hoffmann et al. 2022."
        + verdict,
        drawings=(draw_contest(values),) if values.planned.bits_per_byte is not None else (),
        tables=(Table(columns=("", "planned", "larger", "better"), rows=tuple(contest_rows(values)), words=(0, 3)),),
        columns=2,
        caption=f"Generation: {_side_by_side(view)}with a key-value cache, on the machine of the methods card below.",
    )


def rates_panel(view: View) -> Panel | Absent:
    """Loss against peak learning rate at several sizes."""
    values = rate_checks(view)
    if isinstance(values, Absent):
        return values
    words = conventions(view)
    edge = sum(check.interior is False for check in values)
    verdict = (
        "The best rate lies inside the rates tried at every size."
        if not edge
        else f"At {edge} of {len(values)} sizes the best rate lies at the edge of those tried."
    )
    return Panel(
        name="rates",
        short="Learning rates",
        title="Learning-rate check",
        lead=f"One rate for all sizes would tilt every isoFLOP curve. {verdict}",
        drawings=(draw_rates(values, words["loss_unit"]),),
        caption=f"N: {words['params']} parameters. A ring shows the rate that the recipe gives this size.",
    )


def runs_panel(view: View) -> Panel | Absent:
    """Every run as a row."""
    rows = run_rows(view)
    if not rows:
        return Absent(sentence="Runs: none is recorded here.")
    counts = ", ".join(f"{count} {status}" for status, count in status_counts(view).items())
    words = conventions(view)
    states: Sequence[str] = [row[2].split(":")[0] for row in rows]
    return Panel(
        name="runs",
        short="Runs",
        title="Every run",
        lead=f"{len(rows)} runs: {counts}.",
        tables=(Table(columns=RUN_COLUMNS, rows=tuple(rows), states=tuple(states), words=(0, 1, 2), tall=True),),
        caption=f"N: {words['params']} parameters; shape: layers × d_model; FLOPs: {words['flops']}; "
        f"loss: {words['loss_unit']}, validation; se: its standard error over sequences; "
        "starts: 1 plus the times a run was resumed.",
    )
