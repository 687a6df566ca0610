"""Every run with its status, as rows of text."""

from __future__ import annotations

from isoflop.report.view import Run, View, all_runs
from isoflop.report.wording import DASH, loss_text, shown
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
