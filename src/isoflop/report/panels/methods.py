"""The methods cards: conventions, exclusions, fitting, training, corpus, machine and notices, as lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from isoflop.corpus.info import CorpusInfo, ValidationRow
from isoflop.fit import LEVEL, Approach, FitReport, Refused
from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.formatting import share_text
from isoflop.report.panel import Card, SmallTable
from isoflop.report.panels.warnings import SourcedNotice
from isoflop.report.record import Conventions, Machine, PlannedVsLarger, StudyRecord
from isoflop.report.style import APPROACH_NAMES
from isoflop.units import format_bytes, format_duration, format_flops, format_number, format_quantity


def study_methods(record: StudyRecord, fitted: FittedRuns, notices: Sequence[SourcedNotice]) -> list[Card]:
    """The cards of a study's page."""
    return _with_content(
        Card(heading="Conventions", lines=_conventions(record.conventions, of_study=True)),
        Card(heading="Rows left out of the fits", lines=_exclusions(record.fit)),
        Card(heading="Budgets left out of approach 2", lines=_budgets_left_out(fitted)),
        Card(heading="Fitting", lines=[*_parametric(fitted), *_intervals(record.fit)]),
        Card(heading="Training", lines=_training(record)),
        Card(heading="Corpus", lines=_corpus(record.corpus)),
        _machine(record.machine),
        Card(heading="Final models, timed once", lines=_final_timings(record.comparison)),
        Card(heading="Versions", lines=_versions(record.versions)),
        Card(heading="Notices", lines=[notice.message for _, notice in notices]),
    )


def fit_methods(fitted: FittedRuns, versions: Mapping[str, str]) -> list[Card]:
    """The cards of the page of a fit alone, whose warnings and exclusions have panels."""
    return _with_content(
        Card(heading="Conventions", lines=_conventions(fitted.conventions, of_study=False)),
        Card(heading="Budgets left out of approach 2", lines=_budgets_left_out(fitted)),
        Card(heading="Fitting", lines=_intervals(fitted.fit)),
        Card(heading="Versions", lines=_versions(versions)),
    )


def papers_methods(refit: FittedRuns | None, versions: Mapping[str, str]) -> list[Card]:
    """The cards of the page of the papers, with what was fitted again."""
    lines = [
        "N counts all parameters and C is 6ND, unless a section says otherwise.",
        "Losses are nats a token of the text and tokenizer of Hoffmann et al. 2022.",
        "A number comes out to every printed digit where ours rounds to what is printed.",
    ]
    return _with_content(
        Card(heading="Conventions", lines=lines),
        Card(heading="Budgets left out of approach 2", lines=_budgets_left_out(refit) if refit else []),
        Card(heading="Fitting", lines=_intervals(refit.fit) if refit else []),
        Card(heading="Versions", lines=_versions(versions)),
    )


def _with_content(*cards: Card) -> list[Card]:
    return [card for card in cards if card.lines or card.table]


def _versions(versions: Mapping[str, str]) -> list[str]:
    return [f"{name} {version}" for name, version in versions.items()]


def _conventions(words: Conventions, *, of_study: bool) -> list[str]:
    where = ", validation, at the end of the run; curves show training loss" if of_study else ""
    return [
        f"N counts parameters: {words.params}.",
        f"C counts training FLOPs: {words.flops} (forward and backward).",
        f"Loss: {words.loss_unit}{where}.",
        "The published laws were fitted with other conventions (C = 6ND, all parameters, subword tokens, other text): "
        "compare slopes with them, not levels.",
    ]


def _exclusions(report: FitReport | None) -> list[str]:
    if report is None:
        return []
    read = report.observations
    by_reason: dict[str, list[str]] = {}
    for row in read.dropped:
        by_reason.setdefault(row.reason, []).append(row.run_id or f"row {row.row}")
    used = f"{read.rows_used} of {read.rows_read} rows are used."
    return [used, *(f"{reason}: {', '.join(rows)}" for reason, rows in by_reason.items())]


def _budgets_left_out(fitted: FittedRuns) -> list[str]:
    budgets = fitted.isoflop.budgets if fitted.isoflop else ()
    return [f"{format_flops(budget.flops)} FLOPs: {budget.reason}" for budget in budgets if not budget.kept]


_INTERVALS: dict[Approach, str] = {
    "envelope": "from the scatter of the finished losses about their curves and between the sizes",
    "isoflop": "from the scatter about all profiles, as a handful of sizes cannot be resampled, and between budgets",
    "parametric": "by resampling whole runs, within each budget where there are budgets",
}
"""How the intervals of each approach were made."""


