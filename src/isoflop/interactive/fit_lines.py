"""A fit in three lines: what `repr` prints, with units, intervals and grade."""

from __future__ import annotations

from isoflop.fit import FitReport, Refused
from isoflop.report.fitted_runs import size_at, size_point
from isoflop.report.formatting import with_interval
from isoflop.report.panels.optimum_tables import exponent_with_interval, level_of
from isoflop.report.style import APPROACH_NAMES
from isoflop.units import format_flops, format_number


def fit_lines(report: FitReport) -> tuple[str, str, str]:
    """The runs and the grade; how the best size grows with compute; the optimum at the largest compute of the runs.

    Where no approach has a law the lines say why.
    """
    read, grade = report.observations, report.grade
    word = f"{grade.word} ({', '.join(grade.codes)})" if grade.codes else grade.word
    low, high = map(format_flops, report.flops_range)
    first = f"Fit of {read.rows_used} of {read.rows_read} rows, {low} to {high} FLOPs: {word}"
    name = report.preferred
    if name is None:
        reasons = "; ".join(f"{key}: {fit.reason}" for key, fit in report.fits.items() if isinstance(fit, Refused))
        return first, "no approach could fit a law to these runs", reasons
    fit = report.fitted[name]
    a, b = (exponent_with_interval(fit, letter) for letter in ("a", "b"))
    level = level_of(report)
    of_level = "no intervals" if level is None else f"intervals: {format_number(100 * level, 6)} %"
    forecast = size_at(report, report.flops_range[1])
    if forecast is None:
        params, tokens = fit.optimum(report.flops_range[1])
        best = f"{with_interval(params, None)} parameters on {with_interval(tokens, None)} tokens"
    else:
        point = size_point(report, forecast)
        best = (
            f"{with_interval(point.params, point.params_interval)} parameters on "
            f"{with_interval(point.tokens, point.tokens_interval)} tokens"
        )
    return (
        first,
        f"by {APPROACH_NAMES[name]}: N_opt grows as C^a, a = {a}; D_opt as C^b, b = {b}",
        f"best at {high} FLOPs: {best}; {of_level}",
    )
