"""Every run with its status, as a table."""

from __future__ import annotations

from isoflop.report.formatting import format_or_dash, loss_text
from isoflop.report.panel import Absent, Panel, Table
from isoflop.report.record import RunRecord, StudyRecord
from isoflop.units import format_duration, format_flops, format_number, format_quantity

RUN_COLUMNS = (
    "run", "for", "status", "N", "shape", "tokens", "FLOPs asked", "FLOPs spent", "peak rate", "batch (tokens)",
    "seed", "loss", "± se", "bits per byte", "time", "starts", "epochs",
)  # fmt: skip


def run_rows(record: StudyRecord) -> list[tuple[str, ...]]:
    """One row of RUN_COLUMNS a run: failed ones with the reason in the status."""
    return [_run_row(run) for run in record.runs]


def _run_row(run: RunRecord) -> tuple[str, ...]:
    return (
        run.run_id,
        ", ".join(purpose.replace("_", " ") for purpose in run.purposes),
        f"{run.status}: {run.reason.replace('_', ' ')}" if run.reason else run.status,
        format_quantity(run.params),
        f"{run.n_layers}×{run.d_model}",
        format_or_dash(run.tokens_seen),
        format_or_dash(run.budget_flops, format_flops),
        format_or_dash(run.flops, format_flops),
        format_number(run.peak_lr, 2),
        f"{run.batch_tokens:,}",
        str(run.seed),
        format_or_dash(run.loss, loss_text),
        format_or_dash(run.loss_se, loss_text),
        format_or_dash(run.bits_per_byte, loss_text),
        format_or_dash(run.wall_seconds, format_duration),
        str(run.attempts),
        format_or_dash(run.epochs, lambda value: format_number(value, 2)),
    )


def status_words(record: StudyRecord) -> str:
    """`35 done, 1 failed`, without the statuses that no run has; empty before the design."""
    return ", ".join(f"{count} {status}" for status, count in record.count().items() if count)


def runs_panel(record: StudyRecord) -> Panel | Absent:
    """Every run as a row."""
    if not record.runs:
        return Absent(sentence="Runs: none is recorded here.")
    words = record.conventions
    return Panel(
        name="runs",
        short="Runs",
        title="Every run",
        lead=f"{len(record.runs)} runs: {status_words(record)}.",
        tables=(
            Table(
                columns=RUN_COLUMNS,
                rows=tuple(run_rows(record)),
                states=tuple(run.status for run in record.runs),
                words=(0, 1, 2),
                tall=True,
            ),
        ),
        caption=f"N: {words.params} parameters; shape: layers × d_model; FLOPs: {words.flops}; "
        f"loss: {words.loss_unit}, validation; se: its standard error over sequences; "
        "starts: 1 plus the times a run was resumed.",
    )
