"""Every run with its status, and the methods card, as rows of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isoflop.report.view import Run, View, all_runs, approach, conventions, section
from isoflop.report.wording import DASH, loss_text, shown
from isoflop.units import format_bytes, format_duration, format_flops, format_quantity

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
        shown(run.seed, lambda value: f"{value:d}"),  # type: ignore[str-format]
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


def methods(view: View) -> list[tuple[str, list[str]]]:
    """(heading, lines) of the methods card; headings without a line are left out."""
    card = [
        ("Conventions", _conventions(view)),
        ("Rows left out of the fits", _exclusions(view)),
        ("Budgets left out of approach 2", _left_out_budgets(view)),
        ("Fitting", _fitting(view)),
        ("Training", _training(view)),
        ("Corpus", _corpus(view)),
        ("Machine", _machine(view)),
        ("Versions", [f"{name} {version}" for name, version in section(view, "versions").items()]),
        ("Notices", _notices(view)),
    ]
    return [(heading, lines) for heading, lines in card if lines]


def _conventions(view: View) -> list[str]:
    words = conventions(view)
    lines = [
        f"N counts parameters: {words['params']}.",
        f"C counts training FLOPs: {words['flops']} (forward and backward).",
        f"Loss: {words['loss_unit']}, validation, at the end of the run; curves show training loss.",
        "The published laws were fitted with other conventions (C = 6ND, all parameters, subword tokens, other text): "
        "compare slopes with them, not levels.",
    ]
    return lines


def _exclusions(view: View) -> list[str]:
    seen = section(view, "fit").get("observations") or {}
    if not seen:
        return []
    lines = [f"{seen.get('rows_used', DASH)} of {seen.get('rows_read', DASH)} rows are used."]
    by_reason: dict[str, list[str]] = {}
    for entry in seen.get("dropped") or ():
        by_reason.setdefault(str(entry.get("reason")), []).append(str(entry.get("row")))
    return lines + [f"{reason}: row {', '.join(rows)}" for reason, rows in by_reason.items()]


def _left_out_budgets(view: View) -> list[str]:
    budgets = approach(view, "isoflop").get("budgets") or ()
    return [
        f"{format_flops(entry['flops'])} FLOPs: {entry.get('reason') or 'no reason is recorded'}"
        for entry in budgets
        if entry.get("kept") is False
    ]


def _fitting(view: View) -> list[str]:
    fit, lines = approach(view, "parametric"), []
    starts = fit.get("starts") or {}
    if starts:
        lines.append(f"Parametric fit: {starts.get('at_best')} of {starts.get('tried')} starts end at the best optimum.")
    if fit.get("delta") is not None:
        lines.append(f"Huber loss on ln(loss), delta {fit['delta']:g}; objective (a sum over rows) {fit.get('objective'):.6g}.")
    identified = fit.get("identified") or {}
    constants = [name for name in ("E", "A", "B", "alpha", "beta") if fit.get(name) is not None and identified.get(name, True)]
    limits = fit.get("intervals") or {}
    for name in constants:
        known = limits.get(name)
        band = f" ({known[0]:.4g} to {known[1]:.4g})" if known else ""
        lines.append(f"{name} = {fit[name]:.4g}{band}")
    for part in ("envelope", "isoflop", "parametric"):
        level = (approach(view, part).get("intervals") or {}).get("level")
        if level:
            lines.append(f"Intervals of the fits: {100 * level:g} %, by resampling whole runs.")
            break
    return lines


def _training(view: View) -> list[str]:
    given = section(view, "recipe") or section(view, "schedule")
    lines = [f"{name.replace('_', ' ')}: {_value(value)}" for name, value in given.items()]
    done = [run for run in all_runs(view) if run.status == "done"]
    epochs = [run.epochs for run in done if run.epochs]
    if epochs:
        lines.append(f"Epochs over the corpus: at most {max(epochs):.2g}.")
    seconds = [run.wall_seconds for run in all_runs(view) if run.wall_seconds]
    if seconds:
        lines.append(f"All runs together: {format_duration(sum(seconds))} of training, {format_flops(_spent(view))} FLOPs.")
    return lines


def _spent(view: View) -> float:
    return sum(run.flops for run in all_runs(view) if run.flops and run.status == "done")


def _corpus(view: View) -> list[str]:
    info, lines = section(view, "corpus"), []
    for source in info.get("sources") or ():
        if isinstance(source, Mapping):
            name = " ".join(str(source[key]) for key in ("name", "path", "version") if source.get(key))
            size = f", {format_bytes(source['bytes'])}" if source.get("bytes") else ""
            pinned = {True: "", False: ", unpinned: its sha256 is not the expected one"}.get(source.get("pinned", True), "")
            lines.append(f"Source: {name}{size}{pinned}")
        else:
            lines.append(f"Source: {source}")
    if info.get("train_tokens"):
        size = f" from {format_bytes(info['train_bytes'])}" if info.get("train_bytes") else ""
        lines.append(f"Training tokens: {format_quantity(info['train_tokens'])}{size}; tokens: {info.get('tokenizer', DASH)}.")
    duplicates = info.get("duplicates")
    if isinstance(duplicates, Mapping):
        lines.append("Exact duplicates dropped: " + ", ".join(f"{count:,} {what}" for what, count in duplicates.items()) + ".")
    if info.get("overlap_13gram") is not None:
        lines.append(f"Validation 13-grams also seen in training: {_share(info['overlap_13gram'])}.")
    if info.get("digest"):
        lines.append(f"Digest: {str(info['digest'])[:16]}")
    return lines


def _share(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_share(part)}" for name, part in value.items())
    return f"{100 * value:.1f} %"


def _machine(view: View) -> list[str]:
    machine = section(view, "machine")
    lines = []
    if machine.get("cores"):
        lines.append(f"{machine['cores']} cores")
    if machine.get("matmul_flops_per_core"):
        lines.append(f"Matrix multiplication: {format_flops(machine['matmul_flops_per_core'])} FLOP/s a core, measured")
    for speed in machine.get("trainer_flops") or ():
        lines.append(f"Trainer: {_value(speed)}")
    return lines


def _notices(view: View) -> list[str]:
    found = list(view.get("notices") or ())
    for part in ("envelope", "isoflop", "parametric"):
        found += (section(view, "fit").get(part) or {}).get("warnings") or []
    found += section(view, "plan").get("warnings") or []
    return list(dict.fromkeys(str(entry.get("message", entry)) if isinstance(entry, Mapping) else str(entry) for entry in found))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_value(part)}" for name, part in value.items())
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: DASH}[value]
    if isinstance(value, (int, float)):
        return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return str(value)
