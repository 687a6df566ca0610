"""The methods card: conventions, exclusions, fitting, training, corpus, machine, notices, as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isoflop.report.formatting import DASH, shown
from isoflop.report.panels.warnings import notices
from isoflop.report.style import APPROACH_NAMES
from isoflop.report.view import View, all_runs, approach, conventions, is_fit, is_paper, pair, section
from isoflop.units import format_bytes, format_duration, format_flops


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
        ("Notices", [] if is_fit(view) else [one.message for one in notices(view)]),
    ]
    return [(heading, lines) for heading, lines in card if lines]


def _conventions(view: View) -> list[str]:
    if is_paper(view):
        return [
            "N counts all parameters and C is 6ND, unless a section says otherwise.",
            "Losses are nats a token of the text and tokenizer of Hoffmann et al. 2022.",
            "A number comes out to every printed digit where ours rounds to what is printed.",
        ]
    words = conventions(view)
    where = "" if is_fit(view) else ", validation, at the end of the run; curves show training loss"
    return [
        f"N counts parameters: {words['params']}.",
        f"C counts training FLOPs: {words['flops']} (forward and backward).",
        f"Loss: {words['loss_unit']}{where}.",
        "The published laws were fitted with other conventions (C = 6ND, all parameters, subword tokens, other text): "
        "compare slopes with them, not levels.",
    ]


def _exclusions(view: View) -> list[str]:
    seen = section(view, "fit").get("observations") or {}
    if not seen or is_fit(view):  # the page of a fit alone has a panel of them
        return []
    lines = [f"{seen.get('rows_used', DASH)} of {seen.get('rows_read', DASH)} rows are used."]
    by_reason: dict[str, list[str]] = {}
    for entry in seen.get("dropped") or ():
        by_reason.setdefault(str(entry.get("reason")), []).append(str(entry.get("run_id") or f"row {entry.get('row')}"))
    return lines + [f"{reason}: {', '.join(rows)}" for reason, rows in by_reason.items()]


def _left_out_budgets(view: View) -> list[str]:
    budgets = approach(view, "isoflop").get("budgets") or ()
    return [
        f"{format_flops(entry['flops'])} FLOPs: {entry.get('reason') or 'no reason is recorded'}"
        for entry in budgets
        if entry.get("kept") is False
    ]


_INTERVALS = {
    "envelope": "from the scatter of the finished losses about their curves and between the sizes",
    "isoflop": "from the scatter about all valleys, as a handful of sizes cannot be resampled, and between budgets",
    "parametric": "by resampling whole runs, within each budget where there are budgets",
}
"""How the intervals of each approach were made."""


def _fitting(view: View) -> list[str]:
    return ([] if is_fit(view) else _parametric(view)) + _intervals(view)


def _parametric(view: View) -> list[str]:
    fit, lines = approach(view, "parametric"), []
    starts = fit.get("starts") or {}
    if starts:
        lines.append(
            f"Parametric fit: {starts.get('at_best')} of {starts.get('tried')} starts end at the best optimum."
        )
    if fit.get("delta") is not None:
        objective = shown(fit.get("objective"), _digits)
        lines.append(f"Huber loss on ln(loss), delta {fit['delta']:g}; objective (a sum over rows) {objective}.")
    identified = fit.get("identified") or {}
    constants = [
        name for name in ("E", "A", "B", "alpha", "beta") if fit.get(name) is not None and identified.get(name, True)
    ]
    limits = fit.get("intervals") or {}
    for name in constants:
        known = pair(limits.get(name))
        band = f" ({known[0]:.4g} to {known[1]:.4g})" if known else ""
        lines.append(f"{name} = {fit[name]:.4g}{band}")
    return lines


def _intervals(view: View) -> list[str]:
    lines = []
    settings = section(view, "fit").get("settings") or {}
    if settings.get("draws"):
        lines.append(f"Resamples: {settings['draws']:,}, seed {settings.get('seed', DASH)}.")
    for part in ("envelope", "isoflop", "parametric"):
        level = (approach(view, part).get("intervals") or {}).get("level")
        if level:
            lines.append(f"Interval, {APPROACH_NAMES[part]}: {100 * level:g} %, {_INTERVALS[part]}.")
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
        lines.append(
            f"All runs together: {format_duration(sum(seconds))} of training, {format_flops(_spent(view))} FLOPs."
        )
    return lines


def _spent(view: View) -> float:
    return sum(run.flops for run in all_runs(view) if run.flops and run.status == "done")


def _corpus(view: View) -> list[str]:
    info = section(view, "corpus")
    if not info:
        return []
    tokenizer = info.get("tokenizer") or {}
    lines = [f"Text: {info['kind']}"] if info.get("kind") else []
    lines += [f"Tokens: {tokenizer.get('name', DASH)}, vocabulary {tokenizer.get('vocab_size', DASH)}"]
    for name, part in _parts(info, "domains"):
        count = f", {part['train_documents']:,} documents" if part.get("train_documents") is not None else ""
        lines.append(f"Training, {name}: {shown(part.get('train_bytes'), format_bytes)}{count}")
    if info.get("train"):
        size = f" from {format_bytes(info['train']['bytes'])}" if info["train"].get("bytes") else ""
        lines.append(f"Training tokens: {shown(info['train'].get('tokens'))}{size}")
    for name, part in _parts(info, "validation"):
        lines.append(f"Validation, {name}: {shown(part.get('tokens'))} tokens; {_overlap(part, info)}")
    dropped = [f"{count:,} {what.replace('_', ' ')}" for what, count in (info.get("dropped") or {}).items() if count]
    if dropped:
        lines.append(f"Dropped: {', '.join(dropped)}")
    if info.get("digest"):
        lines.append(f"Digest: {str(info['digest'])[:16]}")
    return lines


def _parts(info: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(key, part) for key, part in (info.get(name) or {}).items() if part]


def _digits(value: float) -> str:
    return f"{value:.6g}"


def _overlap(part: Mapping[str, Any], info: Mapping[str, Any]) -> str:
    share = part.get("seen_in_training")
    words = f"{info.get('gram_words', 13)}-grams"
    return (
        f"overlap of {words} is not known" if share is None else f"{100 * share:.2f} % of its {words} are in training"
    )


def _machine(view: View) -> list[str]:
    machine = section(view, "machine")
    lines = []
    if machine.get("cores"):
        lines.append(f"{machine['cores']} cores")
    if machine.get("matmul_flops_per_core"):
        lines.append(f"Matrix multiplication: {format_flops(machine['matmul_flops_per_core'])} FLOP/s a core, measured")
    speeds = machine.get("trainer_flops") or ()
    return lines + [f"Trainer: {_speed(speed)}" for speed in speeds]


def _speed(speed: Any) -> str:
    return f"{format_flops(speed)} FLOP/s" if isinstance(speed, (int, float)) else _value(speed)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_named(name)} {_value(part)}" for name, part in value.items())
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: DASH}[value]
    if isinstance(value, (int, float)):
        return f"{value:,}" if isinstance(value, int) else format_flops(value) if value >= 1e6 else f"{value:.4g}"
    return str(value)


def _named(field: str) -> str:
    # d_model is written with its underscore everywhere in the field.
    return field if field == "d_model" else field.replace("_", " ").replace("flops", "FLOPs")
