"""Past forecasts: how well each form of law, fitted up to an earlier compute, forecast the later losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.fit import FitReport
from isoflop.report.drawing import Drawing, Kind, LegendEntry, layout, line, linear_axis, log_axis, points, room, spread
from isoflop.report.formatting import DASH, percent
from isoflop.report.panel import Absent, Panel, SmallTable, Table
from isoflop.report.style import BLUE, GREEN, INK, MUTED, ORANGE, VERMILLION
from isoflop.units import format_flops, format_number

_REACHES = (3.0, 10.0, 30.0, math.inf)
"""Upper ends of the ranges of extrapolation that errors are put together in."""


@dataclass(frozen=True, kw_only=True)
class FormError:
    """One form, fitted to all runs up to `origin_flops`, and the runs at `target_flops`."""

    origin_flops: float
    target_flops: float
    factor: float
    """target_flops over origin_flops."""
    error: float
    """Predicted over actual loss, less 1."""


@dataclass(frozen=True, kw_only=True)
class FormErrors:
    """A form of law and its past forecasts."""

    label: str
    """The form in words."""
    past: tuple[FormError, ...]
    """By factor; empty where there are too few earlier runs for any forecast."""


def form_errors(report: FitReport) -> tuple[FormErrors, ...] | Absent:
    """Each form with its past forecasts, in the fit's order; Absent where no form has any."""
    forms = tuple(FormErrors(label=fit.form.label, past=_errors_of(fit.form.name, report)) for fit in report.forms)
    if not any(form.past for form in forms):
        why = "the runs span too little compute" if forms else "no form was held against them"
        return Absent(sentence=f"Forecasts of the past: there is none; {why}.")
    return forms


def _errors_of(form: str, report: FitReport) -> tuple[FormError, ...]:
    errors = [
        FormError(
            origin_flops=past.origin_flops,
            target_flops=past.target_flops,
            factor=past.factor,
            error=float(np.expm1(past.errors[form])),
        )
        for past in report.past
        if form in past.errors
    ]
    return tuple(sorted(errors, key=lambda one: one.factor))


def errors_table(values: Sequence[FormErrors]) -> SmallTable:
    """Root mean square of each form's errors by how far it was extrapolated."""
    reaches = [
        (low, high)
        for low, high in zip((0.0, *_REACHES[:-1]), _REACHES, strict=True)
        if any(low < one.factor <= high for form in values for one in form.past)
    ]
    rows = tuple((one.label, *(_typical(one.past, low, high) for low, high in reaches)) for one in values if one.past)
    columns = (
        "form",
        *(
            f"to ×{format_number(high, 6)}" if high < math.inf else f"above ×{format_number(low, 6)}"
            for low, high in reaches
        ),
    )
    note = (
        "Each form, fitted up to an earlier compute, predicted the later runs: root mean square of predicted over "
        "actual loss less 1, by how many times beyond the fit; with a sign where all errors there have it."
    )
    return SmallTable(heading="Forecasts of the past", columns=columns, rows=rows, note=note)


def _typical(past: Sequence[FormError], low: float, high: float) -> str:
    errors = np.array([one.error for one in past if low < one.factor <= high])
    if not len(errors):
        return DASH
    size = float(np.sqrt(np.mean(errors**2)))
    if np.all(errors > 0) or np.all(errors < 0):
        return percent(float(np.copysign(size, errors[0])))
    return f"±{100 * size:.2f} %"


def typical_errors(values: Sequence[FormErrors], reach: float) -> dict[str, float]:
    """{form in words: root mean square of its errors at up to `reach` times}, of forms that have any there."""
    near = {one.label: np.array([past.error for past in one.past if past.factor <= reach]) for one in values}
    return {label: float(np.sqrt(np.mean(errors**2))) for label, errors in near.items() if len(errors)}


def lack_of_fit(report: FitReport | None) -> str:
    """The trend that the fit sees in its residuals, with a capital; empty where there is none or none was sought."""
    trend = report.lack_of_fit if report else None
    return f"{trend.message[:1].upper()}{trend.message[1:]}" if trend is not None and trend.found else ""


_FORM_COLOURS = (GREEN, VERMILLION, BLUE, ORANGE, INK)
_FORM_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")
_FORM_KINDS: tuple[Kind, ...] = ("point", "diamond", "square", "point", "point")
_DODGE = 1.06
"""Factor by which forms at one factor of compute are moved apart."""


def draw_errors(values: tuple[FormErrors, ...]) -> Drawing:
    """Error of each past forecast in per cent against how far it was carried on, a colour a form."""
    shown = [one for one in values if one.past]
    data, legend = [], []
    reach = spread([one.factor for form in shown for one in form.past], 1.25)
    low, high = min(1.0, reach[0]), reach[1]
    data.append(line([low, high], [0, 0], MUTED, width=1))
    for number, form in enumerate(shown):
        colour = _FORM_COLOURS[number % len(_FORM_COLOURS)]
        hover = [
            f"{form.label}: fitted up to {format_flops(one.origin_flops)} FLOPs<br>"
            f"at {format_flops(one.target_flops)} FLOPs (×{format_number(one.factor)}): {percent(one.error)}"
            for one in form.past
        ]
        aside = _DODGE ** (number - (len(shown) - 1) / 2)
        data.append(
            points(
                [one.factor * aside for one in form.past],
                [100 * one.error for one in form.past],
                colour,
                hover,
                size=8,
                symbol=_FORM_SYMBOLS[number % len(_FORM_SYMBOLS)],
            )
        )
        legend.append(LegendEntry(label=form.label, colour=colour, kind=_FORM_KINDS[number % len(_FORM_KINDS)]))
    errors = [0.0, *(100 * one.error for form in shown for one in form.past)]
    return Drawing(
        name="backtest-forms",
        describes="Error of each form's past forecasts against how many times beyond the fit they were",
        data=data,
        layout=layout(
            log_axis(
                "forecast compute over the largest fitted", low, high, lambda value: f"×{format_number(value, 6)}"
            ),
            linear_axis("predicted over actual loss − 1 (%)", range=room(errors, 0.12)),
        ),
        legend=tuple(legend),
        height=380,
        narrow_height=300,
    )


def past_forecasts_panel(report: FitReport) -> Panel | Absent:
    """How each form, fitted up to an earlier compute, forecast what came later."""
    values = form_errors(report)
    if isinstance(values, Absent):
        return values
    table = errors_table(values)
    return Panel(
        name="backtest",
        short="Past forecasts",
        title="Forecasts of the past, by form",
        lead=table.note,
        drawings=(draw_errors(values),),
        tables=(Table(columns=table.columns, rows=table.rows, words=(0,)),),
        columns=2,
        caption="A form that follows the runs in the sample need not carry on best: this is what tells.",
    )
