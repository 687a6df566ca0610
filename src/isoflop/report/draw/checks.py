"""What the fit leaves and how its forms erred on compute held back, drawn."""

from __future__ import annotations

import math

from isoflop.report.draw.drawing import (
    Drawing,
    Kind,
    LegendEntry,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    room,
    spread,
)
from isoflop.report.figures.backtests import FormErrors
from isoflop.report.figures.residuals import Residuals, drawn_reach, running_median
from isoflop.report.style import APPROACH_COLOURS, BLUE, GREEN, INK, MUTED, ORANGE, VERMILLION, transparent
from isoflop.report.wording import percent
from isoflop.units import format_flops, format_quantity

_MOST_DRAWN = 3000
"""Points of one figure: more make a page of many megabytes and one dark cloud."""
_FORM_COLOURS = (GREEN, VERMILLION, BLUE, ORANGE, INK)
_FORM_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")
_FORM_KINDS: tuple[Kind, ...] = ("point", "diamond", "square", "point", "point")
_DODGE = 1.06
"""Forms at one factor of compute stand beside each other by this much."""


def draw_residuals(values: Residuals, params_words: str) -> tuple[Drawing, ...]:
    """Residuals in per cent against N, D and D / N, with running medians: three drawings.

    Rows beyond the drawn reach are triangles at its edge.
    """
    percents = [100 * (math.exp(r) - 1) for r in values.residual]
    most = 1.15 * drawn_reach(values) or 1.0
    beyond = [i for i, p in enumerate(percents) if abs(p) > most]
    every = math.ceil(len(percents) / _MOST_DRAWN)
    legend = [LegendEntry(label="a row", colour=APPROACH_COLOURS["parametric"], kind="point")]
    drawings = []
    for name, title, xs, how in (
        ("params", f"parameters N ({params_words})", values.params, format_quantity),
        ("tokens", "training tokens D", values.tokens, format_quantity),
        ("ratio", "tokens per parameter D / N", values.tokens_per_param, format_quantity),
    ):
        low, high = spread(xs, 1.3)
        hover = [f"{run}<br>{percent(p / 100)}" for run, p in zip(values.run_ids, percents, strict=True)]
        data = [
            line([low, high], [0, 0], MUTED, width=1),
            points(
                xs[::every], percents[::every], transparent(APPROACH_COLOURS["parametric"], 0.7), hover[::every], size=6
            ),
        ]
        data += [
            points(
                [xs[i] for i in beyond if (percents[i] > 0) is above],
                [(1 if above else -1) * 0.96 * most for i in beyond if (percents[i] > 0) is above],
                APPROACH_COLOURS["parametric"],
                [hover[i] for i in beyond if (percents[i] > 0) is above],
                size=8,
                symbol="triangle-up" if above else "triangle-down",
            )
            for above in (True, False)
            if any((percents[i] > 0) is above for i in beyond)
        ]
        at, middle = running_median(xs, percents)
        if at:
            data.append(line(at, middle, INK, width=2))
        drawings.append(
            Drawing(
                name=f"residuals-{name}",
                describes=f"Residuals of the parametric fit against {title}",
                data=data,
                layout=layout(
                    log_axis(title, low, high, how),
                    linear_axis("observed over fitted loss − 1 (%)", range=[-most, most]),
                ),
                legend=(*legend, LegendEntry(label="running median", colour=INK)) if at else tuple(legend),
                height=300,
                narrow_height=260,
            )
        )
    return tuple(drawings)


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
            f"at {format_flops(one.target_flops)} FLOPs (×{one.factor:.3g}): {percent(one.error)}"
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
            log_axis("forecast compute over the largest fitted", low, high, lambda value: f"×{value:g}"),
            linear_axis("predicted over actual loss − 1 (%)", range=room(errors, 0.12)),
        ),
        legend=tuple(legend),
        height=380,
        narrow_height=300,
    )
