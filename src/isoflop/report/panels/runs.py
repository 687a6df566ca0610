"""Every run with its status, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.report.formatting import DASH, loss_text, shown
from isoflop.report.panel import Absent, Panel, Table
from isoflop.report.view import Run, View, all_runs, conventions
from isoflop.units import format_duration, format_flops

RUN_COLUMNS = (
    "run", "for", "status", "N", "shape", "tokens", "FLOPs asked", "FLOPs spent", "peak rate", "batch (tokens)",
    "seed", "loss", "± se", "bits per byte", "time", "starts", "epochs",
)  # fmt: skip


def run_rows(view: View) -> list[tuple[str, ...]]:
    """One row of RUN_COLUMNS a run: failed ones with the reason in the status."""
    return [_run_row(run) for run in all_runs(view)]


def _run_row(run: Run) -> tuple[str, ...]:
    status = f"{run.status}: {run.reason.replace('_', ' ')}" if run.reason else run.status
    shape = f"{run.n_layers}×{run.d_model}" if run.n_layers and run.d_model else DASH
    return (
        run.run_id,
        ", ".join(purpose.replace("_", " ") for purpose in run.purposes) or DASH,
        status,
        shown(run.params),
        shape,
        shown(run.tokens),
        shown(run.budget_flops, format_flops),
        shown(run.flops, format_flops),
        shown(run.peak_lr, lambda value: f"{value:.2g}"),
        shown(run.batch_tokens, lambda value: f"{value:,.0f}"),
        shown(run.seed, lambda value: f"{value:d}"),
        shown(run.loss, loss_text),
        shown(run.loss_se, lambda value: f"{value:.4f}"),
        shown(run.bits_per_byte, loss_text),
        shown(run.wall_seconds, format_duration),
        shown(run.attempts, lambda value: f"{value:.0f}"),
        shown(run.epochs, lambda value: f"{value:.2g}"),
    )


def status_counts(view: View) -> dict[str, int]:
    """{status: runs} in the order done, failed, running, waiting, then others."""
    counts = dict.fromkeys(("done", "failed", "running", "waiting"), 0)
    for run in all_runs(view):
        counts[run.status] = counts.get(run.status, 0) + 1
    return {status: count for status, count in counts.items() if count}


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