def _parametric(fitted: FittedRuns) -> list[str]:
    """The optimum of the parametric fit and those constants that the runs identify."""
    fit = fitted.parametric
    if fit is None:
        return []
    lines = [
        f"Parametric fit: {fit.starts.at_best} of {fit.starts.tried} starts end at the best optimum.",
        f"Huber loss on ln(loss), delta {format_number(fit.delta, 6)}; objective (a sum over rows) "
        f"{format_number(fit.objective, 6)}.",
    ]
    for name, value in fit.law.constants().items():
        if fit.identified.get(name, True):
            limits = fit.intervals.get(name)
            band = f" ({format_number(limits[0], 4)} to {format_number(limits[1], 4)})" if limits else ""
            lines.append(f"{name} = {format_number(value, 4)}{band}")
    return lines


def _intervals(report: FitReport | None) -> list[str]:
    if report is None:
        return []
    lines = []
    if report.settings.draws:
        lines.append(f"Resamples: {report.settings.draws:,}, seed {report.settings.seed}.")
    for name, made in _INTERVALS.items():
        fit = report.fits[name]
        if not isinstance(fit, Refused):
            lines.append(f"Interval, {APPROACH_NAMES[name]}: {share_text(LEVEL)}, {made}.")
    return lines


def _training(record: StudyRecord) -> list[str]:
    lines = [f"{what}: {words}" for what, words in record.recipe.items()]
    epochs = [run.epochs for run in record.runs if run.status == "done" and run.epochs]
    if epochs:
        lines.append(f"Epochs over the corpus: at most {format_number(max(epochs), 2)}.")
    seconds = [run.wall_seconds for run in record.runs if run.wall_seconds]
    if seconds:
        spent = sum(run.spent_flops or run.flops or 0.0 for run in record.runs if run.status == "done")
        together = f"{format_duration(sum(seconds))} of training, {format_flops(spent)} FLOPs"
        lines.append(f"All runs together: {together}.")
    return lines


def _corpus(corpus: CorpusInfo | None) -> list[str]:
    if corpus is None:
        return []
    lines = [f"Text: {corpus.kind}"] if corpus.kind else []
    lines.append(f"Tokens: {corpus.tokenizer.name}, vocabulary {corpus.tokenizer.vocab_size}")
    for name, text in corpus.domains.items():
        lines.append(f"Training, {name}: {format_bytes(text.train_bytes)}, {text.train_documents:,} documents")
    lines.append(f"Training tokens: {format_quantity(corpus.train.tokens)} from {format_bytes(corpus.train.bytes)}")
    for name, part in corpus.validation.items():
        lines.append(f"Validation, {name}: {format_quantity(part.tokens)} tokens; {_overlap(part, corpus.gram_words)}")
    dropped = [f"{count:,} {what.replace('_', ' ')}" for what, count in sorted(asdict(corpus.dropped).items()) if count]
    if dropped:
        lines.append(f"Dropped: {', '.join(dropped)}")
    return [*lines, f"Digest: {corpus.digest[:16]}"]


def _overlap(part: ValidationRow, gram_words: int) -> str:
    if part.seen_in_training is None:
        return f"overlap of {gram_words}-grams is not known"
    return f"{100 * part.seen_in_training:.2f} % of its {gram_words}-grams are in training"


def _final_timings(models: PlannedVsLarger | None) -> list[str]:
    """How long both final models trained and how fast they generate: single timings, so among the methods alone."""
    if models is None:
        return []
    lines = []
    for who, model in (("Planned", models.planned), ("Larger", models.larger)):
        if model.run.wall_seconds is not None:
            lines.append(f"{who}: trained in {format_duration(model.run.wall_seconds)}.")
        if model.tokens_per_second is not None:
            side = f", {model.served_sequences} sequences side by side" if model.served_sequences else ""
            speed = f"{format_quantity(model.tokens_per_second)} tokens per second{side}, with a key-value cache"
            lines.append(f"{who}: generates {speed}.")
    return [*lines, "Each was measured once, on a machine that may have been busy: a ratio of them has no interval."]


def _machine(machine: Machine | None) -> Card:
    """Cores, and the speed of the trainer at the shapes that were measured."""
    if machine is None:
        return Card(heading="Machine")
    product = f"{format_flops(machine.matmul_flops_per_core)} FLOP/s a core, measured"
    speeds = SmallTable(
        heading="Trainer, measured",
        columns=("parameters", "FLOP/s", "seconds a step"),
        rows=tuple(
            (f"{speed.params:,}", format_flops(speed.flops_per_second), format_number(speed.step_seconds))
            for speed in machine.trainer
        ),
    )
    return Card(heading="Machine", lines=[f"{machine.cores} cores", f"Matrix multiplication: {product}"], table=speeds)
