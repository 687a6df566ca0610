"""The summary of a fit alone, in sentences and small tables: the same for its page and for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.fit import LEVEL, FitReport, Refused
from isoflop.fit.grades import AHEAD
from isoflop.report.formatting import in_words, loss_text, share_text, with_interval
from isoflop.report.panel import Absent, KeyValue, Summary
from isoflop.report.panels.best_size import (
    BestSize,
    backtest_sentence,
    estimator_facts,
    mixture_fact,
    range_sentence,
)
from isoflop.report.panels.optimum_tables import (
    OptimaAt,
    exponent_with_interval,
    exponents_table,
    level_of,
    not_identified,
    optimum_table,
)
from isoflop.report.panels.past_forecasts import form_errors, typical_errors
from isoflop.report.panels.rows_read import range_facts, read_facts
from isoflop.report.style import APPROACH_NAMES
from isoflop.units import format_flops, format_number

_NEAR = 10.0  # times beyond the fit: as far as public data support a forecast
_TIMES = ("of each other there", "at ten times that compute", "at a hundred times")


def fit_summary(report: FitReport, optima: Sequence[OptimaAt]) -> Summary:
    """The optimum and how it grows, what was read, and what the runs cannot tell."""
    groups = [("Runs", read_facts(report.observations)), ("Where they lie", range_facts(report)), *size_groups(optima)]
    tables = [exponents_table(report), *map(optimum_table, optima)]
    return Summary(
        sentences=tuple(_sentences(report, optima)),
        groups=tuple((heading, tuple(facts)) for heading, facts in groups if facts),
        tables=tuple(table for table in tables if table),
        not_identified=not_identified(report, of_study=False),
    )


def forecast_ahead(optima: Sequence[OptimaAt]) -> BestSize | None:
    """The forecast of the size for ten times the compute of the runs; None where there is none."""
    return next((one.forecast for one in optima if one.factor == AHEAD), None)


def open_size(optima: Sequence[OptimaAt]) -> BestSize | None:
    """The forecast at the least compute at which the runs leave the size open; None where they identify it."""
    near = (one.forecast for one in optima if one.factor <= AHEAD)
    return next((size for size in near if size is not None and not size.identified), None)


def size_groups(optima: Sequence[OptimaAt]) -> list[tuple[str, list[KeyValue]]]:
    """(heading, lines) of the forecast of the size: all estimators mixed, then each alone."""
    size = forecast_ahead(optima)
    if size is None:
        return []
    heading = f"Best size at {format_flops(size.flops)} FLOPs, ten times the largest compute"
    return [(heading, [mixture_fact(size), *estimator_facts(size)])]


def _sentences(report: FitReport, optima: Sequence[OptimaAt]) -> list[str]:
    name = report.preferred
    if name is None:
        return ["No approach could fit a law to these runs."]
    fit, first, unknown = report.fitted[name], optima[0], open_size(optima)
    ahead = headline(report, optima)
    sentences = [range_sentence(unknown)] if unknown else [ahead] if ahead else []
    a, b = (exponent_with_interval(fit, letter) for letter in ("a", "b"))
    sentences.append(
        f"By {APPROACH_NAMES[name]}, the best size grows as C^a with a = {a}, its tokens as C^b with b = {b}."
    )
    # one size for a budget: that of all estimators, as plans take it
    mixed = first.forecast is not None and first.forecast.identified
    best = first.forecast_point if mixed and first.forecast_point is not None else first.by_approach[name]
    sentences.append(
        f"At {format_flops(first.flops)} FLOPs, the largest compute of the runs, the best size is "
        f"{with_interval(best.params, best.params_interval)} parameters on "
        f"{with_interval(best.tokens, best.tokens_interval)} tokens, {format_number(best.tokens / best.params)} a "
        "parameter."
    )
    sentences += _size_sentences(report, None if ahead else forecast_ahead(optima))
    ratios = report.disagreement().values()
    if len(ratios) == len(_TIMES):
        parts = [f"{ratio:.2f} {where}" for ratio, where in zip(ratios, _TIMES, strict=True)]
        sentences.append(f"The approaches put N_opt within a factor of {', '.join(parts)}.")
    sentences += _past_sentences(report)
    level = level_of(report)
    return [*sentences, f"Intervals in brackets: {share_text(level)}."] if level else sentences


def headline(report: FitReport, optima: Sequence[OptimaAt]) -> str:
    """Size, tokens and loss of the best model at ten times the compute of the runs; empty where they are not known."""
    at = next((one for one in optima if one.factor == AHEAD), None)
    if at is None or at.forecast is None or at.forecast_point is None or at.loss is None or not at.forecast.identified:
        return ""
    point, unit = at.forecast_point, in_words(report.observations.loss_unit)
    return (
        f"With {format_flops(at.flops)} FLOPs, ten times the largest compute of these runs, train "
        f"{with_interval(point.params, point.params_interval)} parameters on "
        f"{with_interval(point.tokens, point.tokens_interval)} tokens: the loss is forecast as "
        f"{with_interval(at.loss, at.loss_interval, loss_text)} {unit}, with {share_text(LEVEL)} intervals in brackets."
    )


def _size_sentences(report: FitReport, size: BestSize | None) -> list[str]:
    """The size that a plan for ten times the runs' compute takes, and how such a forecast went before."""
    sentences = []
    if size is not None and size.identified:
        N, where = with_interval(size.params, size.interval), format_flops(size.flops)
        sentences.append(f"For {where} FLOPs, ten times that, all estimators mixed give {N} parameters.")
    if report.size_backtest is not None:
        text = backtest_sentence(report.size_backtest)
        sentences.append(f"{text[:1].upper()}{text[1:]}.")
    return sentences


def _past_sentences(report: FitReport) -> list[str]:
    """How each form's past forecasts went, up to ten times beyond their fit."""
    values = form_errors(report)
    errors = {} if isinstance(values, Absent) else typical_errors(values, 1.001 * _NEAR)
    if not errors:
        return []
    parts = [f"{label} by {100 * error:.2f} %" for label, error in errors.items()]
    return [
        "Fitted up to an earlier compute, forms of law missed the later losses of these runs, at up to "
        f"{format_number(_NEAR)} times: {', '.join(parts)} (root mean square)."
    ]


def refusals(report: FitReport) -> list[KeyValue]:
    """Each approach that gave no law, with its reason."""
    facts = []
    for name, words in APPROACH_NAMES.items():
        part = report.fits[name]
        if isinstance(part, Refused):
            state = "refused" if part.applicable else "does not apply"
            facts.append(KeyValue(label=words.split(",")[0].capitalize(), value=f"{state}: {part.reason}"))
    return facts
