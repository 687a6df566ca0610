"""Every run with its status, as a table."""

from __future__ import annotations

from isoflop.report.formatting import format_or_dash, loss_text
from isoflop.report.panel import Absent, Panel, Table
from isoflop.report.record import RunRecord, StudyRecord
from isoflop.units import format_duration, format_flops, format_number, format_quantity

RUN_COLUMNS = (
    "run", "loss", "± se", "bits per byte", "N", "tokens", "FLOPs asked", "FLOPs spent", "for", "status", "shape",
    "peak rate", "batch (tokens)", "seed", "epochs", "time", "starts",
)  # fmt: skip
"""The outcome first, then what was trained, then how."""


def run_rows(record: StudyRecord) -> list[tuple[str, ...]]:
    """One row of RUN_COLUMNS a run: failed ones with the reason in the status."""
    return [tuple(_cells(run)[column] for column in RUN_COLUMNS) for run in record.runs]


def _cells(run: RunRecord) -> dict[str, str]:
    """{column: its text}."""
    return {
        "run": run.run_id,
        "loss": format_or_dash(run.loss, loss_text),
        "± se": format_or_dash(run.loss_se, loss_text),
        "bits per byte": format_or_dash(run.bits_per_byte, loss_text),
        "N": format_quantity(run.params),
        "tokens": format_or_dash(run.tokens_seen),
        "FLOPs asked": format_or_dash(run.budget_flops, format_flops),
        "FLOPs spent": format_or_dash(run.flops, format_flops),
        "for": ", ".join(purpose.replace("_", " ") for purpose in run.purposes),
        "status": f"{run.status}: {run.reason.replace('_', ' ')}" if run.reason else run.status,
        "shape": f"{run.n_layers}×{run.d_model}",
        "peak rate": format_number(run.peak_lr, 2),
        "batch (tokens)": f"{run.batch_tokens:,}",
        "seed": str(run.seed),
        "epochs": format_or_dash(run.epochs, lambda value: format_number(value, 2)),
        "time": format_or_dash(run.wall_seconds, format_duration),
        "starts": str(run.attempts),
    }


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
                words=tuple(map(RUN_COLUMNS.index, ("run", "for", "status"))),
                tall=True,
            ),
        ),
        caption=f"Loss: {words.loss_unit}, validation, after the last step; se: its standard error over sequences. "
        f"N: {words.params} parameters; FLOPs: {words.flops}; shape: layers × d_model; peak rate: peak learning rate "
        "of the hidden matrices; time: of training on this machine, once; starts: 1 plus the times a run was resumed.",
    )
